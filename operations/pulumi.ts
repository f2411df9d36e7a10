/**
 * Pulumi's command line interface with the state of this machine: no account, nothing outside the repository's folder.
 * As a program: `npm run pulumi -- <any arguments>`, on any stack, in the foreground.
 *
 * The state lies in `.state/backend`, its passphrase in `.state/passphrase`; both are ignored by git.
 */
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { PulumiCommand as OfficialCommand } from "@pulumi/pulumi/automation";
import { version as sdkVersion } from "@pulumi/pulumi/package.json";
import { parse } from "yaml";

import { buildToolchain, builtToolchain } from "../offline/toolchain";
import { MACHINE_IMAGES, PULUMI_COMMAND } from "../settings/stack";
import { Archive, unpackArchive } from "../system/download";
import { runMain } from "../system/failure";
import { CACHE, ROOT, STATE, stackFile } from "../system/folders";
import { foreground } from "../system/run";
import { engineHost } from "./engine";
import { rememberedImages } from "./images";
import { mendInterrupted } from "./interrupted";
import { PROJECT } from "./project";

/** Where the official download of the command line interface is kept. */
const DOWNLOAD = join(CACHE, "pulumi", sdkVersion);

/**
 * The release of the command line interface that is downloaded, which is the SDK's, and the SHA-256 of its archives, by platform and
 * architecture as Node.js calls them. Pulumi's own installation script compares nothing. Source: pulumi/homebrew-tap, commit 4cf9971,
 * which Pulumi's release has written; each release publishes them in pulumi-<version>-checksums.txt too.
 */
export const RELEASE = {
    version: "3.256.0",
    sums: {
        "darwin-arm64": "da8ed5d80c07ef00c5b0a489ddcedf4c985092d69b8efc4e9d2193e1e4f05b5b",
        "darwin-x64": "53a8c8775cb6e9886482552a3e7c74eccec7284dce4a4f68368a94113cf47b98",
        "linux-arm64": "a5b0c4cfc894d9147b8769eeb590fb6517f98829595d95443c2b6f91b1815711",
        "linux-x64": "fe4afd4cda48f7fe06961268834caf78fb1efa8b31ee61ad00ee2e6cfa91caea",
    } as Readonly<Record<string, string>>,
};

/** PULUMI_HOME of an official command line interface, apart from the user's: its plugins and chosen stack are ours. */
const HOME = join(CACHE, "pulumi-home");

/** The stack of `npm run dev`, whose file is part of the repository. */
export const DEV_STACK = "dev";

/** How Pulumi is started on this machine. */
export interface PulumiCommand {
    /** The command line interface. */
    readonly path: string;
    /** The whole environment it needs, for the local state. */
    readonly environment: NodeJS.ProcessEnv;
}

/** A command line interface and the PULUMI_HOME that goes with it. */
interface CommandLine {
    readonly path: string;
    readonly home: string;
}

/** The command line interface on PATH, unless it is older than the SDK of the program. */
async function installed(say: (line: string) => void): Promise<CommandLine | undefined> {
    const found = await OfficialCommand.get().catch(() => undefined); // none, or one too old even to be asked
    if (found?.version == null) {
        return undefined;
    }
    if (found.version.compare(sdkVersion) < 0) {
        say(`The installed Pulumi ${found.version.version} is older than ${sdkVersion}, which the program needs.`);
        return undefined;
    }
    return { path: found.command, home: HOME };
}

/** The command line interface that was downloaded before. */
async function downloaded(): Promise<CommandLine | undefined> {
    if (!existsSync(DOWNLOAD)) {
        return undefined;
    }
    // One that does not run here is made again.
    const found = await OfficialCommand.get({ root: DOWNLOAD }).catch(() => undefined);
    return found && { path: found.command, home: HOME };
}

/** The official archive for this machine; undefined where there is none, as for Windows. */
function officialArchive(): Archive | undefined {
    const { version, sums } = RELEASE;
    const platform = `${process.platform}-${process.arch}`;
    const url = `https://github.com/pulumi/pulumi/releases/download/v${version}/pulumi-v${version}-${platform}.tar.gz`;
    const sha256 = sums[platform];
    return sha256 === undefined ? undefined : { url, sha256 };
}

/** Downloads the command line interface; says why where that is not possible. */
async function download(archive: Archive | undefined, say: (line: string) => void): Promise<CommandLine | undefined> {
    if (archive === undefined) {
        return undefined;
    }
    say(`Downloading Pulumi's command line interface ${RELEASE.version} into .cache/ …`);
    try {
        await unpackArchive(archive, join(DOWNLOAD, "bin"));
        return await downloaded();
    } catch (error) {
        say(`  not possible here: ${(error as Error).message}`);
        return undefined;
    }
}

/** The command line interface that is here, without anything being downloaded or built. */
async function commandLineAtHand(say: (line: string) => void): Promise<CommandLine | undefined> {
    return (await installed(say)) ?? (await downloaded()) ?? (await builtToolchain());
}

/**
 * The command line interface of this machine: an installed one that is new enough, else one that was downloaded or built before, else the
 * official download, else a build from Go modules (offline/pulumi).
 *
 * @param archive What is downloaded.
 * @throws Failure if none can be had.
 */
export async function commandLine(say: (line: string) => void, archive = officialArchive()): Promise<CommandLine> {
    return (await commandLineAtHand(say)) ?? (await download(archive, say)) ?? (await buildToolchain(say));
}

