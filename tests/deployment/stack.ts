/**
 * A stack of the program for a test: the real command line interface, the real providers, a real Docker Engine. Its state and
 * its configuration live in a folder of its own, so no other stack is touched; what an interrupted run left is removed first.
 */
import { ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parse, stringify } from "yaml";

import { pulumiCommand } from "../../operations/pulumi";
import { dockerOptions, engineKeys } from "../../system/docker-engine";
import { ROOT, STATE_VARIABLE } from "../../system/folders";
import { attempt, Ended, run } from "../../system/run";

/** The output of a docker command that has to succeed. */
export function docker(...args: string[]): Promise<string> {
    return run("docker", args);
}

/** Builds an image from the text of a Dockerfile, without any other file. */
export async function buildImage(tag: string, dockerfile: string): Promise<void> {
    await run("docker", ["build", "--quiet", "--tag", tag, "-"], { input: dockerfile });
}

/** Lines of a docker listing. */
export async function dockerLines(...args: string[]): Promise<string[]> {
    return (await docker(...args)).split("\n").filter((line) => line !== "");
}

/** Whether something listens there. */
function answers(port: number, address: string): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect(port, address);
        socket.on("connect", () => socket.destroy());
        socket.on("close", (failed) => resolve(!failed));
        socket.on("error", () => undefined); // "close" follows, and says so
    });
}

/** Waits until a server that was started here listens, or fails where it ended or takes longer than 20 seconds. */
export async function listening(server: ChildProcess, port: number, address = "127.0.0.1"): Promise<void> {
    for (const end = Date.now() + 20_000; !(await answers(port, address)); await pause(100)) {
        if (server.exitCode !== null || Date.now() > end) {
            throw new Error(`${server.spawnfile} does not listen on ${address}, port ${port}`);
        }
    }
}

/** Ends a server that was started here. */
export async function stop(server: ChildProcess): Promise<void> {
    if (server.exitCode === null) {
        const ended = new Promise((resolve) => server.on("exit", resolve));
        server.kill();
        await ended;
    }
}

/** The address of the Docker host that containers reach. */
export async function hostAddress(): Promise<string> {
    const format = "{{with (index .IPAM.Config 0)}}{{or .Gateway .Subnet}}{{end}}";
    const said = await docker("network", "inspect", "bridge", "--format", format);
    // An engine that has made the bridge itself may name the subnet alone, whose first address is its own. Seen with 20.10.
    return said.replace(/\.0\/\d+$/, ".1");
}

export class Stack {
    private readonly folder: string;
    private readonly configFile: string;
    /** Options by which docker reaches its engine. */
    private engine: readonly string[] = [];

    /**
     * @param name Also part of every name on the Docker host.
     * @param program Folder of the program; this repository by default.
     */
    constructor(
        readonly name: string,
        private readonly program = ROOT,
    ) {
        this.folder = join(ROOT, ".cache", "tests", name);
        this.configFile = join(this.folder, `Pulumi.${name}.yaml`);
    }

    /** What every name of this stack on the Docker host starts with. */
    get prefix(): string {
        return `${this.project}-${this.name}-`;
    }

    /** What the program's project file says. */
    private get project(): string {
        return (parse(readFileSync(join(this.program, "Pulumi.yaml"), "utf8")) as { name: string }).name;
    }

    /** Runs docker on the engine that the stack is on, where it has to succeed. */
    docker(...args: string[]): Promise<string> {
        return docker(...this.engine, ...args);
    }

    private passphraseFile(): string {
        return join(this.folder, "passphrase");
    }

    /** The command line interface with its environment, and the options by which it configures this stack. */
    async commandLine() {
        const { path, environment } = await pulumiCommand(() => undefined);
        return {
            path,
            environment: {
                ...environment,
                PULUMI_BACKEND_URL: `file://${join(this.folder, "backend")}`,
                PULUMI_CONFIG_PASSPHRASE_FILE: this.passphraseFile(),
            },
            options: ["--cwd", this.program, "--config-file", this.configFile, "--stack", this.name, "--non-interactive"],
        };
    }

