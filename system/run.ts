/** Running other programs: the one way in which the program, its commands and its tests do it. */
import { execFile, spawn } from "node:child_process";
import { constants } from "node:os";

import { Failure } from "./failure";

/** How a program is run. */
export interface RunOptions {
    /** Folder; the present one by default. */
    readonly cwd?: string;
    /** Whole environment; this process's by default. */
    readonly env?: NodeJS.ProcessEnv;
    /** Milliseconds after which it is ended; never by default. */
    readonly timeout?: number;
    /** Its standard input; nothing by default. */
    readonly input?: string | Uint8Array;
}

/** How a program ended. */
export interface Ended {
    /** Exit code; 128 + n where signal n has ended it, and 127 where it could not be started, as shells say it. */
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
    /** Both, the standard output first. */
    readonly text: string;
}

/** Most that a program may print, bytes; a state with its secrets is the largest that is read here. */
const MOST_OUTPUT = 64 * 1024 * 1024;

/** Runs a program to its end, whatever that is. */
export function attempt(program: string, args: readonly string[], { input = "", ...options }: RunOptions = {}): Promise<Ended> {
    return new Promise((resolve) => {
        const child = execFile(program, args, { ...options, maxBuffer: MOST_OUTPUT }, (error, stdout, stderr) => {
            const { code, signal, message } = (error ?? { code: 0 }) as NodeJS.ErrnoException & { signal?: NodeJS.Signals };
            const ended = typeof code === "number" ? code : signal ? 128 + constants.signals[signal] : 127;
            const why = ended === 127 && stderr === "" ? message : stderr;
            resolve({ code: ended, stdout, stderr: why, text: `${stdout}${why}` });
        });
        // A program that ends without reading is no fault of its own.
        child.stdin?.on("error", () => undefined).end(input);
    });
}

/** Lines of a failed program's output that are shown. */
const SHOWN_LINES = 20;

/**
 * Runs a program that has to succeed.
 *
 * @returns What it printed, without the space around it.
 * @throws Failure with the last lines of what it said.
 */
export async function run(program: string, args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr, text } = await attempt(program, args, options);
    if (code !== 0) {
        const said = (stderr.trim() || text.trim()).split("\n").slice(-SHOWN_LINES).join("\n");
        throw new Failure(
            `${program} ${args.join(" ")} failed (${code === 127 ? "not started" : `exit code ${code}`}):\n${said}`,
        );
    }
    return stdout.trim();
}

/**
 * Runs a program in the foreground, with this one's input and output.
 *
 * @param options.output "stderr" where what it prints is progress beside this program's own outcome, and it reads nothing.
 * @returns Its exit code, as in {@link Ended}.
 */
export function foreground(
    program: string,
    args: readonly string[],
    { cwd, env, output = "stdout" }: Pick<RunOptions, "cwd" | "env"> & { output?: "stdout" | "stderr" } = {},
): Promise<number> {
    const child = spawn(program, args, { cwd, env, stdio: output === "stdout" ? "inherit" : ["ignore", 2, 2] });
    // A terminal sends Ctrl-C to every process of the foreground, so the program has it already. Passing it on would make two of it,
    // and at the second one Pulumi gives up at once and may leave resources that its state does not know.
    const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
    const pass = (signal: NodeJS.Signals) => void ((signal === "SIGINT" && onTerminal) || child.kill(signal));
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    signals.forEach((signal) => process.on(signal, pass));
    return new Promise<number>((resolve, reject) => {
        child.on("error", (error) => reject(new Failure(`${program} could not be started: ${error.message}`)));
        child.on("exit", (code, signal) => resolve(signal === null ? code! : 128 + constants.signals[signal]));
    }).finally(() => signals.forEach((signal) => process.off(signal, pass)));
}