/** Makes the folder of the state and, once, a passphrase for its secrets. */
function prepareState(): { backend: string; passphrase: string } {
    const backend = join(STATE, "backend");
    const passphrase = join(STATE, "passphrase");
    mkdirSync(STATE, { recursive: true, mode: 0o700 });
    mkdirSync(backend, { recursive: true });
    if (!existsSync(passphrase)) {
        // Written whole beside its place and then linked, which fails where another run was faster: a passphrase is never
        // replaced, because the secrets of every stack here could not be read without it.
        const fresh = `${passphrase}.${process.pid}`;
        writeFileSync(fresh, randomBytes(32).toString("base64url"), { mode: 0o600 });
        try {
            linkSync(fresh, passphrase);
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
                throw error;
            }
        } finally {
            rmSync(fresh);
        }
    }
    return { backend, passphrase };
}

let found: Promise<CommandLine> | undefined;

/**
 * Pulumi's command line interface with the local state, in which what a killed run has left is mended.
 *
 * @param say Takes one line of what is done; nothing is said where nothing is to be done.
 * @throws Failure if none can be had.
 */
export async function pulumiCommand(say: (line: string) => void): Promise<PulumiCommand> {
    const command = await withLocalState(await (found ??= commandLine(say)));
    await mendInterrupted(command.path, command.environment, say);
    return command;
}

/** The same, where it is here: nothing is downloaded or built, and where there is no state none is made. */
export async function pulumiAtHand(say: (line: string) => void): Promise<PulumiCommand | undefined> {
    const here = await commandLineAtHand(say);
    if (here === undefined || existsSync(STATE)) {
        return here && withLocalState(here);
    }
    const environment = { ...process.env, PULUMI_HOME: here.home, PULUMI_SKIP_UPDATE_CHECK: "true" };
    return { path: here.path, environment };
}

async function withLocalState({ path, home }: CommandLine): Promise<PulumiCommand> {
    const { backend, passphrase } = prepareState();
    // The Node.js that runs this runs the program too. The folder of the command line interface comes with it, because a
    // language host elsewhere on PATH would be preferred to the one beside it.
    const folders = [dirname(process.execPath), ...(path === "pulumi" ? [] : [dirname(path)]), process.env.PATH];
    return {
        path,
        environment: {
            ...process.env,
            PATH: folders.join(delimiter),
            DOCKER_HOST: await engineHost(),
            PULUMI_HOME: home,
            PULUMI_BACKEND_URL: pathToFileURL(backend).href,
            PULUMI_CONFIG_PASSPHRASE: undefined, // would win over the file
            PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
            PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true", // see withStackFile
            PULUMI_SKIP_UPDATE_CHECK: "true",
            [PULUMI_COMMAND]: "npm run pulumi --",
            [MACHINE_IMAGES]: JSON.stringify(rememberedImages()),
        },
    };
}

/**
 * Runs Pulumi in the foreground, with this program's input and output.
 *
 * @returns Its exit code; 128 + n where signal n has ended it.
 */
export function runPulumi({ path, environment }: PulumiCommand, ...args: string[]): Promise<number> {
    return foreground(path, args, { cwd: ROOT, env: environment });
}

/** A stack's file without the salt, and with keys that name no project, as a value to compare. */
function contents(text: string): unknown {
    const { config = {}, ...rest } = (parse(text) ?? {}) as { encryptionsalt?: string; config?: object };
    delete rest.encryptionsalt;
    const bare = Object.entries(config).map(([key, value]) => [key.replace(`${PROJECT}:`, ""), value as unknown]);
    return { ...rest, config: Object.fromEntries(bare) as unknown };
}

/** The text of a stack's file without the salt, unless it holds secrets that need it. */
function withoutSalt(text: string): string {
    return /\bsecure:/.test(text) ? text : text.replace(/^encryptionsalt:.*\n?/m, "");
}

/**
 * Does some work with Pulumi on a stack whose file is part of the repository, and leaves that file as it was or as the work has
 * configured it, without the salt.
 *
 * Pulumi keeps the salt of the passphrase in the stack's file and again in the state, and writes the project's name before every key.
 * The salt belongs to this machine's passphrase and the file to everyone, so every clone would show a change that nobody made. With
 * PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER Pulumi takes the salt from the state where the file has none; it then writes it back
 * (SecretsManagerLoader in its cmd/pulumi/stack/secrets.go). Once somebody sets a secret in the file (`config set --secret`), the salt
 * stays with it. Files of other stacks are left alone.
 */
export async function withStackFile<T>(stack: string, work: () => Promise<T>): Promise<T> {
    const file = stackFile(stack);
    const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    const clean = () => {
        if (!existsSync(file)) {
            return; // `pulumi stack rm` takes it away
        }
        const text = readFileSync(file, "utf8");
        const kept = before !== undefined && isDeepStrictEqual(contents(text), contents(before)) ? before : withoutSalt(text);
        if (kept !== text) {
            const fresh = `${file}.${process.pid}`;
            writeFileSync(fresh, kept);
            renameSync(fresh, file);
        }
    };
    process.on("exit", clean); // for work that ends the process
    try {
        return await work();
    } finally {
        clean();
        process.off("exit", clean);
    }
}

async function main(): Promise<void> {
    // Not to the standard output, which is Pulumi's: npm run --silent pulumi -- stack output --json > file
    const command = await pulumiCommand(console.error);
    process.exitCode = await withStackFile(DEV_STACK, () => runPulumi(command, ...process.argv.slice(2)));
}

if (require.main === module) {
    runMain(main);
}
