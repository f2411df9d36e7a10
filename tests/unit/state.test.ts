/** Where Authelia keeps its state: what it is told of servers outside the stack, over verified TLS, and no password among it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { authoritiesOf, passwordsOf, sessionStore, storage } from "../../components/authelia/state";
import { settingsOf } from "../configuration";
import { postgres, redis } from "../wrong-inputs";

const SENTINELS = {
    sessions: {
        mode: "sentinel",
        masterName: "mymaster",
        nodes: ["redis-1.example.com", "redis-2.example.com:26380"],
        password: "canary-sessions",
        sentinelUser: "watched",
        sentinelPassword: "canary-sentinel",
    },
};

test("by default all of it is the stack's own", () => {
    const settings = settingsOf();
    assert.deepEqual(storage(settings.database), { local: { path: "/data/db.sqlite3" } });
    assert.deepEqual(sessionStore(settings.sessions), {});
    assert.deepEqual(authoritiesOf(settings), []);
    assert.deepEqual(Object.values(passwordsOf(settings)), [undefined, undefined, undefined]);
});

test("a database outside is spoken to over TLS, by a certificate for its host", () => {
    assert.deepEqual(storage(settingsOf(postgres({ schema: "cloud" })).database), {
        postgres: {
            address: "tcp://postgres.example.com:5432",
            database: "authelia",
            schema: "cloud",
            username: "authelia",
            tls: { minimum_version: "TLS1.2", server_name: "postgres.example.com" },
        },
    });
});

test("so are Redis and its sentinels, of which each is compared with its own name", () => {
    assert.deepEqual(sessionStore(settingsOf(redis({ port: 6380, user: "authelia" })).sessions), {
        redis: {
            host: "redis.example.com",
            port: 6380,
            username: "authelia",
            tls: { minimum_version: "TLS1.2", server_name: "redis.example.com" },
        },
    });
    assert.deepEqual(sessionStore(settingsOf(SENTINELS).sessions), {
        redis: {
            tls: { minimum_version: "TLS1.2" },
            high_availability: {
                sentinel_name: "mymaster",
                sentinel_username: "watched",
                nodes: [
                    { host: "redis-1.example.com", port: 26379 },
                    { host: "redis-2.example.com", port: 26380 },
                ],
            },
        },
    });
});

test("no password stands where a preview shows it", () => {
    const { database, sessions } = settingsOf({ ...postgres(), ...SENTINELS });
    assert.ok(!JSON.stringify([storage(database), sessionStore(sessions)]).includes("canary"));
    assert.equal(Object.values(passwordsOf({ database, sessions })).filter((password) => password !== undefined).length, 3);
});
