/** Waiting in tests: for a condition, with a bound, and beside other tests. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/**
 * Waits until `check` finds something, asking again for `seconds`. What it throws ends the wait.
 *
 * @param between Milliseconds between two questions.
 */
export async function eventually<T>(
    what: string,
    seconds: number,
    check: () => Promise<T | undefined>,
    between = 500,
): Promise<T> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const result = await check();
        if (result !== undefined) {
            return result;
        }
        assert.ok(Date.now() < end, `${what}, within ${seconds} s`);
        await pause(between);
    }
}

/** Lets work of minutes go on beside the tests that follow. Whoever awaits it learns how it ended; until then nothing fails. */
export function meanwhile<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    return work;
}
