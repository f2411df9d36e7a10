/** The key `engine`: what places a stack's processes, one Docker Engine or a swarm of several, and what a swarm asks for. */
import { z } from "zod";

import { Cure } from "./cure";
import type { Bus } from "./bus";
import type { Database } from "./database";
import { flag, withMode } from "./declaration";
import type { Directory } from "./directory";
import { Fault } from "./fault";
import type { Sessions } from "./sessions";
import { OWN_VOLUME, Storage } from "./storage";
import type { Tls } from "./tls";

const onOne = z.strictObject({
    mode: z.literal("containers").meta({ description: "Containers on one Docker Engine." }),
});

/** How many of a server there are; no more than a hundred, which is a slip of the keyboard. */
function replicas(server: string) {
    const allowed = "a whole number from 1 to 100";
    const description = `How many of ${server}.`;
    return z.int(allowed).min(1, allowed).max(100, allowed).default(2).meta({ description, example: 3 });
}

const onSwarm = z.strictObject({
    mode: z.literal("swarm").meta({ description: "Services of a Docker swarm of several machines; see docs/swarm.md." }),
    replicas: z
        .strictObject({
            edge: replicas("the edge, at most one on each machine"),
            authelia: replicas("Authelia"),
            ocis: replicas("oCIS; its search, of which there is one, is apart"),
        })
        .prefault({})
        .meta({ description: "How many of each server run at once." }),
    encryptedNetwork: flag(
        true,
        "Whether what the servers say to each other between the machines is encrypted (IPsec, by the kernel). false only where nobody " +
            "else is on the network between them.",
    ),
});

export const engine = z
    .preprocess(withMode("containers"), z.discriminatedUnion("mode", [onOne, onSwarm], "containers or swarm"))
    .prefault({})
    .meta({ description: "What places the servers." });

export type Engine = z.output<typeof engine>;

/** What a swarm has to be seen together with. */
interface Placed {
    readonly engine: Engine;
    readonly address: string;
    readonly secondAddress: string;
    readonly tls: Tls;
    readonly directory: Directory;
    readonly storage: Storage;
    readonly database: Database;
    readonly sessions: Sessions;
    readonly bus: Bus;
    readonly fullTextSearch: boolean;
}

/** Every process of a service may stop at any time and go on elsewhere, so that nothing may be in one machine alone. */
export function checkEngine({ engine: { mode }, address, tls, directory, storage, ...placed }: Placed): Fault[] {
    const { secondAddress, database, sessions, bus, fullTextSearch } = placed;
    if (mode !== "swarm") {
        return [];
    }
    const otherwise = { when: "to stay on one machine", cures: [{ remove: ["engine"] }] };
    const fault = (path: string[], value: unknown, holds: boolean, allowed: string, ...cures: Cure[]): Fault[] =>
        holds ? [] : [{ path, value, allowed: `${allowed} with engine.mode swarm`, cures, otherwise }];
    const outside = (key: string, value: string, mode: string, why: string, ...others: string[]) =>
        fault([key, "mode"], value, [mode, ...others].includes(value), [mode, ...others].join(" or ") + `, because ${why},`, {
            set: [key, "mode"],
            to: mode,
        });
    return [
        ...outside(
            "directory",
            directory.mode,
            "ldap",
            "a file of users, oCIS's own directory, or an LLDAP of the stack is in one machine",
        ),
        ...outside("database", database.mode, "external-postgres", "SQLite, or a PostgreSQL of the stack, is in one machine"),
        ...outside(
            "sessions",
            sessions.mode,
            "external-redis",
            "one Authelia knows nothing of what another has in memory, and a Redis of the stack is in one machine",
            "sentinel",
        ),
        ...outside("bus", bus.mode, "nats", "oCIS's own is in one process"),
        ...outside(
            "tls",
            tls.mode,
            "private-ca",
            "the machines share no certificates of ACME, and no proxy on one of them",
            "files",
        ),
        ...fault(
            ["storage", "files"],
            storage.files,
            storage.files !== OWN_VOLUME,
            "nfs://server/path, or a folder under which every machine finds the same file system,",
            { set: ["storage", "files"], to: "nfs://nas.example.com/cloud" },
        ),
        ...fault(
            ["fullTextSearch"],
            fullTextSearch,
            !fullTextSearch,
            "false, because several processes of oCIS write to one index of the search and none of them looks at Tika,",
            { set: ["fullTextSearch"], to: false },
        ),
        ...fault(["address"], address, address === "0.0.0.0", "0.0.0.0, because the port of a service has no address", {
            remove: ["address"],
        }),
        ...fault(
            ["secondAddress"],
            secondAddress,
            secondAddress === "",
            "nothing, because the port of a service has no address,",
            { remove: ["secondAddress"] },
        ),
    ];
}
