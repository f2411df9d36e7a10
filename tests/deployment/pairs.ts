/**
 * The pairs of servers that the deployment tests run on, and which tests run on which. The newest pair at hand shows everything;
 * each further one shows what differs by release. `npm run test:all` shows on every pair whatever a server has a part in.
 */
import { describe } from "node:test";

import { DRILLS } from "../../operations/drills-table";
import { describeImages, ImageNames, isStandIn } from "../../operations/images";
import { AUTHELIA, releaseOf } from "../../versions";

/** Where operations/test.ts leaves the pairs, because a test file has to know them before it can ask the engine. */
const PAIRS = "DEPLOYMENT_TEST_PAIRS";

/** Set by `npm run test:all`. */
const ALL = "DEPLOYMENT_TEST_ALL";

/**
 * What a test belongs to: the part of everything that differs by release and is always shown on each pair; what may differ, and is
 * shown on each pair by `npm run test:all`; what no server has a part in, and is shown once; what takes minutes and differs little, and
 * is shown once by `npm run drills` and `npm run test:all`; and what a key brings that few switch on, of which together.test.ts shows the
 * outline at every run, and `npm run test:options` and `npm run test:all` the rest.
 */
export type Tier = "release" | "everything" | "once" | "drill" | "option";

/** The tiers that are not part of every run, by the commands that run them. */
const APART: Readonly<Partial<Record<Tier, string>>> = {
    drill: "npm run drills",
    option: "npm run test:options",
};

/** The environment that hands `pairs`, the newest first, to the test files. */
export function environmentOf(pairs: readonly ImageNames[], all: boolean): Record<string, string> {
    return { [PAIRS]: JSON.stringify(pairs), ...(all ? { [ALL]: "true" } : {}) };
}

/** The pairs of this run, the newest first. None: the deployment tests do not run. */
export function pairsOfThisRun(): ImageNames[] {
    return JSON.parse(process.env[PAIRS] ?? "[]") as ImageNames[];
}

/** Why nothing that asks the engine can run; false where it can. */
export const NO_ENGINE = pairsOfThisRun().length === 0 && "needs a Docker Engine";

/** Whether a pair's Authelia is of 4.38, which does much otherwise than later ones. */
export const isEarlyAuthelia = ({ authelia }: ImageNames) => releaseOf(AUTHELIA, authelia).line.line === "4.38";

/** What a suite is called that shows something on a pair. */
export const suiteOn = (what: string, images: ImageNames) => `${what} on ${describeImages(images)}`;

/** What a suite asks for. */
export interface Needs {
    readonly tier: Tier;
    /** Whether a stand-in does not serve. */
    readonly real?: boolean;
    /** Of the pairs of a tier, those that it is for; all by default. */
    readonly only?: (images: ImageNames) => boolean;
    /** Why it cannot run, on this machine or on that pair. */
    readonly missing?: string | ((images: ImageNames) => string | undefined);
}

/** A suite of tests on each pair that it is for. Where there is none it is skipped, and the output says so. */
export function describeOn(
    { tier, real = false, only = () => true, missing }: Needs,
    what: string,
    tests: (images: ImageNames) => void,
): void {
    const suitable = pairsOfThisRun().filter(({ authelia, ocis }) => !real || ![authelia, ocis].some(isStandIn));
    const all = process.env[ALL] !== undefined;
    const onEach = tier === "release" || (tier === "everything" && all);
    const command = APART[tier];
    if (command !== undefined && !all && process.env[DRILLS] === undefined) {
        describe(what, { skip: `${command} and npm run test:all run it` });
        return;
    }
    const pairs = onEach ? suitable.filter((images) => all || only(images)) : suitable.slice(0, 1);
    if (pairs.length === 0) {
        describe(what, { skip: real ? "needs real servers" : "needs servers" });
    }
    for (const images of pairs) {
        const why = typeof missing === "function" ? missing(images) : missing;
        const options = { timeout: 20 * 60_000, skip: why ?? false };
        describe(suiteOn(what, images), options, () => tests(images));
    }
}
