/**
 * Pulumi's command line interface and provider plugins built from Go modules, for machines where their downloads cannot
 * be reached. pulumi/README.md says which parts are Pulumi's own and which are ours.
 *
 * The result lies in `.cache/toolchain/<hash of all inputs>/`: `bin/`, with the command line interface and, beside it,
 * the language host; and `home/`, the PULUMI_HOME that has the plugins. It is made in a folder beside its place and
 * renamed when complete, so whatever is found there is whole. An interrupted build is resumed by Go's own build cache.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { run } from "../system/run";
import { goBuild, goVersion } from "./go-build";

/** A complete build. */
export interface Toolchain {
    /** The command line interface. */
    readonly path: string;
    /** The PULUMI_HOME in which the plugins are installed. */
    readonly home: string;
}

/**
 * The providers of the program, each the npm package @pulumi/<name>, and the Go module of its upstream. Its plugin is the module in the
 * folder of its name below WORKSPACE.
 */
const UPSTREAMS = {
    docker: "github.com/terraform-providers/terraform-provider-docker",
    random: "github.com/terraform-providers/terraform-provider-random",
    tls: "github.com/hashicorp/terraform-provider-tls",
} as const;

const PLUGINS = Object.keys(UPSTREAMS) as (keyof typeof UPSTREAMS)[];

/** The Go package of the command line interface, in the module that cli/go.mod pins. */
const CLI_MODULE = "github.com/pulumi/pulumi/pkg/v3";

const MODULES = join(__dirname, "pulumi");

/** Folder of the Go module that pins the command line interface. */
const CLI = join(MODULES, "cli");

/** Folder of the plugins' Go modules, which are one workspace. */
const WORKSPACE = join(MODULES, "plugins");

const CACHE = join(__dirname, "..", ".cache", "toolchain");

/** The version of a provider is that of its npm package: Pulumi asks for the plugin by it. */
async function pluginVersion(name: string): Promise<string> {
    const manifest = await readFile(require.resolve(`@pulumi/${name}/package.json`), "utf8");
    return (JSON.parse(manifest) as { version: string }).version;
}

/** Where the build of the present inputs belongs. */
async function place(): Promise<string> {
    const sources = [
        "../toolchain.ts",
        "../go-build.ts",
        "language-host/pulumi-language-nodejs",
        "cli/go.mod",
        "cli/go.sum",
        "plugins/go.work",
        "plugins/go.work.sum",
        ...PLUGINS.flatMap((name) => ["go.mod", "go.sum", "main.go"].map((file) => `plugins/${name}/${file}`)),
    ];
    const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
    for (const name of PLUGINS) {
        hash.update(`\0${name} ${await pluginVersion(name)}`);
    }
    for (const source of sources) {
        hash.update(`\0${source}\0`).update(await readFile(join(MODULES, source)));
    }
    return join(CACHE, hash.digest("hex").slice(0, 16));
}

function toolchainIn(folder: string): Toolchain {
    return { path: join(folder, "bin", "pulumi"), home: join(folder, "home") };
}

/** Whether a process runs. Signal 0 only asks. */
function runs(pid: number): boolean {
    try {
        return process.kill(pid, 0);
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

/** Removes what builds that were killed have left; a build that still runs is left alone. */
async function removeAbandoned(): Promise<void> {
    for (const name of await readdir(CACHE)) {
        const pid = /^unfinished-(\d+)$/.exec(name)?.[1];
        if (pid !== undefined && !runs(Number(pid))) {
            await rm(join(CACHE, name), { recursive: true, force: true });
        }
    }
}

async function build(folder: string, say: (line: string) => void): Promise<void> {
    const compiler = await goVersion(
        "Pulumi's command line interface is not installed and could not be downloaded, and building it",
        "Install Pulumi, or Go in the version that offline/pulumi/cli/go.mod names or newer, and run the command again.",
    );
    say(`Building Pulumi's command line interface and plugins from Go modules, once, in 5 to 15 minutes (${compiler}):`);
    const bin = join(folder, "bin/");
    await mkdir(bin);
    const list = ["list", "-mod=readonly", "-m", "-f", "{{.Version}}", CLI_MODULE];
    const version = await run("go", list, { cwd: CLI });
    // The plugins after it: they are mostly made of what it has too, compiled by then. Either build keeps every core busy.
    await goBuild(
        {
            what: `the command line interface ${version}`,
            folder: CLI,
            programs: {
                [`${CLI_MODULE}/cmd/pulumi`]: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": version },
            },
            output: bin,
        },
        say,
    );
    const plugins = await Promise.all(
        PLUGINS.map(async (name) => ({ name, binary: `pulumi-resource-${name}`, version: await pluginVersion(name) })),
    );
    await goBuild(
        {
            what: `the plugins ${plugins.map(({ name, version }) => `${name} ${version}`).join(", ")}`,
            folder: WORKSPACE,
            programs: Object.fromEntries(
                plugins.map(({ name, binary, version }) => [`${UPSTREAMS[name]}/${binary}`, { "main.version": version }]),
            ),
            // Leaves out the part of the docker provider that Pulumi's own plugin leaves out too.
            tags: ["no_compose"],
            output: bin,
        },
        say,
    );
    await copyFile(join(MODULES, "language-host", "pulumi-language-nodejs"), join(bin, "pulumi-language-nodejs"));
    const { path, home } = toolchainIn(folder);
    const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
    for (const { name, binary, version } of plugins) {
        await run(path, ["plugin", "install", "resource", name, version, "--file", join(bin, binary)], { env });
        await rm(join(bin, binary));
    }
}

/** The toolchain of the present inputs, if it was built before. */
export async function builtToolchain(): Promise<Toolchain | undefined> {
    const folder = await place();
    return existsSync(folder) ? toolchainIn(folder) : undefined;
}

/**
 * Builds the toolchain of the present inputs.
 *
 * @param say Takes one line of progress.
 * @throws Failure if Go is missing or cannot build it.
 */
export async function buildToolchain(say: (line: string) => void): Promise<Toolchain> {
    const folder = await place();
    await mkdir(CACHE, { recursive: true });
    await removeAbandoned();
    const unfinished = join(CACHE, `unfinished-${process.pid}`);
    try {
        await mkdir(unfinished);
        await build(unfinished, say);
        await rename(unfinished, folder);
    } catch (error) {
        await rm(unfinished, { recursive: true, force: true });
        // Another run may have finished the same build first.
        if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") {
            throw error;
        }
    }
    return toolchainIn(folder);
}
