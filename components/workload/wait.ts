/** How a run waits for a workload, as a container or as a service: for as long as it works, and with a word from time to time. */
import * as pulumi from "@pulumi/pulumi";
import { setTimeout as pause } from "node:timers/promises";

import { failure, logOf, Patient } from "../diagnosis";

/** Between two lines about what is not ready yet, milliseconds. Without a migration the slowest takes 25 s. */
const SAY_EVERY = 120_000;

/** What has ended so often is not going to do better. Docker waits 0.1 s before the first restart of a container, and twice as long each time. */
export const MANY_ENDS = 5;

/** What is waited for, and how it is looked at. */
export interface Awaited<Seen> {
    readonly kind: "container" | "service";
    /** What a person runs then, once what was wrong is mended. */
    readonly again: string;
    readonly look: () => Promise<Seen>;
    /**
     * Whether it can serve: true once it can, and where that is not to be expected why not, as the end of the sentence "it …".
     *
     * @param waited Milliseconds.
     */
    readonly judge: (seen: Seen, first: Seen, waited: number) => Promise<boolean | string> | boolean | string;
    /** What is said of it while it takes long, after "… is not ready after 4 minutes". */
    readonly describe: (seen: Seen, first: Seen) => Promise<string> | string;
    /** Milliseconds until the next look, by those that have been waited. */
    readonly rhythm: (waited: number) => number;
}

/**
 * Resolves once it can serve.
 *
 * @throws pulumi.RunError where that is not to be expected, after it has shown the end of the log.
 */
export async function waitFor<Seen>(patient: Patient, component: pulumi.Resource, awaited: Awaited<Seen>): Promise<void> {
    const { containerName, goBack } = patient;
    const { kind, again, look, judge, describe, rhythm } = awaited;
    const start = Date.now();
    const waited = () => Date.now() - start;
    const first = await look();
    let said = start;
    for (let seen = first; ; seen = await look()) {
        const verdict = await judge(seen, first, waited());
        if (verdict === true) {
            return;
        }
        if (verdict !== false) {
            await pulumi.log.error(
                `The ${kind} ${containerName} did not become ready: it ${verdict}. The last lines of its log:\n` +
                    `${await logOf(patient, containerName, kind)}\nMend what it says and run ${again}: it goes on from here.` +
                    (goBack === undefined ? "" : `\n${goBack}`),
                component,
            );
            throw failure(`${containerName} did not become ready.`);
        }
        if (Date.now() - said >= SAY_EVERY) {
            said = Date.now();
            const minutes = Math.round((said - start) / 60_000);
            await pulumi.log.info(
                `${containerName} is not ready after ${minutes} minutes${await describe(seen, first)}`,
                component,
            );
        }
        await pause(rhythm(waited()));
    }
}
