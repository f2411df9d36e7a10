/** How a cloud grows with the people in its configuration: ten, a hundred, a thousand. */
import { ImageNames } from "../../operations/images";
import { attempt } from "../../system/run";
import { AUTHELIA_PORT } from "../../components/authelia/configuration";
import { usersCalled, withDefaults } from "../deployment/cloud";
import { docker, Stack } from "../deployment/stack";
import { eventually } from "../deployment/waiting";
import { unchanged } from "./program";
import { Opened, Row, secondsOf } from "./measure";

/** Sizes, each ten times the one before. */
const SIZES = [10, 100, 1000] as const;

/** Whether Authelia answers in its container: undefined while it does not. */
async function serves(container: string): Promise<true | undefined> {
    const ask = ["busybox", "wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${AUTHELIA_PORT}/api/health`];
    return (await attempt("docker", ["exec", container, ...ask])).code === 0 ? true : undefined;
}

/** Brings a cloud up with so many people, previews it, and starts Authelia anew. */
async function withPeople(images: ImageNames, count: number): Promise<Record<string, number>> {
    const stack = new Stack("bench-people");
    const users = usersCalled(Array.from({ length: count }, (_, index) => `person-${index}`));
    await stack.create(await withDefaults({ images, users }));
    const up = await secondsOf(() => stack.up());
    const preview = await unchanged(stack, "preview");
    const authelia = `${stack.prefix}authelia`;
    const start = await secondsOf(async () => {
        await docker("restart", authelia);
        await eventually("Authelia serves", 60, () => serves(authelia), 50);
    });
    await stack.destroy();
    return { up, preview, start };
}

const WHATS = { up: "the first `up`", preview: "`preview`", start: "Authelia's start" } as const;

/** Ten times as many people beside the fewer ones, which may take ten times as long. */
export function people(images: ImageNames): Opened {
    const courses = SIZES.slice(1).map((many, index) => {
        const few = SIZES[index]!;
        const rows = Object.entries(WHATS).map(([key, what]): Row => {
            const names = { ours: `${many} people`, beside: `${few} people` };
            return { ...names, key: `people:${key}-${many}`, what, unit: "s", aim: { atMost: many / few } };
        });
        const course = (count: number) => async () => {
            const taken = await withPeople(images, count);
            return Object.fromEntries(Object.entries(taken).map(([key, value]) => [`people:${key}-${many}`, value]));
        };
        return { rows, ours: course(many), beside: course(few), rounds: 1 };
    });
    return { courses, close: () => Promise.resolve() };
}
