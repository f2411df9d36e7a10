/** How people are asked for and ended in Authelia's database; against real databases tests/deployment/{state-servers,taking-away}.test.ts do it. */
import assert from "node:assert/strict";
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";

import { DELETIONS, endSessions, hasSignedIn, knownPeople, revocation } from "../../operations/authelia-database";
import { Postgres, Sqlite } from "../../operations/database";
import { ROOT } from "../../system/folders";

const MALICIOUS = `x' OR 'a' = 'a'; DROP TABLE totp_configurations; --`;

const SCHEMA = `
    CREATE TABLE user_opaque_identifier (username TEXT, identifier TEXT);
    CREATE TABLE totp_configurations (username TEXT);
    CREATE TABLE webauthn_credentials (username TEXT);
    CREATE TABLE duo_devices (username TEXT);
    CREATE TABLE authentication_logs (time TIMESTAMP, successful BOOLEAN, username TEXT);
    CREATE TABLE oauth2_access_token_session (subject TEXT, active BOOLEAN, revoked BOOLEAN);
    CREATE TABLE oauth2_refresh_token_session (subject TEXT, active BOOLEAN, revoked BOOLEAN);
    CREATE TABLE oauth2_openid_connect_session (subject TEXT, active BOOLEAN, revoked BOOLEAN);
    CREATE TABLE oauth2_consent_preconfiguration (subject TEXT, revoked BOOLEAN);
    INSERT INTO user_opaque_identifier VALUES ('alice', '1'), ('bob', '2');
    INSERT INTO totp_configurations VALUES ('alice'), ('bob');
    INSERT INTO webauthn_credentials VALUES ('alice');
    INSERT INTO oauth2_access_token_session VALUES ('1', TRUE, FALSE), ('2', TRUE, FALSE);
    INSERT INTO oauth2_refresh_token_session VALUES ('1', TRUE, FALSE), ('1', FALSE, FALSE), ('1', TRUE, TRUE), ('2', TRUE, FALSE);
    INSERT INTO oauth2_openid_connect_session VALUES ('1', TRUE, FALSE);
    INSERT INTO oauth2_consent_preconfiguration VALUES ('1', FALSE);
`;

/** Does some work with a database that somebody has signed in to. */
async function withDatabase(work: (database: Sqlite, file: string) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "authelia-database-test-"));
    try {
        const file = join(folder, "db.sqlite3");
        const database = new DatabaseSync(file);
        database.exec(SCHEMA);
        database.close();
        await work(new Sqlite(file), file);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

test("what is whose ends, counted by kind, and nobody else's", () =>
    withDatabase(async (database) => {
        assert.equal(await hasSignedIn(database, "alice"), true);
        assert.equal(await hasSignedIn(database, MALICIOUS), false);
        const nothing = { accessTokens: 0, refreshTokens: 0, others: 0, secondFactors: 0 };
        assert.deepEqual(await endSessions(database, MALICIOUS, true), nothing);
        const ended = { accessTokens: 1, refreshTokens: 1, others: 1, secondFactors: 0 };
        assert.deepEqual(await endSessions(database, "alice", false), ended);
        assert.deepEqual(await endSessions(database, "alice", true), { ...nothing, secondFactors: 2 });
        assert.deepEqual(await endSessions(database, "bob", true), {
            ...nothing,
            accessTokens: 1,
            refreshTokens: 1,
            secondFactors: 1,
        });
    }));

test("where one statement fails, none has changed anything", () =>
    withDatabase(async (database) => {
        await assert.rejects(
            database.change([DELETIONS[0]!, "DELETE FROM nowhere WHERE username = :user"], "alice"),
            /nowhere/,
        );
        assert.equal((await knownPeople(database)).get("alice")!.authenticatorApp, true);
    }));

test("psql is given a name as a variable, which it quotes, and never within a statement", async () => {
    const asked: string[] = [];
    const server = {
        feed: (input: string, ...command: string[]) => {
            asked.push(input);
            assert.ok(command.includes(`--set=user=${MALICIOUS}`));
            assert.ok(command.includes("--single-transaction") && command.includes("--set=ON_ERROR_STOP=1"));
            return Promise.resolve("UPDATE 3\nDELETE 0");
        },
    };
    const statements = [revocation("oauth2_access_token_session"), DELETIONS[0]!];
    assert.deepEqual(await new Postgres(server).change(statements, MALICIOUS), [3, 0]);
    assert.match(asked[0]!, /^UPDATE [^\n]* WHERE username = :'user'\);\nDELETE [^\n]* WHERE username = :'user';\n$/);
});

test("the statements of docs/state.md are those that the commands run", () => {
    const flat = readFileSync(join(ROOT, "docs", "state.md"), "utf8").replace(/\s+/g, " ");
    const tables = ["access_token", "refresh_token", "authorization_code"].map((what) => `oauth2_${what}_session`);
    for (const statement of [...tables.map(revocation), ...DELETIONS]) {
        assert.ok(flat.includes(`${statement.replace(":user", "'alice'")};`), statement);
    }
});
