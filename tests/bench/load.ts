/** What the servers take beside those of Docker Compose: while nobody works, and while twenty people do. */
import { setTimeout as pause } from "node:timers/promises";

import { Session } from "../../client/relying-party";
import { docker } from "../deployment/stack";
import { Deployment, Deployments, FILE, PEOPLE, SERVERS, signIn } from "./deployment";
import { Courses, median, Row } from "./measure";

/** For how long both are looked at while nobody works, and while everybody does; seconds. */
const REST = 20;
const WORK = 120;

/** Bytes as `docker stats` prints them, in MiB. */
function mebibytes(text: string): number {
    const [, number, unit] = /^([\d.]+)(\w+)/.exec(text)!;
    return Number(number) * { B: 2 ** -20, KiB: 2 ** -10, MiB: 1, GiB: 2 ** 10 }[unit as "B" | "KiB" | "MiB" | "GiB"];
}

/** What the servers take while some work goes on: of all three together, the middle of memory and the mean of CPU. */
async function taken(deployment: Deployment, work: Promise<unknown>): Promise<{ memory: number; cpu: number }> {
    let goesOn = true;
    const end = work.finally(() => (goesOn = false));
    const samples: { memory: number; cpu: number }[] = [];
    const names = SERVERS.map((server) => deployment.containerName(server));
    while (goesOn) {
        const lines = (await docker("stats", "--no-stream", "--format", "{{.MemUsage}}\t{{.CPUPerc}}", ...names)).split("\n");
        const parts = lines.map((line) => line.split("\t") as [string, string]);
        samples.push({
            memory: parts.reduce((sum, [memory]) => sum + mebibytes(memory), 0),
            cpu: parts.reduce((sum, [, cpu]) => sum + Number.parseFloat(cpu), 0),
        });
    }
    await end;
    const cpu = samples.reduce((sum, sample) => sum + sample.cpu, 0) / samples.length;
    return { memory: median(samples.map(({ memory }) => memory)), cpu };
}

/** Somebody's day in a minute: lists, writes and reads, once a second. */
async function worksUntil(end: number, session: Session): Promise<void> {
    const requests = [
        { path: "/remote.php/webdav/", method: "PROPFIND", headers: { depth: "1" }, status: 207 },
        { path: FILE, method: "PUT", body: "x".repeat(100_000), status: 204 },
        { path: FILE, method: "GET", status: 200 },
    ];
    for (let turn = 0; Date.now() < end; turn++) {
        const { path, status, ...request } = requests[turn % requests.length]!;
        const answer = await session.ask(path, request);
        if (answer.status !== status) {
            throw new Error(`${request.method} ${path} was answered with ${answer.status}`);
        }
        await pause(1000);
    }
}

/** What the servers take while nobody works, and while everybody does. */
async function takenBy(deployment: Deployment): Promise<Record<string, number>> {
    await deployment.prepare();
    await deployment.up();
    const cloud = await deployment.cloud();
    const sessions: Session[] = [];
    for (const person of PEOPLE) {
        sessions.push(await signIn(deployment, cloud, person));
    }
    await pause(REST * 1000); // for what was allocated at the start
    const rest = await taken(deployment, pause(REST * 1000));
    const end = Date.now() + WORK * 1000;
    const work = await taken(deployment, Promise.all(sessions.map((session) => worksUntil(end, session))));
    await deployment.down();
    return {
        "load:memory-rest": rest.memory,
        "load:cpu-rest": rest.cpu,
        "load:memory-work": work.memory,
        "load:cpu-work": work.cpu,
    };
}

const ROWS: readonly Row[] = [
    ["load:memory-rest", "memory of all three at rest", "MiB"],
    ["load:cpu-rest", "CPU of all three at rest", "% of a core"],
    ["load:memory-work", "memory while 20 people work for two minutes", "MiB"],
    ["load:cpu-work", "CPU meanwhile", "% of a core"],
].map(([key, what, unit]) => ({
    ours: "our containers",
    beside: "those of Compose",
    key: key!,
    what: what!,
    unit: unit as Row["unit"],
    aim: { atMost: 1 },
}));

/** Both loads, once: it takes minutes. */
export function load({ ours, beside }: Deployments): Courses {
    return { rows: ROWS, ours: () => takenBy(ours), beside: () => takenBy(beside), rounds: 1 };
}
