/**
 * Everything that a cloud can be told. Each key is declared in a module of this folder, with its type, members, default, meaning and
 * checks; here they are put together, and values are checked: all of them at once, so that one run reports every fault.
 */
import { z } from "zod";

import { hostsOf } from "../hosts";
import { access, checkAccess } from "./access";
import { accessTokens } from "./access-tokens";
import { antivirus, checkAntivirus } from "./antivirus";
import { bus, checkBus } from "./bus";
import { database } from "./database";
import { checkDirectory, directory } from "./directory";
import { domain } from "./domain";
import { checkEngine, engine } from "./engine";
import { Fault, faultsOf } from "./fault";
import { Images, images, releasesOf } from "./images";
import { checkLooks, looks } from "./looks";
import { lifespans } from "./lifespans";
import { checkMetricsPort, metricsPort } from "./metrics-port";
import { checkOffice, office } from "./office";
import { peopleAtOneAddress } from "./people-at-one-address";
import { address, checkPorts, checkSecondAddress, httpPort, httpsPort, secondAddress } from "./ports";
import { quotas } from "./quotas";
import { checkRotations, rotations } from "./rotations";
import { checkSecondFactors, secondFactors } from "./second-factors";
import { sessions } from "./sessions";
import { smtp } from "./smtp";
import { storage } from "./storage";
import { checkSwitches, SWITCHES } from "./switches";
import { checkCertificate, checkProxied, checkPublicAuthority, tls } from "./tls";
import { checkUsers, users } from "./users";

/** Every key, in the order of the documents. */
export const KEYS = {
    domain,
    address,
    secondAddress,
    httpsPort,
    httpPort,
    tls,
    users,
    directory,
    access,
    accessTokens,
    lifespans,
    peopleAtOneAddress,
    secondFactors,
    smtp,
    looks,
    storage,
    quotas,
    office,
    antivirus,
    database,
    sessions,
    bus,
    engine,
    metricsPort,
    images,
    rotations,
    ...SWITCHES,
};

type Keys = typeof KEYS;

/** Values as they are given: what has a default may be left out. */
export type Given = z.input<z.ZodObject<Keys>>;

type Values = z.output<z.ZodObject<Keys>>;

/** Values that can be used, with the releases that the images' tags name. */
export type Settings = Readonly<Omit<Values, "images" | "untestedReleases">> & { readonly images: Images };

/** The keys that can be used by themselves. */
type Usable = Partial<Values>;

/** What a rule across keys finds, once all of its keys can be used. */
function rule<K extends keyof Keys>(usable: Usable, keys: readonly K[], check: (values: Pick<Values, K>) => Fault[]): Fault[] {
    return keys.every((key) => key in usable) ? check(usable as Pick<Values, K>) : [];
}

/** Checks what somebody gives, by key. Looks at nothing but its argument and the time. */
export function check(given: Readonly<Record<string, unknown>>): { settings: Settings } | { faults: Fault[] } {
    const faults: Fault[] = Object.keys(given)
        .filter((key) => !(key in KEYS))
        .map((key) => ({
            path: [key],
            // A password under a misspelt key stays out of the message.
            value: "[not shown]",
            allowed: `only the keys ${Object.keys(KEYS).join(", ")}`,
            cures: [{ remove: [key] }],
        }));
    const usable: Usable = {};
    for (const [key, schema] of Object.entries(KEYS)) {
        const parsed = schema.safeParse(given[key]);
        if (parsed.success) {
            Object.assign(usable, { [key]: parsed.data });
        } else {
            faults.push(...faultsOf(key, schema, given[key], parsed.error.issues));
        }
    }
    const { images: named, untestedReleases = false, ...others } = usable;
    const releases = named === undefined ? [] : releasesOf(named, untestedReleases);
    faults.push(
        ...rule(usable, ["httpsPort", "httpPort"], checkPorts),
        ...rule(usable, ["address", "secondAddress"], checkSecondAddress),
        ...rule(usable, ["tls", "domain"], checkPublicAuthority),
        ...rule(usable, ["tls", "address", "secondAddress", "httpPort"], checkProxied),
        ...rule(usable, ["tls", "domain", "httpsPort", "directory"], (values) =>
            checkCertificate(values.tls, hostsOf(values), given.tls),
        ),
        ...rule(usable, ["users", "directory"], checkUsers),
        ...rule(usable, ["access", "directory"], checkAccess),
        ...rule(usable, ["metricsPort", "httpsPort", "httpPort", "engine"], checkMetricsPort),
        ...rule(
            usable,
            [
                "engine",
                "address",
                "secondAddress",
                "tls",
                "directory",
                "storage",
                "database",
                "sessions",
                "bus",
                "fullTextSearch",
            ],
            checkEngine,
        ),
        ...(Array.isArray(releases)
            ? releases
            : [
                  ...rule(usable, ["appTokens", "olderDesktopClients", "fullTextSearch", "access", "directory"], (on) =>
                      checkSwitches(on, releases),
                  ),
                  ...rule(usable, ["secondFactors"], (values) => checkSecondFactors(values, releases)),
                  ...rule(usable, ["directory"], (values) => checkDirectory(values, releases)),
                  ...rule(usable, ["bus"], (values) => checkBus(values, releases)),
                  ...rule(usable, ["looks"], (values) => checkLooks(values, releases)),
                  ...rule(usable, ["office", "bus"], (values) => checkOffice(values, releases)),
                  ...rule(usable, ["antivirus", "bus", "storage"], (values) => checkAntivirus(values, releases)),
                  ...rule(usable, ["rotations", "directory", "tls", "database"], (values) => checkRotations(values, releases)),
              ]),
    );
    if (faults.length > 0 || Array.isArray(releases)) {
        return { faults };
    }
    return { settings: { ...(others as Omit<Values, "images" | "untestedReleases">), images: releases } };
}
