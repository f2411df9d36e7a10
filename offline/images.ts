/**
 * Images for machines that can reach no image registry: the real Caddy and restic, built from Go modules, and stand-ins for
 * Authelia and oCIS (see stand-ins/README.md). Every image is a static binary, Debian's static busybox and CA certificates,
 * restic's also Debian's ssh, handed to the engine by `docker import`: no base image, no builder.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";

import { run } from "../system/run";
import { goBuild, goVersion } from "./go-build";

/** What an image can be made of here. */
export type Program = "authelia" | "ocis" | "caddy" | "restic";

/** What the name of every image made here starts with. */
export const BUILT_REPOSITORY = "ocis-authelia";

/** The tag of each image; its version is the one the image is (Caddy, restic) or stands in for. */
export const BUILT_IMAGES: Readonly<Record<Program, string>> = {
    authelia: `${BUILT_REPOSITORY}/stand-in-authelia:4.39.20`,
    ocis: `${BUILT_REPOSITORY}/stand-in-ocis:8.0.5`,
    caddy: `${BUILT_REPOSITORY}/caddy:2.11.9`,
    restic: `${BUILT_REPOSITORY}/restic:0.19.1`,
};

/** The version in an image's tag. */
function versionOf(program: Program): string {
    return BUILT_IMAGES[program].slice(BUILT_IMAGES[program].indexOf(":") + 1);
}

/** How a server's image is made. */
interface Recipe {
    /** The folder of its Go module, relative to this file. */
    readonly module: string;
    /** The main package to build. */
    readonly package: string;
    /** The files and folders the binary is built from, relative to this file. */
    readonly sources: readonly string[];
    /** The Go variable that takes the version, and how it is written. */
    readonly version: readonly [variable: string, value: string];
    /** Where the binary goes in the image. */
    readonly binary: string;
    /** Further programs of Debian's, by package, with the libraries that they are linked to. */
    readonly programs?: Readonly<Record<string, string>>;
    /** Further small files, owned by root. */
    readonly files?: readonly { readonly path: string; readonly mode: number; readonly text: string }[];
    /** Further folders, as `path`, owner's uid and gid (the same), and mode. */
    readonly folders: readonly { readonly path: string; readonly owner: number; readonly mode: string }[];
    /** What `docker import --change` sets. Source: the official image's Dockerfile of that version. */
    readonly changes: readonly string[];
}

/** Where programs are found in an image; `docker import` sets no PATH of its own. */
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const recipes: Readonly<Record<Program, Recipe>> = {
    authelia: {
        module: "stand-ins",
        package: "./cmd/authelia",
        sources: ["stand-ins/go.mod", "stand-ins/go.sum", "stand-ins/cmd/authelia", "stand-ins/internal"],
        version: ["main.version", `v${versionOf("authelia")}`],
        binary: "/app/authelia",
        files: [
            // A first argument other than --config is a command of its own.
            {
                path: "/app/entrypoint.sh",
                mode: 0o755,
                text: '#!/bin/sh\n[ -z "$1" ] || [ "$1" = "--config" ] || exec "$@"\nexec authelia "$@"\n',
            },
        ],
        folders: [{ path: "/config", owner: 0, mode: "0755" }],
        changes: [
            "WORKDIR /app",
            "EXPOSE 9091/tcp",
            `ENV PATH=/app:${searchPath} X_AUTHELIA_CONFIG=/config/configuration.yml`,
            'ENTRYPOINT ["/app/entrypoint.sh"]',
        ],
    },
    ocis: {
        module: "stand-ins",
        package: "./cmd/ocis",
        sources: ["stand-ins/go.mod", "stand-ins/go.sum", "stand-ins/cmd/ocis", "stand-ins/internal"],
        version: ["main.version", versionOf("ocis")],
        binary: "/usr/bin/ocis",
        folders: [
            { path: "/etc/ocis", owner: 1000, mode: "0751" },
            { path: "/var/lib/ocis", owner: 1000, mode: "0751" },
        ],
        changes: [
            "WORKDIR /var/lib/ocis",
            "EXPOSE 9200/tcp",
            `ENV PATH=${searchPath}`,
            "USER 1000",
            'ENTRYPOINT ["/usr/bin/ocis"]',
            'CMD ["server"]',
        ],
    },
    caddy: {
        module: "caddy",
        package: "github.com/caddyserver/caddy/v2/cmd/caddy",
        sources: ["caddy/go.mod", "caddy/go.sum"],
        version: ["github.com/caddyserver/caddy/v2.CustomVersion", `v${versionOf("caddy")}`],
        binary: "/usr/bin/caddy",
        folders: [
            { path: "/config", owner: 0, mode: "0755" },
            { path: "/data", owner: 0, mode: "0755" },
            { path: "/etc/caddy", owner: 0, mode: "0755" },
            { path: "/srv", owner: 0, mode: "0755" },
        ],
        changes: [
            "WORKDIR /srv",
            "EXPOSE 80/tcp 443/tcp 443/udp",
            `ENV PATH=${searchPath} XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data`,
            'CMD ["caddy","run","--config","/etc/caddy/Caddyfile","--adapter","caddyfile"]',
        ],
    },
    restic: {
        module: "restic",
        package: "github.com/restic/restic/cmd/restic",
        sources: ["restic/go.mod", "restic/go.sum"],
        version: ["main.version", versionOf("restic")],
        binary: "/usr/bin/restic",
        programs: { "openssh-client": "/usr/bin/ssh" }, // for repositories on SFTP servers
        folders: [{ path: "/root", owner: 0, mode: "0700" }],
        changes: [`ENV PATH=${searchPath}`, 'ENTRYPOINT ["/usr/bin/restic"]'],
    },
};

