/** What a run costs that changes nothing: of a cloud that is up, beside an empty program in TypeScript on the same command line. */
import { join } from "node:path";

import { Cloud, usersCalled } from "../deployment/cloud";
import { Stack } from "../deployment/stack";
import { alone, Opened, secondsOf } from "./measure";

/** Seconds that a run takes which has to find nothing to do. */
export async function unchanged(stack: Stack, operation: "up" | "preview"): Promise<number> {
    let code: number | null = null;
    const seconds = await secondsOf(async () => ({ code } = await stack.operate(operation, ["--expect-no-changes"])));
    if (code !== 0) {
        throw new Error(`${operation} of ${stack.name} ended with ${code}`);
    }
    return seconds;
}

/** The cloud's: somebody who could sign in. */
export const PROGRAM_SETTINGS = { users: usersCalled(["alice"]) };

/** Both on a cloud that is up. */
export async function program({ stack }: Cloud): Promise<Opened> {
    const empty = new Stack("bench-empty", join(__dirname, "empty-program"));
    await empty.create({});
    await empty.up();
    const courses = (["up", "preview"] as const).map((operation) =>
        alone({
            key: `unchanged:${operation}`,
            what: `\`${operation}\` of a stack without any change`,
            unit: "s",
            ours: { name: `pulumi ${operation}`, measure: () => unchanged(stack, operation) },
            beside: { name: "the same of an empty program", measure: () => unchanged(empty, operation) },
            aim: { atMost: 1.5 },
            rounds: 5,
        }),
    );
    return { courses, close: () => empty.destroy() };
}
