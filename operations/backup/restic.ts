/**
 * restic, in a container of its own on a stack's engine: there the volumes are, and there is no restic to install. What is secret reaches
 * it by `docker exec` as files in its memory; nothing of it shows in `docker inspect`, and all of it goes with the container.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";

import { Failure } from "../../system/failure";
import { Ended } from "../../system/run";
import { RESTIC_IMAGE } from "../../versions";
import { Say } from "../command-line";
import { chooseReal } from "../images";
import { StackOnEngine } from "../stack-on-engine";

/** Where a repository is, and how it is opened, as restic's own environment variables say it. */
export interface RepositoryOptions {
    /** An absolute path on the engine's machine, sftp:user@host:/path, or s3:https://server/bucket/path. */
    readonly repository: string;
    /** File with the password of the repository. */
    readonly passwordFile: string;
    /** File with the private key for an SFTP server; without one no SFTP server is reached. */
    readonly sshKey?: string;
    /** File in which the SFTP server's own key stands. */
    readonly knownHosts: string;
    /** File with the root certificate of an S3 server's authority, where that is not a public one. */
    readonly authority?: string;
}

/** Adds the options of a repository to a command. `isNeeded`: whether it is of no use without one. */
export function withRepository(command: Command, isNeeded = true): Command {
    const option = (flags: string, what: string, variable?: string) =>
        variable === undefined ? new Option(flags, what) : new Option(flags, what).env(variable);
    return command
        .addOption(
            option(
                "--repository <where>",
                "folder on the engine's machine, sftp:user@host:/path or s3:https://server/bucket/path",
                "RESTIC_REPOSITORY",
            ).makeOptionMandatory(isNeeded),
        )
        .addOption(
            option("--password-file <file>", "the repository's password", "RESTIC_PASSWORD_FILE").makeOptionMandatory(isNeeded),
        )
        .addOption(option("--ssh-key <file>", "private key for an SFTP server"))
        .addOption(
            option("--known-hosts <file>", "where the SFTP server's own key stands").default(
                join(homedir(), ".ssh", "known_hosts"),
            ),
        )
        .addOption(option("--authority <file>", "root certificate of an S3 server's private authority", "RESTIC_CACERT"));
}

/** Where in the container restic finds what it needs; both are in memory. */
const OWN = "/run/restic";
export const DESCRIPTION = { folder: "/data/stack", file: "/data/stack/stack.json" } as const;

/** Where a folder of the engine's machine is seen as a repository. */
const FOLDER = "/repository";

/** What is put into a backup; restored from there too. */
export const DATA = "/data";

/** Most memory that it may take: it holds the index of the repository, about 1 GiB for 10 million files. */
const MEMORY = "2g";

/** Capabilities by what it is for: to read every file whoever owns it; to write every file and give it to its owner. */
const CAPABILITIES = {
    read: ["DAC_READ_SEARCH", "DAC_OVERRIDE"], // the latter for a repository in a folder of somebody else's
    write: ["DAC_OVERRIDE", "CHOWN", "FOWNER", "FSETID"],
};

/** Exit codes of restic with a cause of their own. Source: restic's documentation, "Exit codes"; restic 0.17 and later. */
const EXIT_CODES: Readonly<Record<number, string>> = {
    3: "Some files could not be read.",
    10: "There is no repository there. Is the disk mounted, and the path right? --init makes a new one.",
    11: "Another restic works in the repository. Wait until it has ended.",
    12: "The password is not that of the repository.",
};

/** A snapshot in a repository. */
export interface Snapshot {
    readonly id: string;
    /** ISO 8601. */
    readonly time: string;
    readonly tags?: readonly string[];
}

/** How a place is written that restic is to keep a repository at. Pure. @returns Why it cannot be used; undefined where it can. */
export function placeFault({ repository, sshKey }: Pick<RepositoryOptions, "repository" | "sshKey">): string | undefined {
    if (repository.startsWith("sftp:")) {
        return sshKey === undefined
            ? `--repository ${repository} needs --ssh-key <file>, the private key for that server.`
            : undefined;
    }
    return repository.startsWith("/") || /^s3:https:\/\//.test(repository)
        ? undefined
        : `--repository is "${repository}". Allowed: an absolute path on the engine's machine, sftp:user@host:/path, ` +
              "s3:https://server/bucket/path.";
}

/** The text of a file that a person has named. */
function read(option: string, file: string): string {
    if (!existsSync(file)) {
        throw new Failure(`${option} names ${file}, which is not there.`);
    }
    return readFileSync(file, "utf8");
}

export class Restic {
    private constructor(
        private readonly stack: StackOnEngine,
        private readonly container: string,
        private readonly options: readonly string[],
        private readonly environment: readonly string[],
    ) {}