/** Under which label an image carries the hash of what it was made of. */
const inputsLabel = "ocis-authelia.inputs";

/** Debian's packages whose files go into every image, and the one file taken from each. */
const debian = { "busybox-static": "/bin/busybox", "ca-certificates": "/etc/ssl/certs/ca-certificates.crt" } as const;

const repository = path.resolve(__dirname, "..");

/** One image at a time: two Go builds at once take a small machine's memory and save no time. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * Makes the image of one program, unless the engine has it already, made of the very same inputs.
 *
 * @param say Takes one line of progress.
 * @returns The image's name, as in {@link BUILT_IMAGES}.
 * @throws Error that names the missing tool (docker, go, Debian's packages) or carries the failed command's last lines.
 */
export function ensureImage(program: Program, say: (line: string) => void): Promise<string> {
    const turn = queue.then(() => makeImage(program, say));
    queue = turn.catch(() => undefined); // the caller gets the error; whoever is next in the queue starts all the same
    return turn;
}

async function makeImage(program: Program, say: (line: string) => void): Promise<string> {
    const recipe = recipes[program];
    const image = BUILT_IMAGES[program];
    await ensureDebianFiles([...Object.keys(debian), ...Object.keys(recipe.programs ?? {})], say);
    const inputs = await hashInputs(recipe, image);
    if ((await labelOf(image)) === inputs) {
        return image;
    }
    const cache = path.join(repository, ".cache", "images", inputs);
    const binary = path.join(cache, path.basename(recipe.binary));
    await fs.mkdir(cache, { recursive: true });
    if (!(await exists(binary))) {
        await buildBinary(recipe, binary, image, say);
    }
    await importImage(image, recipe, binary, inputs);
    return image;
}

/** A hash of all that shapes an image: this recipe, the Go sources, the compiler, busybox and the CA certificates. */
async function hashInputs(recipe: Recipe, image: string): Promise<string> {
    const hash = createHash("sha256");
    const copied = [...Object.values(debian), ...Object.values(recipe.programs ?? {})];
    const makers = [__filename, path.join(__dirname, "go-build.ts")];
    for (const file of [...makers, ...(await filesOf(recipe.sources)), ...copied]) {
        hash.update(`${path.relative(__dirname, file)}\0`).update(await fs.readFile(file));
    }
    hash.update(JSON.stringify(recipe));
    hash.update(
        await goVersion(
            `The image ${image} is neither here nor can it be pulled, and building it`,
            "Install Go in the version that offline/caddy/go.mod names or newer, or use a machine that can pull the official images.",
        ),
    );
    return hash.digest("hex").slice(0, 32);
}

/** The files that `sources` names, folders read through, in a fixed order; tests are no part of a binary. */
async function filesOf(sources: readonly string[]): Promise<string[]> {
    const files: string[] = [];
    for (const source of sources.map((name) => path.join(__dirname, name))) {
        if ((await fs.stat(source)).isFile()) {
            files.push(source);
            continue;
        }
        const entries = await fs.readdir(source, { recursive: true, withFileTypes: true });
        const regular = entries.filter((entry) => entry.isFile());
        files.push(...regular.map((entry) => path.join(entry.parentPath, entry.name)));
    }
    return files.filter((file) => !file.endsWith("_test.go")).sort();
}

/** The hash an image was made of; undefined if the engine does not have the image. */
async function labelOf(image: string): Promise<string | undefined> {
    const listed = await run("docker", ["image", "ls", "--quiet", image]);
    if (listed.trim() === "") {
        return undefined;
    }
    const format = `{{index .Config.Labels "${inputsLabel}"}}`;
    return (await run("docker", ["image", "inspect", "--format", format, image])).trim();
}