    /** Runs the command line interface on this stack. */
    async pulumi(args: readonly string[], change: Record<string, string> = {}): Promise<Ended> {
        const { path, environment } = await this.commandLine();
        return attempt(path, [...args, "--stack", this.name, "--non-interactive"], {
            cwd: this.program,
            env: { ...environment, ...change },
        });
    }

    /**
     * Runs what a document or a message says, as a person does who copies the line: Pulumi's commands mean this stack.
     *
     * @param cwd Where the files lie that the line reads.
     */
    async shell(line: string, cwd: string): Promise<Ended> {
        const { path, environment, options } = await this.commandLine();
        const commands = 'pulumi() { "$PULUMI" "$@" $OPTIONS; }; npm() { shift 3; pulumi "$@"; }';
        const env = { ...environment, PULUMI: path, OPTIONS: options.join(" ") };
        // Typed in where a secret is asked for: fit for a password and for a digest. A file on standard input comes before that.
        const input = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
        return attempt("sh", ["-c", `${commands}; ${line}`], { cwd, env, input });
    }

    /** Runs it on this stack with its configuration, and fails with its whole output unless it succeeds. */
    async succeed(...args: string[]): Promise<Ended> {
        const ended = await this.pulumi(args);
        if (ended.code !== 0) {
            throw new Error(`pulumi ${args.join(" ")} ended with ${ended.code}:\n${ended.text}`);
        }
        return ended;
    }

    /** Runs an operation that reads the configuration. */
    operate(
        operation: "up" | "preview" | "destroy" | "refresh",
        args: readonly string[] = [],
        environment: Record<string, string> = {},
    ): Promise<Ended> {
        const yes = operation === "preview" ? [] : ["--yes", "--skip-preview"];
        return this.pulumi([operation, "--config-file", this.configFile, ...yes, ...args], environment);
    }

    /** Begins to bring the stack up. */
    async begin(): Promise<Running> {
        const { path, environment, options } = await this.commandLine();
        const child = spawn(path, ["up", ...options, "--yes", "--skip-preview"], { env: environment });
        let text = "";
        for (const stream of [child.stdout, child.stderr]) {
            stream.on("data", (data: Buffer) => (text += data.toString()));
        }
        return {
            said: () => text,
            interrupt: () => void child.kill("SIGINT"),
            ended: new Promise((resolve, reject) => {
                child.on("error", reject);
                child.on("close", (code) => resolve({ code, text }));
            }),
        };
    }

    /** How a command of the repository is run on this stack, as `npm run <command> -- <args> --stack <name>` does. */
    commandOf(name: string, ...args: string[]) {
        const file = ["--require", "./system/typescript.cjs", `operations/${name}.ts`];
        const env = { ...process.env, [STATE_VARIABLE]: this.folder };
        return {
            program: process.execPath,
            args: [...file, ...args, "--stack", this.name],
            options: { cwd: this.program, env },
        };
    }

    /** Runs it to its end. */
    command(name: string, ...given: string[]): Promise<Ended> {
        const { program, args, options } = this.commandOf(name, ...given);
        return attempt(program, args, options);
    }

    /** Where its state stands. */
    get stateFile(): string {
        return join(this.folder, "backend", ".pulumi", "stacks", this.project, `${this.name}.json`);
    }

    /** Where Pulumi keeps its locks. */
    get locks(): string {
        return join(this.folder, "backend", ".pulumi", "locks", "organization", this.project, this.name);
    }

    /** Makes the stack with these settings. */
    async create(settings: Record<string, unknown>): Promise<void> {
        await this.lose();
        mkdirSync(join(this.folder, "backend"), { recursive: true });
        writeFileSync(this.passphraseFile(), randomBytes(24).toString("base64url"), { mode: 0o600 });
        // Made from a copy of the project file, so that the stack's file comes to stand here and not beside the program.
        copyFileSync(join(this.program, "Pulumi.yaml"), join(this.folder, "Pulumi.yaml"));
        await this.succeed("stack", "init", "--cwd", this.folder);
        this.configure(settings);
    }

