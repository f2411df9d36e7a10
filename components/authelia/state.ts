/**
 * Where Authelia keeps what it has to remember: its database, and who is signed in. Servers of either are reached over TLS, which is
 * verified: `tls` has to be there for that, or Authelia speaks in clear. Source: Authelia 4.38.0 and 4.39.21, internal/storage/
 * sql_provider_backend_postgres.go and internal/session/provider_config.go. Pure.
 */
import * as pulumi from "@pulumi/pulumi";

import { Database } from "../../settings/database";
import { Sessions } from "../../settings/sessions";
import { File, Predecessor } from "../workload";

/** Where Authelia's volume is in its container. */
export const AUTHELIA_DATA = "/data";

/** Its database, where that is SQLite. */
export const AUTHELIA_DATABASE = `${AUTHELIA_DATA}/db.sqlite3`;

/** PostgreSQL of the stack, by the names that are the defaults of an external one too; the schema is in every database. */
export const POSTGRES = { host: "postgres", port: 5432, name: "authelia", schema: "public", user: "authelia" } as const;

/** Where its volume is. Not its image's own folder, which belongs to another user; see DataVolume. */
export const POSTGRES_DATA = "/database";

/** Redis of the stack. */
export const REDIS = { host: "redis", port: 6379 } as const;

/** A server of the stack in which Authelia keeps something. */
export interface StateServer {
    /** Of Authelia's account there; a secret. */
    readonly password: pulumi.Output<string>;
    /** The certificate that it serves, PEM. */
    readonly authority: pulumi.Output<string>;
    readonly workload: Predecessor;
}

/** Both together. */
export interface State {
    readonly database: Database;
    readonly sessions: Sessions;
    /** What of it is in the stack. */
    readonly servers?: { readonly database?: StateServer; readonly sessions?: StateServer };
}

const TLS = { minimum_version: "TLS1.2" };

/** Authelia's `storage`, without the password and the key that encrypts it. */
export function storage(database: Database) {
    if (database.mode === "sqlite") {
        return { local: { path: AUTHELIA_DATABASE } };
    }
    const { host, port, name, schema, user } = database.mode === "postgres" ? POSTGRES : database;
    const tls = { ...TLS, server_name: host };
    return { postgres: { address: `tcp://${host}:${port}`, database: name, schema, username: user, tls } };
}

/** What Authelia's `session` has besides cookies, without passwords. */
export function sessionStore(sessions: Sessions) {
    switch (sessions.mode) {
        case "memory":
            return {};
        case "redis":
        case "external-redis": {
            const { host, port, user } = sessions.mode === "redis" ? { ...REDIS, user: undefined } : sessions;
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
export function passwordsOf({ database, sessions, servers }: State): {
    readonly databasePassword?: pulumi.Input<string>;
    readonly sessionsPassword?: pulumi.Input<string>;
    readonly sentinelPassword?: pulumi.Input<string>;
} {
    return {
        databasePassword: "password" in database ? database.password : servers?.database?.password,
        sessionsPassword: "password" in sessions ? sessions.password : servers?.sessions?.password,
        sentinelPassword: sessions.mode === "sentinel" ? sessions.sentinelPassword : undefined,
    };
}

/** The authorities that certify those servers, where they are not public ones. */
export function authoritiesOf({ database, sessions, servers }: State): File[] {
    const given = {
        "database.pem": "authority" in database ? database.authority : servers?.database?.authority,
        "sessions.pem": "authority" in sessions ? sessions.authority : servers?.sessions?.authority,
    };
    return Object.entries(given).flatMap(([name, content]) => (content === undefined ? [] : [{ name, content }]));
}
