/** Runs files of tests in this process's foreground, one after the other. */
import { pipeline } from "node:stream/promises";
import { run, TestsStream } from "node:test";
import { spec } from "node:test/reporters";

import { ROOT } from "../system/folders";

/**
 * One file after the other: stacks side by side would make each other slow, and a slow server looks like a broken one.
 *
 * @param files Below the repository's folder.
 * @param listen Is told of the run before it begins.
 */
export async function runTestFiles(files: readonly string[], listen: (tests: TestsStream) => void): Promise<void> {
    // Without this, the file that runs would outlive this process.
    const stop = new AbortController();
    (["SIGINT", "SIGTERM", "SIGHUP"] as const).forEach((signal) => process.once(signal, () => stop.abort()));
    const tests = run({
        signal: stop.signal,
        cwd: ROOT,
        files: [...files],
        execArgv: ["--require", "./system/typescript.cjs"],
        concurrency: 1,
    });
    listen(tests);
    await pipeline(tests, new spec(), process.stdout, { end: false });
}