/** Installs those of Debian's packages that are missing, where that is possible; else says what to do. */
async function ensureDebianFiles(packages: readonly string[], say: (line: string) => void): Promise<void> {
    const missing: string[] = [];
    for (const name of packages) {
        const state = await run("dpkg-query", ["--show", "--showformat=${db:Status-Status}", name]).catch(() => "");
        if (state !== "installed") {
            missing.push(name);
        }
    }
    if (missing.length === 0) {
        return;
    }
    if (process.getuid?.() !== 0 || !(await exists("/usr/bin/apt-get"))) {
        throw new Error(
            `Images cannot be made here: they take files from the Debian packages ${missing.join(" and ")}, ` +
                "which are not installed.\n" +
                `Install them (as root: apt-get install ${missing.join(" ")}) and run this again, ` +
                "or use a machine that can pull the official images.",
        );
    }
    say(`apt-get install ${missing.join(" ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "--quiet"], { env });
    await run("apt-get", ["install", "--yes", "--quiet", "--no-install-recommends", ...missing], { env });
}

/** Builds the binary and puts it in its place only when it is whole. */
async function buildBinary(recipe: Recipe, binary: string, image: string, say: (line: string) => void): Promise<void> {
    const unfinished = `${binary}.${process.pid}`;
    const [variable, value] = recipe.version;
    say(`Building ${image} from Go modules, once:`);
    try {
        const programs = { [recipe.package]: { [variable]: value } };
        const folder = path.join(__dirname, recipe.module);
        await goBuild({ what: path.basename(recipe.binary), folder, programs, output: unfinished }, say);
        await fs.rename(unfinished, binary);
    } finally {
        await fs.rm(unfinished, { force: true });
    }
}

/** Lays the image's root file system out in a folder, packs it with the right owners, and imports it under its tag. */
async function importImage(image: string, recipe: Recipe, binary: string, inputs: string): Promise<void> {
    const scratch = await fs.mkdtemp(path.join(path.dirname(binary), "image-"));
    try {
        const root = path.join(scratch, "root");
        const place = async (source: string, target: string, mode: number) => {
            await fs.mkdir(path.dirname(path.join(root, target)), { recursive: true });
            await fs.copyFile(source, path.join(root, target));
            await fs.chmod(path.join(root, target), mode);
        };
        await place(debian["busybox-static"], "/bin/busybox", 0o755);
        await place(debian["ca-certificates"], debian["ca-certificates"], 0o644);
        await place(binary, recipe.binary, 0o755);
        for (const program of Object.values(recipe.programs ?? {})) {
            for (const file of [program, ...(await librariesOf(program))]) {
                await place(file, file, 0o755);
            }
        }
        for (const file of recipe.files ?? []) {
            await fs.writeFile(path.join(root, file.path), file.text);
            await fs.chmod(path.join(root, file.path), file.mode);
        }
        for (const applet of (await run(debian["busybox-static"], ["--list"])).trim().split("\n")) {
            if (applet !== "busybox") {
                await fs.symlink("busybox", path.join(root, "bin", applet));
            }
        }
        const accounts = "root:x:0:0:root:/root:/bin/sh\nserver:x:1000:1000:server:/:/bin/sh\n";
        await fs.writeFile(path.join(root, "etc/passwd"), accounts);
        await fs.writeFile(path.join(root, "etc/group"), "root:x:0:\nserver:x:1000:\n");

        // GNU tar writes owners and modes that this process may not be able to give to files on disk.
        const archive = path.join(scratch, "root.tar");
        const pack = (mode: string, owner: number, ...rest: string[]) => {
            const owners = [`--owner=${owner}`, `--group=${owner}`, "--numeric-owner", "--sort=name"];
            return run("tar", [mode, `--file=${archive}`, ...owners, `--directory=${root}`, ...rest]);
        };
        await pack("--create", 0, "--mode=go+rX", "."); // whatever the umask was
        const folders = [...recipe.folders, { path: "/tmp", owner: 0, mode: "1777" }];
        for (const folder of folders) {
            await fs.mkdir(path.join(root, folder.path), { recursive: true });
            await pack("--append", folder.owner, `--mode=${folder.mode}`, "--no-recursion", `.${folder.path}`);
        }
        const options = [...recipe.changes, `LABEL ${inputsLabel}=${inputs}`].flatMap((change) => ["--change", change]);
        await run("docker", ["import", ...options, archive, image]);
    } finally {
        await fs.rm(scratch, { recursive: true, force: true });
    }
}

/** What a program is linked to, as `ldd` says: "libc.so.6 => /lib/… (0x…)", and the loader as a path alone. */
async function librariesOf(program: string): Promise<string[]> {
    return [...(await run("ldd", [program])).matchAll(/(?:=>|^)\s*(\/\S+) \(0x/gm)].map(([, file]) => file!);
}

async function exists(file: string): Promise<boolean> {
    return fs.access(file).then(
        () => true,
        () => false,
    );
}
