/**
 * A stack as the commands see it: its configuration, its state, and what it has on its Docker Engine. Its state is that of
 * `npm run pulumi`; see operations/pulumi.ts.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { check, Given, Settings } from "../settings";
import { Path, printPath } from "../settings/cure";
import { addressesOf } from "../settings/ports";
import { readConfiguration } from "../settings/stack";
import { Failure } from "../system/failure";
import { ROOT, stackFile } from "../system/folders";
import { EngineKeys } from "../system/docker-engine";
import { attempt, Ended, foreground, run } from "../system/run";
import type { Images } from "./backup/description";
import { rememberedImages } from "./images";
import { PROJECT } from "./project";
import { PulumiCommand, pulumiCommand } from "./pulumi";
import { StackOnEngine } from "./stack-on-engine";

/** What the program says of a stack that is up; see components/cloud.ts. */
export interface Outputs {
    readonly cloudUrl: string;
    readonly portalUrl: string;
    readonly issuer: string;
    readonly caCertificate?: string;
    readonly initialPasswords: Readonly<Record<string, string>>;
    readonly versions: Readonly<Record<"authelia" | "ocis", string>>;
    readonly images: Images;
}

export class Stack extends StackOnEngine {
    private constructor(
        name: string,
        private readonly command: PulumiCommand,
        private readonly file = stackFile(name),
        engine?: EngineKeys,
    ) {
        super(name, engine);
    }

    /**
     * @param say Takes one line of what is done where the command line interface of Pulumi is missing.
     * @throws Failure where there is no stack of that name.
     */
    static async open(name: string, say: (line: string) => void): Promise<Stack> {
        return Stack.by(await pulumiCommand(say), name);
    }

    /** The same by a command line interface that is at hand: nothing is made, downloaded or mended. */
    static async by(command: PulumiCommand, name: string): Promise<Stack> {
        const names = await Stack.names(command);
        if (!names.includes(name)) {
            const known = names.length === 0 ? "There is none yet." : `There are: ${names.join(", ")}.`;
            throw new Failure(`There is no stack "${name}" here. ${known}\nnpm run pulumi -- stack init ${name} makes it.`);
        }
        return new Stack(name, command);
    }

    /** The same; undefined where there is no stack of that name. */
    static async find(name: string, say: (line: string) => void): Promise<Stack | undefined> {
        const command = await pulumiCommand(say);
        return (await Stack.names(command)).includes(name) ? new Stack(name, command) : undefined;
    }

