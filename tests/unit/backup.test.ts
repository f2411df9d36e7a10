/** What a backup says of its stack, and how another stack comes by it; that it is whole, tests/deployment/backup.test.ts shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";

import { notBackedUp } from "../../operations/backup";
import { Exported, fileFor, givenIn, secretsOf, stateFor } from "../../operations/backup/description";
import { placeFault } from "../../operations/backup/restic";
import { printPath } from "../../settings/cure";
import { settingsOf } from "../configuration";
import { nats, postgres } from "../wrong-inputs";

const PROJECT = "ocis-authelia";

const FILE = `# Of the family.
encryptionsalt: v1:old
config:
  ocis-authelia:domain: example.com # theirs
  ocis-authelia:users:
    alice:
      displayName: Alice
      passwordDigest:
        secure: v1:encrypted
  ocis-authelia:smtp:
    password:
      secure: v1:encrypted
  docker:host: ssh://operator@old.example.com
  docker:registryAuth:
    - address: registry.example.com
      password:
        secure: v1:encrypted
  single:
    secure: v1:encrypted
`;

const TEXTS = {
    "ocis-authelia:domain": "example.com",
    "ocis-authelia:users": JSON.stringify({ alice: { displayName: "Alice", passwordDigest: "$digest" } }),
    "ocis-authelia:smtp": JSON.stringify({ password: "of mail" }),
    "docker:host": "ssh://operator@old.example.com",
    "docker:registryAuth": JSON.stringify([{ address: "registry.example.com", password: "of the registry" }]),
    "ocis-authelia:single": "whole",
};

const SECRETS = [
    { path: ["users", "alice", "passwordDigest"], value: "$digest" },
    { path: ["smtp", "password"], value: "of mail" },
    { path: ["docker:registryAuth", 0, "password"], value: "of the registry" },
    { path: ["single"], value: "whole" },
];

test("what was given is found by its key, spelt with the project's name or without", () => {
    assert.equal(givenIn({ file: FILE, project: PROJECT }, "domain"), "example.com");
    assert.deepEqual(givenIn({ file: FILE, project: PROJECT }, "single"), { secure: "v1:encrypted" });
    assert.equal(givenIn({ file: FILE, project: PROJECT }, "database"), undefined);
    assert.equal(givenIn({ file: "", project: PROJECT }, "database"), undefined);
});

test("a database outside is said not to be backed up", () => {
    assert.deepEqual(notBackedUp(settingsOf()), []);
    const [line] = notBackedUp(settingsOf(postgres({ name: "cloud" })));
    assert.match(line!, /cloud on postgres\.example\.com.*pg_dump/);
});

test("so is a bus outside, without which files are whole", () => {
    const [line] = notBackedUp(settingsOf(nats()));
    assert.match(line!, /told of is not part of it: it is on NATS, nats-1\.example\.com/);
});

test("the secrets of a stack's file are found wherever they stand", () => {
    assert.deepEqual(secretsOf(FILE, PROJECT, TEXTS), SECRETS);
    assert.deepEqual(
        SECRETS.map(({ path }) => printPath(path)),
        ["users.alice.passwordDigest", "smtp.password", "docker:registryAuth[0].password", "single"],
    );
});

test("a file without a configuration has none", () => {
    assert.deepEqual(secretsOf("", PROJECT, {}), []);
});

test("a restored file is the saved one, comments and all, but for the salt, the places of secrets and what is to differ", () => {
    const text = fileFor({ file: FILE, project: PROJECT, secrets: SECRETS }, "v1:new", {
        domain: "rehearsal.localhost",
        images: { ocis: "owncloud/ocis:8.2.0" },
        smtp: undefined,
        "docker:host": "unix:///run/other.sock",
    });
    assert.ok(text.startsWith("# Of the family.\n"));
    assert.ok(!text.includes("v1:encrypted"));
    assert.deepEqual(parse(text), {
        encryptionsalt: "v1:new",
        config: {
            "ocis-authelia:users": { alice: { displayName: "Alice", passwordDigest: "" } },
            "docker:registryAuth": [{ address: "registry.example.com", password: "" }],
            single: "",
            "ocis-authelia:domain": "rehearsal.localhost",
            "ocis-authelia:images": { ocis: "owncloud/ocis:8.2.0" },
            "docker:host": "unix:///run/other.sock",
        },
    });
});

const urn = (stack: string, type: string, name: string) => `urn:pulumi:${stack}::${PROJECT}::${type}::${name}`;

test("a restored state is the stack's own, without what was on the lost engine", () => {
    const network = urn("prod", "docker:index/network:Network", "cloud-network");
    const password = urn("prod", "random:index/randomPassword:RandomPassword", "prod");
    const state: Exported = {
        deployment: {
            pending_operations: [{}],
            secrets_providers: { type: "passphrase", state: { salt: "v1:old" } },
            resources: [
                { urn: network, type: "docker:index/network:Network" },
                {
                    urn: password,
                    type: "random:index/randomPassword:RandomPassword",
                    protect: true,
                    dependencies: [network],
                    propertyDependencies: { length: [network, password], special: null },
                },
            ],
        },
    };
    const [from, to] = [{ project: PROJECT, stack: "prod" } as const, { project: PROJECT, stack: "prod-rehearsal" } as const];
    const renamed = urn("prod-rehearsal", "random:index/randomPassword:RandomPassword", "prod");
    assert.deepEqual(stateFor(state, from, to, "v1:new", true), {
        deployment: {
            pending_operations: [],
            secrets_providers: { type: "passphrase", state: { salt: "v1:new" } },
            resources: [
                {
                    urn: renamed,
                    type: "random:index/randomPassword:RandomPassword",
                    protect: false,
                    dependencies: [],
                    propertyDependencies: { length: [renamed], special: null },
                },
            ],
        },
    });
    assert.equal(stateFor(state, from, from, "v1:new", false).deployment.resources![0]!.protect, true);
});

const PLACES: [repository: string, sshKey: string | undefined, fault?: RegExp][] = [
    ["/mnt/backup", undefined],
    ["s3:https://server.example.com/bucket/path", undefined],
    ["sftp:user@host:/path", "key"],
    ["sftp:user@host:/path", undefined, /needs --ssh-key/],
    ["backup", undefined, /^--repository is "backup"\. Allowed: an absolute path/],
    ["s3:http://server.example.com/bucket", undefined, /s3:https:/],
    ["rest:https://server.example.com", undefined, /s3:https:/],
];

for (const [repository, sshKey, fault] of PLACES) {
    test(`a repository at ${repository} ${sshKey === undefined ? "without" : "with"} a key is ${fault ? "refused" : "taken"}`, () => {
        const found = placeFault({ repository, sshKey });
        assert.equal(found === undefined, fault === undefined);
        assert.match(found ?? "", fault ?? /^$/);
    });
}