    /**
     * Starts the container.
     *
     * @param volumes Volume by the name of the folder below {@link DATA}.
     * @param may Whether the volumes are only read.
     * @throws Failure where the repository's place or its secrets cannot be used.
     */
    static async open(
        stack: StackOnEngine,
        given: RepositoryOptions,
        volumes: Readonly<Record<string, string>>,
        may: keyof typeof CAPABILITIES,
        say: Say,
    ): Promise<Restic> {
        const fault = placeFault(given);
        if (fault !== undefined) {
            throw new Failure(`${fault} Nothing was changed.`);
        }
        const { repository, passwordFile, sshKey, knownHosts, authority } = given;
        const isFolder = repository.startsWith("/");
        const isSftp = repository.startsWith("sftp:");
        const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = process.env;
        const files: Readonly<Record<string, string | undefined>> = {
            password: read("--password-file", passwordFile).trim(),
            "ssh-key": isSftp ? read("--ssh-key", sshKey!) : undefined,
            known_hosts: isSftp ? read("--known-hosts", knownHosts) : undefined,
            authority: authority && read("--authority", authority),
            aws: key && secret && `[default]\naws_access_key_id = ${key}\naws_secret_access_key = ${secret}\n`,
        };
        const image = (await stack.isRemote()) ? RESTIC_IMAGE : await chooseReal("restic", say);
        const container = `${stack.prefix}restic`;
        await stack.attemptDocker("rm", "--force", container); // left by a run that was killed
        const bounds = [
            ...["--cap-drop", "ALL", ...CAPABILITIES[may].flatMap((capability) => ["--cap-add", capability])],
            ...["--security-opt", "no-new-privileges", "--memory", MEMORY],
        ];
        const mounts = [
            ...[OWN, DESCRIPTION.folder].flatMap((folder) => ["--tmpfs", `${folder}:mode=0700`]),
            ...Object.entries(volumes).flatMap(([name, volume]) => {
                return ["--volume", `${volume}:${DATA}/${name}${may === "read" ? ":ro" : ""}`];
            }),
            // Unlike --volume this makes no folder where there is none, as when a disk is not mounted.
            ...(isFolder ? ["--mount", `type=bind,source=${repository},target=${FOLDER}`] : []),
        ];
        // It waits for what `docker exec` runs in it.
        const waiting = ["--entrypoint", "/bin/sh", image, "-c", "while :; do sleep 3600 & wait $!; done"];
        const run = ["run", "--detach", "--init", "--rm", "--name", container, ...bounds, ...mounts, ...waiting];
        const { code, stderr } = await stack.attemptDocker(...run);
        if (code !== 0) {
            const isMissing = /bind source path does not exist/.test(stderr);
            const missing = `There is no folder ${repository} on the engine's machine. Is the disk mounted? Else make it first.`;
            throw new Failure(isMissing ? missing : `restic's container could not be started:\n${stderr.trim()}`);
        }
        const ssh = `-i ${OWN}/ssh-key -o UserKnownHostsFile=${OWN}/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes`;
        const restic = new Restic(
            stack,
            container,
            [
                ...["--repo", isFolder ? FOLDER : repository, "--password-file", `${OWN}/password`],
                ...(isSftp ? ["--option", `sftp.args=${ssh}`] : []),
                ...(authority === undefined ? [] : ["--cacert", `${OWN}/authority`]),
            ],
            ["--env", `AWS_SHARED_CREDENTIALS_FILE=${OWN}/aws`, "--env", "RESTIC_PROGRESS_FPS=0.05"], // a line each 20 s
        );
        try {
            for (const [name, text] of Object.entries(files)) {
                if (text !== undefined) {
                    await restic.write(`${OWN}/${name}`, text);
                }
            }
            return restic;
        } catch (error) {
            await restic.close();
            throw error;
        }
    }

    async close(): Promise<void> {
        await this.stack.docker("rm", "--force", this.container);
    }

    /** Writes a file in the container, for its user alone. */
    async write(path: string, text: string): Promise<void> {
        const command = `umask 077 && cat > ${path}`;
        await this.stack.pipe(text, "exec", "--interactive", this.container, "/bin/sh", "-c", command);
    }

    private args(args: readonly string[]): string[] {
        return ["exec", ...this.environment, this.container, "restic", ...this.options, ...args];
    }

    private check(code: number, what: string, said = ""): void {
        if (code !== 0) {
            throw new Failure(`restic ${what} ended with ${code}. ${EXIT_CODES[code] ?? ""}\n${said}`.trim());
        }
    }

    /** Runs restic with what it says on the standard error, beside the outcome. */
    async show(...args: string[]): Promise<void> {
        this.check(await this.stack.showDocker(...this.args(args)), args[0]!);
    }

    /** Runs restic to its end, whatever that is. */
    attempt(...args: string[]): Promise<Ended> {
        return this.stack.attemptDocker(...this.args(args));
    }

    /** What restic prints. */
    async ask(...args: string[]): Promise<string> {
        const { code, stdout, stderr } = await this.attempt(...args);
        this.check(code, args[0]!, stderr.trim());
        return stdout;
    }

    /** Snapshots of a stack with all of these tags, the oldest first. */
    async snapshots(host: string, tags: readonly string[]): Promise<Snapshot[]> {
        return JSON.parse(await this.ask("snapshots", "--json", "--host", host, "--tag", tags.join(","))) as Snapshot[];
    }
}