    /** Makes an empty stack, and its file with nothing but the salt of its passphrase. Its engine is that of the other one. */
    static async create({ name, engine }: StackOnEngine, say: (line: string) => void): Promise<Stack> {
        const command = await pulumiCommand(say);
        const folder = mkdtempSync(join(tmpdir(), "stack-"));
        try {
            // Made from a copy of the project file, so that the stack's file comes to stand beside it and can be put in its place.
            copyFileSync(join(ROOT, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
            await run(command.path, ["stack", "init", name, "--no-select", "--non-interactive"], {
                cwd: folder,
                env: command.environment,
            });
            copyFileSync(join(folder, `Pulumi.${name}.yaml`), stackFile(name));
        } finally {
            rmSync(folder, { recursive: true });
        }
        return new Stack(name, command, stackFile(name), engine);
    }

    /** Names of the stacks in the state. */
    static async names({ path, environment }: PulumiCommand): Promise<string[]> {
        const listed = await run(path, ["stack", "ls", "--json"], { cwd: ROOT, env: environment });
        return (JSON.parse(listed) as { name: string }[]).map(({ name }) => name);
    }

    /** The same stack with another file of configuration, in which changes can be tried. */
    withFile(file: string): Stack {
        return new Stack(this.name, this.command, file, this.engine);
    }

    private args(args: readonly string[]): string[] {
        return [...args, "--stack", this.name, "--config-file", this.file, "--non-interactive"];
    }

    /** Sets a member of the configuration. The value goes by the standard input: a command line is seen by everybody on the machine. */
    async set(path: Path, value: string, { secret = false, type = "string" } = {}): Promise<void> {
        const key = ["--path", printPath(path), ...(secret ? ["--secret"] : ["--type", type])];
        await run(this.command.path, this.args(["config", "set", ...key]), {
            cwd: ROOT,
            env: this.command.environment,
            input: value,
        });
    }

    /** Takes a member out of the configuration. */
    async unset(path: Path): Promise<void> {
        await this.pulumi("config", "rm", "--path", printPath(path));
    }

    /** Runs Pulumi on the stack to its end, whatever that is. Options follow, so no argument may end with "--". */
    attempt(...args: string[]): Promise<Ended> {
        return attempt(this.command.path, this.args(args), { cwd: ROOT, env: this.command.environment });
    }

    /** Runs Pulumi on the stack; it has to succeed. */
    pulumi(...args: string[]): Promise<string> {
        return run(this.command.path, this.args(args), { cwd: ROOT, env: this.command.environment });
    }

    /** Runs Pulumi on the stack with this program's output, and returns its exit code. */
    show(...args: string[]): Promise<number> {
        return foreground(this.command.path, this.args(args), { cwd: ROOT, env: this.command.environment });
    }

    /** Runs `pulumi stack …`, which reads no configuration; it has to succeed. */
    private ofState(args: readonly string[], input?: string): Promise<string> {
        const whole = ["stack", ...args, "--stack", this.name, "--non-interactive"];
        return run(this.command.path, whole, { cwd: ROOT, env: this.command.environment, input });
    }

    /** What the program said at the last `up`, secrets in clear; nothing where there was none, or it was taken down. */
    async outputs(): Promise<Outputs> {
        return JSON.parse(await this.ofState(["output", "--json", "--show-secrets"])) as Outputs;
    }

    /** The state; secrets in clear, or as they are encrypted. */
    async export<T>(secrets: "clear" | "encrypted"): Promise<T> {
        return JSON.parse(await this.ofState(["export", ...(secrets === "clear" ? ["--show-secrets"] : [])])) as T;
    }

    /** Puts a state in the place of the present one. */
    async import(state: object): Promise<void> {
        await this.ofState(["import"], JSON.stringify(state));
    }

    /** Forgets the stack, which has nothing any more, and its file. */
    async remove(): Promise<void> {
        await this.ofState(["rm", "--yes"]);
        rmSync(this.file, { force: true }); // Pulumi looks for it beside the program alone
    }

    /** Every text of the configuration by key, the project's name before ours, secrets in clear; those with members as JSON. */
    async texts(): Promise<Record<string, string>> {
        const listed = await this.pulumi("config", "--show-secrets", "--json");
        const entries = Object.entries(JSON.parse(listed) as Record<string, { value: string }>);
        return Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
    }

    /** Our part of it, without the project's name. */
    async configuration(): Promise<Record<string, string>> {
        const prefix = `${PROJECT}:`;
        const own = Object.entries(await this.texts()).filter(([key]) => key.startsWith(prefix));
        return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
    }

    /** The configuration as it is given, unchecked, with the images that were chosen on this machine. */
    async given(): Promise<Given> {
        const given = readConfiguration(await this.configuration());
        return { ...given, images: { ...rememberedImages()[this.name], ...given.images } };
    }

    /**
     * The configuration as the program understands it.
     *
     * @throws Failure where it has faults; `npm run pulumi -- preview` names them.
     */
    async settings(): Promise<Settings> {
        const checked = check(await this.given());
        if ("faults" in checked) {
            throw new Failure(
                `The configuration of ${this.name} has faults, which npm run pulumi -- preview --stack ${this.name} names.`,
            );
        }
        return checked.settings;
    }
}

/**
 * Where a command reaches the edge: the addresses that it publishes on this machine, or its public name where it runs on another.
 *
 * @param remote Whether it does; see StackOnEngine.isRemote.
 */
export function edgeAddresses(
    remote: boolean,
    settings: Pick<Settings, "address" | "secondAddress">,
    publicName: string,
): [string, ...string[]] {
    if (remote) {
        return [publicName];
    }
    const everywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
    const [first, ...further] = addressesOf(settings);
    const here = (at: string) => everywhere[at] ?? at;
    return [here(first), ...further.map(here)];
}