    /** Replaces the stack's settings. The salt that the command line interface keeps in the file stays. */
    configure(settings: Record<string, unknown>): void {
        const salt = existsSync(this.configFile) ? /^encryptionsalt:.*$/m.exec(readFileSync(this.configFile, "utf8")) : null;
        const named = (key: string) => (key.includes(":") ? key : `${this.project}:${key}`); // "docker:host" is the provider's
        const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [named(key), value]));
        this.engine = dockerOptions(engineKeys(config));
        writeFileSync(this.configFile, `${stringify({ config })}${salt === null ? "" : `${salt[0]}\n`}`);
    }

    /** Brings the stack up, or fails with the whole output. */
    async up(): Promise<Ended> {
        const ended = await this.operate("up");
        if (ended.code !== 0) {
            throw new Error(`pulumi up ended with ${ended.code}:\n${ended.text}`);
        }
        return ended;
    }

    /** Takes the stack down and forgets it, or fails with the whole output. */
    async destroy(): Promise<void> {
        const ended = await this.operate("destroy");
        if (ended.code !== 0) {
            throw new Error(`pulumi destroy ended with ${ended.code}:\n${ended.text}`);
        }
        rmSync(this.folder, { recursive: true });
    }

    /** A stack output, secrets in clear. */
    async output<T>(name: string): Promise<T> {
        return JSON.parse((await this.succeed("stack", "output", name, "--json", "--show-secrets")).stdout) as T;
    }

    /** Every secret text in the state, as the state's export marks them. */
    async secrets(): Promise<string[]> {
        const { stdout } = await this.succeed("stack", "export", "--show-secrets");
        const found = new Set<string>();
        const walk = (value: unknown): void => {
            if (typeof value !== "object" || value === null) {
                return;
            }
            const { plaintext } = value as { plaintext?: string };
            if (typeof plaintext === "string") {
                texts(JSON.parse(plaintext), found);
            } else {
                Object.values(value).forEach(walk);
            }
        };
        walk(JSON.parse(stdout));
        return [...found];
    }

    /** Options by which Pulumi's own commands find the stack's file. */
    get file(): string[] {
        return ["--config-file", this.configFile];
    }

    /**
     * Loses everything, as with the machine; also what an interrupted run left, whose state may be locked by a process that is no more, or
     * lie in another checkout.
     */
    async lose(): Promise<void> {
        const removals = { container: ["rm", "--force", "--volumes"], network: ["network", "rm"], volume: ["volume", "rm"] };
        for (const line of await this.remains()) {
            const [kind, name] = line.split(" ") as [keyof typeof removals, string];
            await this.docker(...removals[kind], name);
        }
        rmSync(this.folder, { recursive: true, force: true });
    }

    /** Names of everything on the Docker host that carries this stack's name. */
    async remains(): Promise<string[]> {
        const list = (...args: string[]) => dockerLines(...this.engine, ...args, "--filter", `name=${this.prefix}`);
        return [
            ...(await list("ps", "--all", "--format", "container {{.Names}}")),
            ...(await list("network", "ls", "--format", "network {{.Name}}")),
            ...(await list("volume", "ls", "--format", "volume {{.Name}}")),
        ];
    }
}

/** An operation that goes on. */
export interface Running {
    /** What it has printed by now. */
    said(): string;
    /** What Ctrl-C does. */
    interrupt(): void;
    readonly ended: Promise<{ readonly code: number | null; readonly text: string }>;
}

/** The texts in a decrypted secret. */
function texts(value: unknown, found: Set<string>): void {
    if (typeof value === "string") {
        found.add(value);
    } else if (typeof value === "object" && value !== null) {
        Object.values(value).forEach((member) => texts(member, found));
    }
}
