/**
 * Where Authelia keeps what it has to remember: its database, and who is signed in. Servers outside the stack are reached over TLS, which is
 * verified: `tls` has to be there for that, or Authelia speaks in clear. Source: Authelia 4.38.0 and 4.39.21, internal/storage/
 * sql_provider_backend_postgres.go and internal/session/provider_config.go. Pure.
 */
import * as pulumi from "@pulumi/pulumi";

import { Database } from "../../settings/database";
import { Sessions } from "../../settings/sessions";
import { File } from "../workload";

/** Where Authelia's volume is in its container. */
export const AUTHELIA_DATA = "/data";

/** Its database, where that is SQLite. */
export const AUTHELIA_DATABASE = `${AUTHELIA_DATA}/db.sqlite3`;

/** Both together. */
export interface State {
    readonly database: Database;
    readonly sessions: Sessions;
}

const TLS = { minimum_version: "TLS1.2" };

/** Authelia's `storage`, without the password and the key that encrypts it. */
export function storage(database: Database) {
    if (database.mode === "sqlite") {
        return { local: { path: AUTHELIA_DATABASE } };
    }
    const { host, port, name, schema, user } = database;
    const tls = { ...TLS, server_name: host };
    return { postgres: { address: `tcp://${host}:${port}`, database: name, schema, username: user, tls } };
}

/** What Authelia's `session` has besides cookies, without passwords. */
export function sessionStore(sessions: Sessions) {
    switch (sessions.mode) {
        case "memory":
            return {};
        case "redis": {
            const { host, port, user } = sessions;
            return { redis: { host, port, ...(user && { username: user }), tls: { ...TLS, server_name: host } } };
        }
        case "sentinel": {
            const { masterName, nodes, user, sentinelUser } = sessions;
            const sentinels = {
                sentinel_name: masterName,
                ...(sentinelUser && { sentinel_username: sentinelUser }),
                nodes: nodes.map(({ host, port }) => ({ host, port })),
            };
            // Without a server's name each certificate is compared with the host that is asked: there are several.
            return { redis: { ...(user && { username: user }), tls: TLS, high_availability: sentinels } };
        }
    }
}

/** The passwords for secrets.yml. */
export function passwordsOf({ database, sessions }: State): {
    readonly databasePassword?: pulumi.Input<string>;
    readonly sessionsPassword?: pulumi.Input<string>;
    readonly sentinelPassword?: pulumi.Input<string>;
} {
    return {
        databasePassword: database.mode === "postgres" ? database.password : undefined,
        sessionsPassword: sessions.mode === "memory" ? undefined : sessions.password,
        sentinelPassword: sessions.mode === "sentinel" ? sessions.sentinelPassword : undefined,
    };
}

/** The authorities that certify those servers, where they are not public ones. */
export function authoritiesOf({ database, sessions }: State): File[] {
    const given = {
        "database.pem": database.mode === "postgres" ? database.authority : undefined,
        "sessions.pem": sessions.mode === "memory" ? undefined : sessions.authority,
    };
    return Object.entries(given).flatMap(([name, content]) => (content === undefined ? [] : [{ name, content }]));
}
