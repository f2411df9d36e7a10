/**
 * People who sign in by password and code, from the first request to the first list of files, through our edge beside a bare Caddy. All
 * of them have signed in before, so that no account is made. What oCIS asks Authelia meanwhile goes through our edge either way.
 */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import { Browser, CODE_PERIOD } from "../../client/browser";
import { signIn, WEB } from "../../client/relying-party";
import { Cloud } from "../deployment/cloud";
import { Comparison, secondsOf } from "./measure";
import { PLAIN_ADDRESS } from "./plain-edge";

/** Who signs in: as many as take turns without waiting long for another code. They have to be users of the cloud. */
export const PEOPLE = Array.from({ length: 60 }, (_, index) => `person${index + 1}`);

/** How many sign in at once. */
const CROWD = 20;

/** Of the time that it takes through a bare Caddy. */
const AIM = { atMost: 1 / 0.95 };

/** How often one person's sign-in is measured: it takes a second, in which other work of the machine shows. */
const ROUNDS_OF_ONE = 10;

/** Signs somebody in at an address of the loopback and lists the files. */
async function enter(cloud: Cloud, name: string, loopback?: string): Promise<void> {
    const browser = new Browser(cloud.ca, true, loopback);
    try {
        const session = await signIn(browser, cloud.url, WEB, cloud.credentials(name));
        const { status, text } = await session.ask(`/remote.php/dav/files/${name}/`, {
            method: "PROPFIND",
            headers: { depth: "1" },
        });
        assert.equal(status, 207, text);
    } finally {
        await browser.close();
    }
}

/** The comparisons, on a cloud beside whose edge a bare Caddy runs. */
export async function signInComparisons(cloud: Cloud): Promise<Comparison[]> {
    /** In whose turn comes when, each with the time of the last sign-in: a code serves once, so each rests for its life. */
    const turns: { name: string; entered: number }[] = [];
    const measure = async (count: number, loopback?: string) => {
        const chosen = turns.splice(0, count);
        await pause(Math.max(0, ...chosen.map(({ entered }) => entered + CODE_PERIOD * 1000 - Date.now())));
        const seconds = await secondsOf(() => Promise.all(chosen.map(({ name }) => enter(cloud, name, loopback))));
        turns.push(...chosen.map(({ name }) => ({ name, entered: Date.now() })));
        return seconds;
    };
    const comparison = (key: string, what: string, count: number, rounds?: number): Comparison => ({
        key,
        what,
        unit: "s",
        ours: { name: "through our edge", measure: () => measure(count) },
        beside: { name: "through a bare Caddy", measure: () => measure(count, PLAIN_ADDRESS) },
        aim: AIM,
        rounds,
    });

    await cloud.enrol(PEOPLE);
    for (let first = 0; first < PEOPLE.length; first += CROWD) {
        const names = PEOPLE.slice(first, first + CROWD);
        await Promise.all(names.map((name) => enter(cloud, name)));
        turns.push(...names.map((name) => ({ name, entered: Date.now() })));
    }
    return [
        comparison("sign-in:one", "a person signs in, until the first list of files", 1, ROUNDS_OF_ONE),
        comparison("sign-in:crowd", "20 people sign in at once, until the last has a list of files", CROWD),
    ];
}
