/** What doctor, status and users make of what they see; that they see it, tests/deployment/operations.test.ts shows. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { knownPeople } from "../../operations/authelia-database";
import { ContainerState, printBytes } from "../../operations/containers";
import { Sqlite } from "../../operations/database";
import { clockFinding, diskFinding, isOlder } from "../../operations/doctor-machine";
import { backupFinding, containerFinding, releaseFindings } from "../../operations/doctor-stack";
import { printFindings } from "../../operations/finding";
import { digestOf, generatePassword } from "../../operations/password";
import { listPeople, printPeople } from "../../operations/people";
import { uriOf } from "../../operations/second-factor";
import { aliasIn, metadataOf, numberIn } from "../../operations/spaces";
import { User } from "../../settings/users";
import { FLAWS, flawsOf, newerThan, AUTHELIA, OCIS } from "../../versions";

const RUNNING: ContainerState = {
    server: "ocis",
    container: "ocis-authelia-prod-ocis",
    status: "running",
    health: "healthy",
    restarts: 0,
    outOfMemory: false,
    memoryLimit: 2 ** 31,
    exitCode: 0,
};

const CONTAINERS: [what: string, state: Partial<ContainerState>, expected: string, cure?: RegExp][] = [
    ["healthy", {}, "ok"],
    ["missing", { status: "missing", health: undefined }, "failed", /pulumi -- up --refresh --stack prod$/],
    ["stopped", { status: "exited", health: undefined, exitCode: 137 }, "failed", /^docker start ocis-authelia-prod-ocis$/],
    ["out of memory", { status: "exited", outOfMemory: true }, "failed", /^docker start/],
    ["paused", { status: "paused", health: undefined }, "failed", /^docker unpause ocis-authelia-prod-ocis$/],
    ["unhealthy", { health: "unhealthy" }, "failed", /^docker logs/],
    ["starting", { health: "starting" }, "warning", /^docker logs/],
    ["without a health check", { health: undefined }, "failed", /^docker logs/],
    ["started again by itself", { restarts: 3 }, "warning", /^docker logs/],
];

for (const [what, change, expected, cure] of CONTAINERS) {
    test(`a container that is ${what}: ${expected}`, () => {
        const finding = containerFinding({ ...RUNNING, ...change }, ["error: last line"], "prod");
        assert.equal(finding.state, expected);
        assert.equal(finding.cure === undefined, cure === undefined);
        assert.match(finding.cure ?? "", cure ?? /^$/);
        assert.equal(finding.seen.includes("last line"), expected !== "ok" && !["missing", "paused"].includes(what));
        assert.equal(finding.seen.includes("limit of memory"), what === "out of memory");
    });
}

test("disks and clocks are ok, doubtful, or failed", () => {
    const disk = (gibibytes: number) => diskFinding(gibibytes * 1024 ** 3, "cure").state;
    assert.deepEqual([0.5, 3, 50].map(disk), ["failed", "warning", "ok"]);
    assert.deepEqual(
        [-31, -10, 0, 4, 6, 40].map((seconds) => clockFinding(seconds).state),
        ["failed", "warning", "ok", "ok", "warning", "failed"],
    );
});

test("versions are compared by their numbers", () => {
    assert.ok(isOlder("19.3.1", "20.10") && isOlder("20.9.0", "20.10") && isOlder("22.9.0", "22.13"));
    assert.ok(!isOlder("20.10.5+dfsg1", "20.10") && !isOlder("29.1.0", "20.10") && !isOlder("24.0.0", "22.13"));
});

test("a backup is known and recent, old, or not known", () => {
    const backup = { time: "2026-11-01T00:00:00Z", repository: "sftp:backup:/prod", snapshot: "1a2b" };
    const on = (day: string) => backupFinding(backup, "prod", new Date(day));
    assert.equal(on("2026-11-03").state, "ok");
    assert.equal(on("2026-11-20").state, "warning");
    assert.match(backupFinding(undefined, "prod", new Date()).cure!, /backup -- --stack prod$/);
});

test("a release with a known flaw is a warning, and what is newer is named", () => {
    const [authelia, ocis] = releaseFindings({ authelia: "4.39.24", ocis: "8.2.0" }, "prod");
    assert.equal(authelia!.state, "warning");
    assert.match(authelia!.seen, /13205/);
    assert.match(authelia!.cure!, /npm run upgrade/);
    assert.deepEqual(ocis, { what: "release", state: "ok", seen: "oCIS 8.2.0" });
});

test("flaws end with their last release, and each names one before the default", () => {
    assert.equal(flawsOf("authelia", "4.39.25").length, 0);
    assert.ok(flawsOf("ocis", "8.1.0").length < flawsOf("ocis", "8.0.0").length);
    for (const { server, first } of FLAWS) {
        assert.notEqual(newerThan(server === "authelia" ? AUTHELIA : OCIS, first), undefined);
        assert.ok(flawsOf(server, first).length > 0);
    }
    assert.equal(newerThan(OCIS, "8.2.0"), undefined);
});

test("findings are printed with their cures and counted", () => {
    const text = printFindings({
        "this machine": [{ what: "clock", state: "skipped", seen: "out of reach" }],
        "stack prod": [{ what: "port 443", state: "failed", seen: "held by\nnginx", cure: "docker stop nginx" }],
    });
    assert.match(text, /^ {2}failed {4}port 443: held by\n {12}nginx\n {12}docker stop nginx$/m);
    assert.match(text, /^1 failed, 0 warning, 1 skipped, 0 ok$/m);
});

test("bytes are printed in binary units", () => {
    assert.deepEqual([0, 900, 1536, 10 * 1024 ** 2, 2 ** 50].map(printBytes), [
        "0 B",
        "900 B",
        "1.5 KiB",
        "10 MiB",
        "1024 TiB",
    ]);
});

test("a space is known by its alias, however long, and in whatever order its metadata stand", () => {
    const folder = "1c/00e6ce-c258-4c81-a599-f2549326823e";
    assert.equal(metadataOf(folder), `${folder}/nodes/1c/00/e6/ce/-c258-4c81-a599-f2549326823e.mpk`);
    const member = (key: string, value: string) => {
        const head = [0xc4, Buffer.byteLength(value)]; // MessagePack: a short key, then bytes of a length below 256
        return Buffer.concat([Buffer.from([0xa0 + key.length]), Buffer.from(key), Buffer.from(head), Buffer.from(value)]);
    };
    for (const alias of ["personal/bob", `personal/${"b".repeat(64)}`, `project/${"b".repeat(120)}`, "project/fêtes"]) {
        const members = [member("user.ocis.name", "Bob"), member("user.ocis.space.alias", alias), member("user.ocis.id", "1c")];
        for (const ordered of [members, [...members].reverse(), members.slice(0, 2)]) {
            assert.equal(aliasIn(Buffer.concat(ordered)), alias);
        }
    }
    assert.equal(aliasIn(Buffer.alloc(0)), undefined);
    const numbers = [member("user.ocis.quota", "8388608"), member("user.ocis.treesize", "0"), member("user.ocis.id", "1c")];
    for (const ordered of [numbers, [...numbers].reverse()]) {
        const known = Buffer.concat(ordered);
        assert.deepEqual([numberIn(known, "quota"), numberIn(known, "treesize")], [8388608, 0]);
    }
    assert.equal(numberIn(Buffer.concat(numbers.slice(1)), "quota"), undefined);
});

test("a digest has the form that Authelia reads, and no two are alike", async () => {
    const password = generatePassword();
    const digests = await Promise.all([digestOf(password), digestOf(password)]);
    digests.forEach((digest) => assert.match(digest, /^\$scrypt\$ln=16,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/));
    assert.notEqual(digests[0], digests[1]);
    assert.ok(password.length >= 20 && password !== generatePassword());
});

test("of the URIs that Authelia prints, a person's is taken", () => {
    const uri = (user: string) => `otpauth://totp/auth.example.com:${user}?algorithm=SHA1&secret=ABC`;
    const said = `${uri("bob")}\n${uri("a.bob")}\n${uri("aXbob")}`;
    assert.equal(uriOf(said, "bob"), uri("bob"));
    assert.equal(uriOf(`... with URI '${uri("a.bob")}'`, "a.bob"), uri("a.bob"));
    assert.equal(uriOf(said, "ob"), undefined);
});

test("people are those of the configuration, with what Authelia knows, and who was removed", () => {
    const user = (name: string): User => {
        return {
            name,
            displayName: name,
            email: `${name}@example.com`,
            groups: ["family"],
            disabled: false,
            samePerson: false,
        };
    };
    const known = new Map([
        ["alice", { authenticatorApp: true, securityKeys: 2, lastSignIn: "2026-11-01T10:00:00Z" }],
        ["zoe", { authenticatorApp: false, securityKeys: 0 }],
    ]);
    const people = listPeople(
        [{ ...user("bob"), passwordDigest: "$canary$" as unknown as User["passwordDigest"] }, user("alice")],
        known,
    );
    assert.deepEqual(
        people.map(({ name, removed = false, lastSignIn }) => [name, removed, lastSignIn]),
        [
            ["alice", false, "2026-11-01T10:00:00Z"],
            ["bob", false, undefined],
            ["zoe", true, undefined],
        ],
    );
    const text = printPeople("authelia", people);
    assert.match(text, /^alice .*family +app, 2 security keys +2026-11-01T10:00:00Z$/m);
    assert.match(text, /^zoe +removed +none +never$/m);
    assert.ok(!`${JSON.stringify(people)}${text}`.includes("canary"));
    assert.match(printPeople("ldap", listPeople([], known)), /^zoe +none +never$/m);
});

test("Authelia's database says who has what, and when they last signed in", async () => {
    const folder = mkdtempSync(join(tmpdir(), "people-"));
    try {
        const file = join(folder, "db.sqlite3");
        const database = new DatabaseSync(file);
        database.exec(`
            CREATE TABLE user_opaque_identifier (username TEXT);
            CREATE TABLE totp_configurations (username TEXT, secret BLOB);
            CREATE TABLE webauthn_credentials (username TEXT);
            CREATE TABLE authentication_logs (time TIMESTAMP, successful BOOLEAN, username TEXT);
            INSERT INTO user_opaque_identifier VALUES ('alice'), ('bob');
            INSERT INTO totp_configurations VALUES ('alice', 'canary');
            INSERT INTO webauthn_credentials VALUES ('alice'), ('alice');
            INSERT INTO authentication_logs VALUES ('2026-11-01 09:00:00.123456789+00:00', TRUE, 'alice'),
                ('2026-11-02 09:00:00.5+00:00', TRUE, 'alice'), ('2026-11-03 09:00:00+00:00', FALSE, 'alice');
        `);
        database.close();
        assert.deepEqual(Object.fromEntries(await knownPeople(new Sqlite(file))), {
            alice: { authenticatorApp: true, securityKeys: 2, lastSignIn: "2026-11-02T09:00:00Z" },
            bob: { authenticatorApp: false, securityKeys: 0 },
        });
    } finally {
        rmSync(folder, { recursive: true });
    }
});
