/** What a stack has on its Docker Engine; for this no state is needed, and no Pulumi. */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

import { stackFile } from "../system/folders";
import { attempt, Ended, foreground, run } from "../system/run";
import { ANSWER_TIMEOUT } from "./engine";
import { PROJECT } from "./project";
import { Server } from "./server";

/** The servers of a stack by their names on its network. */
export type ServerName = "authelia" | "ocis" | "edge";

/** The engine that a stack's file names. */
function engineOf(stack: string): string | undefined {
    const file = stackFile(stack);
    const { config } = (existsSync(file) ? parse(readFileSync(file, "utf8")) : {}) as { config?: Record<string, string> };
    return config?.["docker:host"];
}

export class StackOnEngine {
    /** What every name of the stack on the Docker host starts with, such as "ocis-authelia-prod-". */
    readonly prefix: string;
    /** Options by which docker reaches the engine. */
    private readonly engine: readonly string[];

    /** @param engineHost The stack's engine, as docker's option --host takes it; undefined for docker's own. */
    constructor(
        readonly name: string,
        readonly engineHost = engineOf(name),
    ) {
        this.prefix = `${PROJECT}-${name}-`;
        this.engine = engineHost === undefined ? [] : ["--host", engineHost];
    }

    /** Runs docker on the stack's engine; it has to succeed. */
    docker(...args: string[]): Promise<string> {
        return run("docker", [...this.engine, ...args]);
    }

    /** The same to its end, whatever that is. */
    attemptDocker(...args: string[]): Promise<Ended> {
        return attempt("docker", [...this.engine, ...args]);
    }

    /** The same with a text on its standard input; it has to succeed. */
    async pipe(input: string, ...args: string[]): Promise<void> {
        await run("docker", [...this.engine, ...args], { input });
    }

    /** The same with its output on the standard error, beside the outcome. @returns Its exit code. */
    showDocker(...args: string[]): Promise<number> {
        return foreground("docker", [...this.engine, ...args], { output: "stderr" });
    }

    /** Why the engine does not answer; undefined where it does. */
    async silence(): Promise<string | undefined> {
        const args = [...this.engine, "version", "--format", "{{.Server.Version}}"];
        const { code, stderr } = await attempt("docker", args, { timeout: ANSWER_TIMEOUT });
        return code === 0 ? undefined : stderr.trim();
    }

    /** Whether the stack's file names the engine of another machine. */
    get isRemote(): boolean {
        return this.engineHost !== undefined && !this.engineHost.startsWith("unix:");
    }

    server(name: ServerName): Server {
        return new Server(this.engine, `${this.prefix}${name}`);
    }

    /** Name of the volume with a server's data. */
    volume(name: ServerName): string {
        return `${this.prefix}${name}-data`;
    }
}
