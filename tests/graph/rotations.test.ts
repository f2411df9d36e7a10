/** What a declared rotation does to the resource graph, and that nothing changes where none is declared. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { initialPassword } from "../../components/initial-passwords";
import { CANARY, Program, Registered, runProgram } from "./program";

const PASSWORD = "random:index/randomPassword:RandomPassword";
const KEY = "tls:index/privateKey:PrivateKey";

const STACK = {
    domain: "test.localhost",
    tls: { mode: "private-ca" },
    users: { alice: { displayName: "Alice", email: "alice@example.com" } },
};

let first: Program;

before(async () => {
    first = await runProgram(STACK, "rotations");
});

const rotated = (rotations: Record<string, number>) => runProgram({ ...STACK, rotations }, "rotations");

const isOf = (types: readonly string[]) => (resource: Registered) => types.includes(resource.type);

/** Names of the generated secrets. */
const names = ({ resources }: Program) =>
    resources
        .filter(isOf([PASSWORD, KEY]))
        .map(({ name }) => name.replace(/^cloud-/, ""))
        .sort();

/** What a file with secrets says. */
function file({ resources }: Program, server: string): string {
    return JSON.stringify(resources.find(({ name }) => name === `cloud-${server}-secrets`)!.inputs.uploads);
}

test("without rotations every secret is the resource that a stack was made with before there were any", () => {
    const authelia = ["authelia-hmac", "authelia-issuer", "authelia-session", "authelia-storage-encryption"];
    const ocis = ["admin", "idm", "idp", "jwt", "machine-auth", "reva", "service-account", "system-user-api"];
    assert.deepEqual(
        names(first),
        [
            "certificates-root-key",
            "certificates-sites-key",
            ...authelia.map((name) => `secrets-${name}`),
            ...[...ocis, "thumbnails-transfer", "transfer", "wopi"].map((name) => `secrets-ocis-${name}`),
            "secrets-initial-passwords",
        ].sort(),
    );
    const length = (name: string) => (name.includes("-authelia-") ? 64 : 32);
    for (const { name, inputs } of first.resources.filter(isOf([PASSWORD]))) {
        assert.deepEqual(inputs, { length: length(name), special: false }, name);
    }
});

test("a counter of 1 changes nothing", async () => {
    const counted = await rotated({ hmac: 1, issuerKey: 1, jwt: 1, initialPasswords: 1, privateAuthority: 1 });
    const sorted = ({ resources }: Program) => [...resources].sort((a, b) => (a.name + a.type < b.name + b.type ? -1 : 1));
    assert.deepEqual(sorted(counted), sorted(first));
});

test("a rotation makes one more secret, which is protected, keeps those before it, and touches nothing else", async () => {
    const counters = {
        hmac: "authelia-hmac",
        session: "authelia-session",
        jwt: "ocis-jwt",
        machineAuth: "ocis-machine-auth",
        systemUserApi: "ocis-system-user-api",
        transfer: "ocis-transfer",
        thumbnails: "ocis-thumbnails-transfer",
        wopi: "ocis-wopi",
        serviceAccount: "ocis-service-account",
    };
    const third = await rotated(Object.fromEntries(Object.keys(counters).map((counter) => [counter, 3])));
    const made = Object.values(counters).flatMap((use) => [2, 3].map((generation) => `secrets-${use}-${generation}`));
    assert.deepEqual(names(third), [...names(first), ...made].sort());
    for (const { name, protect } of third.resources.filter(isOf([PASSWORD]))) {
        assert.equal(protect, true, name);
    }
    for (const use of Object.values(counters)) {
        const text = file(third, use.split("-")[0]!);
        assert.match(text, new RegExp(`${CANARY}-cloud-secrets-${use}-3\\W`), use);
        assert.doesNotMatch(text, new RegExp(`${CANARY}-cloud-secrets-${use}(-2)?[^-]`), use);
    }
});

test("the key of the issuer before the newest goes on verifying, and none from before that", async () => {
    const keys = (program: Program) =>
        [...file(program, "authelia").matchAll(/cloud-secrets-authelia-issuer(?:-\d)?/g)].map(([name]) => name.slice(-8));
    assert.deepEqual(keys(first), ["a-issuer"]);
    assert.deepEqual(keys(await rotated({ issuerKey: 2 })), ["issuer-2", "a-issuer"]);
    assert.deepEqual(keys(await rotated({ issuerKey: 3 })), ["issuer-3", "issuer-2"]);
});

test("generated passwords are those of the newest secret", async () => {
    const program = await rotated({ initialPasswords: 2 });
    assert.deepEqual(names(program), [...names(first), "secrets-initial-passwords-2"].sort());
    const { digest } = initialPassword(`${CANARY}-cloud-secrets-initial-passwords-2`, "alice");
    assert.ok(file(program, "authelia").includes(digest));
});

test("another private authority is another root, which certifies the sites anew", async () => {
    const program = await rotated({ privateAuthority: 2 });
    const certificates = (of: Program) =>
        of.resources.filter(({ parent }) => parent.endsWith("::cloud-certificates")).map(({ name }) => name);
    assert.deepEqual(
        certificates(program),
        certificates(first).map((name) => name.replace(/(root|sites)/, "$1-2").replace(/-2(-key|-request)$/, "-2$1")),
    );
    assert.match(file(program, "edge"), /canary-cloud-certificates-sites-2-key/);
});
