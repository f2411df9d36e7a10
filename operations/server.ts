/** A server of a stack as Docker has it: its container, and its data while it is stopped. */
import { setTimeout as pause } from "node:timers/promises";

import { Failure } from "../system/failure";
import { attempt, Ended, run } from "../system/run";

/** How long a server may take until it is ready again, seconds: it has run on these data before, and takes under 25. */
const READY_SECONDS = 120;

export class Server {
    /** @param engine Options by which docker reaches the stack's engine. */
    constructor(
        private readonly engine: readonly string[],
        readonly container: string,
    ) {}

    private docker(args: readonly string[], input?: Uint8Array): Promise<string> {
        return run("docker", [...this.engine, ...args], { input });
    }

    /** What `docker inspect` says, such as ".State.Running". */
    inspect(format: string): Promise<string> {
        return this.docker(["inspect", "--format", `{{${format}}}`, this.container]);
    }

    /** Whether there is such a container, running or not. */
    async exists(): Promise<boolean> {
        return (await attempt("docker", [...this.engine, "container", "inspect", this.container])).code === 0;
    }

    /** Whether its process runs; false where there is no such container. */
    async runs(): Promise<boolean> {
        const args = ["inspect", "--format", "{{.State.Running}}", this.container];
        const { code, stdout } = await attempt("docker", [...this.engine, ...args]);
        return code === 0 && stdout.trim() === "true";
    }

    /** @throws Failure unless it is there and runs. */
    async expectRunning(): Promise<void> {
        if (!(await this.runs())) {
            throw new Failure(
                `No container ${this.container} runs on this Docker Engine. Check the name of the stack and the engine (docker ps), ` +
                    "or bring the stack up first.",
            );
        }
    }

    /** Runs a command in it to its end, whatever that is. */
    attempt(...command: string[]): Promise<Ended> {
        return attempt("docker", [...this.engine, "exec", this.container, ...command]);
    }

    /** Runs a command in it; undefined where that fails. */
    async execute(...command: string[]): Promise<string | undefined> {
        const { code, stdout } = await this.attempt(...command);
        return code === 0 ? stdout : undefined;
    }

    /** Runs a command in it that reads a text and has to succeed. */
    feed(input: string, ...command: string[]): Promise<string> {
        return this.docker(["exec", "--interactive", this.container, ...command], Buffer.from(input));
    }

    async stop(): Promise<void> {
        await this.docker(["stop", this.container]);
    }

    /** Starts it and waits until it is ready. */
    async start(): Promise<void> {
        await this.docker(["start", this.container]);
        for (const end = Date.now() + READY_SECONDS * 1000; (await this.inspect(".State.Health.Status")) !== "healthy";) {
            if (Date.now() > end) {
                throw new Failure(`It is not ready after ${READY_SECONDS} s; docker logs ${this.container} says why.`);
            }
            await pause(500);
        }
    }

    /** Copies a file to this machine. */
    async copy(path: string, to: string): Promise<void> {
        await this.docker(["cp", `${this.container}:${path}`, to]);
    }

    /** Runs a shell command on its data while it is stopped, as its own user, in a container of its image that may do nothing else. */
    async change(command: string, input?: Uint8Array): Promise<string> {
        const bounds = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
        const user = await this.inspect(".Config.User");
        const image = await this.inspect(".Image");
        const container = ["run", "--rm", "--interactive", ...bounds, "--user", user, "--volumes-from", this.container];
        return this.docker([...container, "--entrypoint", "/bin/sh", image, "-c", command], input);
    }

    /** Replaces a file while it is stopped, wholly or not at all. */
    async replace(path: string, content: Uint8Array): Promise<void> {
        await this.change(`cat > ${path}.new && mv ${path}.new ${path}`, content);
    }
}
