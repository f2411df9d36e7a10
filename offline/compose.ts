/**
 * Docker Compose, beside which the benchmark measures: the installed one, or the real one built from Go modules, once, into
 * `.cache/compose/<version>/`. Nothing else of the repository uses it.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { CACHE } from "../system/folders";
import { attempt } from "../system/run";
import { goBuild, goVersion } from "./go-build";

/** The Go module of Docker Compose, which compose/go.mod pins. */
const COMPOSE_MODULE = "github.com/docker/compose/v2";

/** Folder of the Go module that pins it. */
const MODULE = join(__dirname, "compose");

/** Whether the `docker` on PATH has the plugin, of version 2 or newer. */
async function isInstalled(): Promise<boolean> {
    const { code, stdout } = await attempt("docker", ["compose", "version", "--short"]);
    return code === 0 && Number(/^v?(\d+)\./.exec(stdout)?.[1]) >= 2;
}

/** "v2.32.4". */
async function pinnedVersion(): Promise<string> {
    const requirements = await readFile(join(MODULE, "go.mod"), "utf8");
    return new RegExp(`${COMPOSE_MODULE} (v\\S+)`).exec(requirements)![1]!;
}

/** Builds it beside its place, so that whatever is found there is whole. */
async function build(version: string, path: string, say: (line: string) => void): Promise<void> {
    const compiler = await goVersion(
        "Docker Compose is not installed, and building it",
        "Install the plugin of Docker's package docker-compose-plugin, or Go in the version that offline/compose/go.mod " +
            "names or newer, and run the command again.",
    );
    say(`Building Docker Compose from Go modules, once, in some minutes (${compiler}):`);
    const unfinished = `${path}.${process.pid}`;
    try {
        await goBuild(
            {
                what: `Docker Compose ${version}`,
                folder: MODULE,
                programs: { [`${COMPOSE_MODULE}/cmd`]: { [`${COMPOSE_MODULE}/internal.Version`]: version } },
                output: unfinished,
            },
            say,
        );
        await rename(unfinished, path);
    } finally {
        await rm(unfinished, { force: true });
    }
}

/**
 * How Docker Compose is started on this machine: `docker compose`, else one that was built before, else one that is built now.
 *
 * @param say Takes one line of progress.
 * @returns The program, and the arguments that go before a subcommand such as "up".
 * @throws Failure if it is not installed and cannot be built.
 */
export async function composeCommand(say: (line: string) => void): Promise<readonly string[]> {
    if (await isInstalled()) {
        return ["docker", "compose"];
    }
    const version = await pinnedVersion();
    const folder = join(CACHE, "compose", version);
    const path = join(folder, "docker-compose");
    if (!existsSync(path)) {
        await mkdir(folder, { recursive: true });
        await build(version, path, say);
    }
    // By itself it takes the subcommands first, without the plugin's name. Source: its cmd/compatibility/convert.go.
    return [path];
}
