/** What a client sees of a fault: somebody who goes on asking, and the rows of docs/reliability.md that `npm run drills` makes of it. */
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import { Session } from "../../client/relying-party";
import { Drill, DRILLS } from "../../operations/drills-table";
import { Cloud } from "./cloud";

/** How it went for somebody who asked every 100 ms and waited for each answer. */
export interface Seen {
    readonly asked: number;
    /** Answered with an error, or not at all. */
    readonly failed: number;
    /** Seconds that the slowest answer took. */
    readonly slowest: number;
    /** Seconds from the first to the last failure. */
    readonly out: number;
}

/**
 * Asks while something goes on.
 *
 * @param ask The status of an answer; 200 is a good one.
 */
export async function whileAsked<T>(ask: () => Promise<number>, work: Promise<T>): Promise<Seen & { result: T }> {
    let goesOn = true;
    const stop = () => (goesOn = false);
    work.then(stop, stop);
    const failures: number[] = [];
    let [asked, slowest] = [0, 0];
    while (goesOn) {
        const begin = Date.now();
        const status = await ask().catch(() => 0);
        asked++;
        if (status !== 200) {
            failures.push(begin);
        }
        slowest = Math.max(slowest, (Date.now() - begin) / 1000);
        await pause(100);
    }
    const out = failures.length === 0 ? 0 : (failures.at(-1)! - failures[0]!) / 1000;
    return { asked, failed: failures.length, slowest, out, result: await work };
}

const seconds = (value: number) => `${value.toFixed(1)} s`;

/** What somebody who asked has seen, as the table says it. */
export function describeSeen({ asked, failed, slowest, out }: Seen): string {
    const failures =
        failed === 0 ? `0 of ${asked} requests failed` : `${failed} of ${asked} requests failed, over ${seconds(out)}`;
    return `${failures}; the slowest took ${seconds(slowest)}`;
}

/** The worse of what both servers answer: oCIS with a file of somebody who is signed in, Authelia with its discovery document. */
export async function askBoth(cloud: Cloud, session: Session, file: string): Promise<number> {
    const discovery = `${cloud.issuer}/.well-known/openid-configuration`;
    const answers = await Promise.all([session.ask(file), cloud.open().ask(discovery)]);
    return Math.max(...answers.map(({ status }) => status));
}

function add(drill: Drill): void {
    const file = process.env[DRILLS];
    if (file !== undefined) {
        appendFileSync(file, `${JSON.stringify(drill)}\n`);
    }
}

/** Adds a fault to the table, where `npm run drills` asks for it. */
export function note({
    fault,
    client,
    operator,
    lost,
}: Readonly<Record<"fault" | "client" | "operator" | "lost", string>>): void {
    add({ table: "faults", cells: [fault, client, operator, lost] });
}

/** Adds what was shown on a swarm to the table of docs/scaling.md. */
export function noteSwarm(proof: string, aim: string, seen: string): void {
    console.log(`${proof}: ${seen}`);
    add({ table: "swarm", cells: [proof, aim, seen] });
}

/**
 * Adds what two stacks have taken that stood side by side to the table of docs/options.md.
 *
 * @param byDefault 0: there is nothing of it.
 * @param unit Of both figures, as it is written after them.
 */
export function noteOptions(what: string, byDefault: number, withAll: number, unit: string): void {
    const [one, other] = [byDefault, withAll].map((figure) => `${figure.toFixed(unit === "s" ? 2 : 0)} ${unit}`);
    console.log(`${what}: ${one}, ${other}`);
    add({
        table: "options",
        cells: [what, byDefault === 0 ? "" : one!, other!, byDefault === 0 ? "" : (withAll / byDefault).toFixed(2)],
    });
}

/** The same of a change of the configuration. */
export function noteChange(change: string, containers: readonly string[], seen: Seen): void {
    add({ table: "changes", cells: [change, containers.join(", ") || "none", describeSeen(seen)] });
}
