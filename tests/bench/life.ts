/**
 * The life of a cloud beside Docker Compose: both come up, change each server, start after everything was killed, and go, with the same
 * images, files, hardening and health checks.
 */
import { Cloud } from "../deployment/cloud";
import { askBoth, whileAsked } from "../deployment/drill";
import { docker } from "../deployment/stack";
import { answers, Deployment, Deployments, FILE, SERVERS, signIn, untilGood } from "./deployment";
import { Courses, Row, secondsOf } from "./measure";

/** Goes through a life. */
async function goThrough(deployment: Deployment): Promise<Record<string, number>> {
    const values: Record<string, number> = {};
    await deployment.prepare();
    let cloud: Cloud | undefined;
    values["life:first-up"] = await secondsOf(async () => {
        await deployment.up();
        cloud = await deployment.cloud();
        await answers(cloud);
    });
    const session = await signIn(deployment, cloud!, "alice");
    values["life:up-again"] = await secondsOf(() => deployment.up());
    for (const server of SERVERS) {
        const seen = await whileAsked(
            () => askBoth(cloud!, session, FILE),
            secondsOf(async () => {
                await deployment.change(server);
                await answers(cloud!);
            }),
        );
        values[`life:change-${server}`] = seen.result;
        values[`life:failed-${server}`] = seen.failed;
    }
    const containers = SERVERS.map((server) => deployment.containerName(server));
    await docker("kill", ...containers);
    values["life:cold-start"] = await secondsOf(async () => {
        await docker("start", ...containers);
        await untilGood(() => askBoth(cloud!, session, FILE));
    });
    values["life:destroy"] = await secondsOf(() => deployment.down());
    return values;
}

const names = { ours: "pulumi up", beside: "docker compose up --wait" };

const ROWS: readonly Row[] = [
    {
        ...names,
        key: "life:first-up",
        what: "the first `up`, until a person can sign in",
        unit: "s",
        aim: { atMost: 1.5 },
    },
    { ...names, key: "life:up-again", what: "`up` without any change", unit: "s" },
    ...SERVERS.flatMap((server): Row[] => [
        {
            ...names,
            key: `life:change-${server}`,
            what: `one line changed that only ${server} reads, until served again`,
            unit: "s",
            aim: { atMost: 1.5 },
        },
        {
            ...names,
            key: `life:failed-${server}`,
            what: `requests that failed meanwhile, of ten a second`,
            unit: "failed requests",
            aim: server === "edge" ? undefined : { oursAtMost: 0 },
        },
    ]),
    {
        ours: "our containers",
        beside: "those of Compose",
        key: "life:cold-start",
        what: "all three killed and started by the engine, until served again",
        unit: "s",
        aim: { atMost: 1 },
    },
    {
        ours: "pulumi destroy",
        beside: "docker compose down --volumes",
        key: "life:destroy",
        what: "everything taken away",
        unit: "s",
        aim: { atMost: 3 },
    },
];

/** Both lives. */
export function life({ ours, beside }: Deployments): Courses {
    return { rows: ROWS, ours: () => goThrough(ours), beside: () => goThrough(beside) };
}
