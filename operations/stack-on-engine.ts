/** What a stack has on its Docker Engine; for this no state is needed, and no Pulumi. */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

import { Failure } from "../system/failure";
import { stackFile } from "../system/folders";
import { attempt, Ended, foreground, run } from "../system/run";
import { dockerOptions, engineKeys, EngineKeys } from "../system/docker-engine";
import { ANSWER_TIMEOUT, engineHost } from "./engine";
import { PROJECT } from "./project";
import { Server } from "./server";

/** The servers that a stack can have, by their names on its network. */
export const SERVERS = ["authelia", "ocis", "edge", "postgres", "redis", "lldap", "tika", "clamav"] as const;

export type ServerName = (typeof SERVERS)[number];

/** Whether the value of a key has this mode. */
const hasMode = (mode: string) => (value: unknown) => (value as { mode?: unknown } | undefined)?.mode === mode;

/** Whether a switch is on, which Pulumi writes as a text. */
const isOn = (value: unknown) => String(value) === "true";

/** Those of them that not every stack has: which key asks for it, and whether its value does. */
const BY_KEY: Readonly<Partial<Record<ServerName, readonly [key: string, asks: (value: unknown) => boolean]>>> = {
    postgres: ["database", hasMode("postgres")],
    redis: ["sessions", hasMode("redis")],
    lldap: ["directory", hasMode("lldap")],
    tika: ["fullTextSearch", isOn],
    clamav: ["antivirus", hasMode("clamav")],
};

/** Those whose data nobody misses, or that have none. */
const WITHOUT_DATA: readonly ServerName[] = ["redis", "tika", "clamav"];

/** The servers of a stack, by what it says for a key. */
export function serversOf(given: (key: string) => unknown): ServerName[] {
    return SERVERS.filter((server) => {
        const rule = BY_KEY[server];
        return rule === undefined || rule[1](given(rule[0]));
    });
}

/** Those of them whose data have to outlive everything. */
export const withData = (servers: readonly ServerName[]) => servers.filter((server) => !WITHOUT_DATA.includes(server));

/** What a stack's file says, by key. */
function configurationOf(stack: string): Record<string, unknown> {
    const file = stackFile(stack);
    const { config } = (existsSync(file) ? parse(readFileSync(file, "utf8")) : {}) as { config?: Record<string, unknown> };
    return config ?? {};
}

export class StackOnEngine {
    /** What every name of the stack on the Docker host starts with, such as "ocis-authelia-prod-". */
    readonly prefix: string;
    /** Options by which docker reaches the engine. */
    private readonly options: readonly string[];

    /** @param engine The stack's engine; that of its file by default. */
    constructor(
        readonly name: string,
        readonly engine: EngineKeys = engineKeys(configurationOf(name)),
    ) {
        this.prefix = `${PROJECT}-${name}-`;
        this.options = dockerOptions(engine);
    }

    /** Runs docker on the stack's engine; it has to succeed. */
    docker(...args: string[]): Promise<string> {
        return run("docker", [...this.options, ...args]);
    }

    /** The same to its end, whatever that is. */
    attemptDocker(...args: string[]): Promise<Ended> {
        return attempt("docker", [...this.options, ...args]);
    }

    /** The same with a text on its standard input; it has to succeed. */
    async pipe(input: string, ...args: string[]): Promise<void> {
        await run("docker", [...this.options, ...args], { input });
    }

    /** The same with its output on the standard error, beside the outcome. @returns Its exit code. */
    showDocker(...args: string[]): Promise<number> {
        return foreground("docker", [...this.options, ...args], { output: "stderr" });
    }

    /** Why the engine does not answer; undefined where it does. */
    async silence(): Promise<string | undefined> {
        const args = [...this.options, "version", "--format", "{{.Server.Version}}"];
        const { code, stderr } = await attempt("docker", args, { timeout: ANSWER_TIMEOUT });
        return code === 0 ? undefined : stderr.trim();
    }

    /** Whether the engine is another machine's, however it was chosen. */
    async isRemote(): Promise<boolean> {
        return !/^(unix|npipe):/.test(await engineHost(this.options));
    }

    /** What its file says, by our keys. */
    private said(): (key: string) => unknown {
        const configuration = configurationOf(this.name);
        return (key) => configuration[`${PROJECT}:${key}`];
    }

    /** The servers that its configuration asks for. */
    servers(): ServerName[] {
        return serversOf(this.said());
    }

    /** @throws Failure where its servers are services of a swarm, of which this program knows no container. */
    expectContainers(): void {
        const placed = this.said()("engine") as { mode?: string } | undefined;
        if (placed?.mode === "swarm") {
            throw new Failure(
                `This command works on containers of one engine, and the servers of ${this.name} are services of a swarm.\n` +
                    'docs/swarm.md, "Commands", says what does the same there.',
            );
        }
    }

    /** @throws Failure on a swarm. */
    server(name: ServerName): Server {
        this.expectContainers();
        return new Server(this.options, `${this.prefix}${name}`);
    }

    /** Name of the volume with a server's data. */
    volume(name: ServerName): string {
        return `${this.prefix}${name}-data`;
    }
}
