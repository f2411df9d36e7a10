/** The stack's configuration: what is taken, what is refused, and that a refusal tells a person what to do. */
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { test } from "node:test";
import { rootCertificates } from "node:tls";

import { PRESETS } from "../../settings/ldap";
import { AUTHELIA, CADDY_IMAGE, OCIS } from "../../versions";
import { GOOD, projectKeys, settingsOf, stackFile } from "../configuration";
import { LDAP, ldap, mail, WRONG } from "../wrong-inputs";

const ALICE = GOOD.users.alice;

test("the defaults need no more than a domain and a user", () => {
    const settings = settingsOf(GOOD);
    assert.equal(settings.httpsPort, 443);
    assert.equal(settings.keepData, true);
    assert.deepEqual(settings.tls, { mode: "acme", server: "production" });
    assert.equal(settings.images.authelia.image, AUTHELIA.image);
    assert.equal(settings.images.ocis.image, OCIS.image);
    assert.equal(settings.images.caddy, CADDY_IMAGE);
});

test("an e-mail address for the authority needs no mode beside it", () => {
    const { tls } = settingsOf({ ...GOOD, tls: { email: "me@example.com" } });
    assert.deepEqual(tls, { mode: "acme", server: "production", email: "me@example.com" });
});

test("the dev stack's file is valid and reachable only from this machine", () => {
    const settings = settingsOf(stackFile("dev"));
    assert.equal(settings.address, "127.0.0.1");
    assert.equal(settings.httpsPort, 8443);
    assert.equal(settings.keepData, false);
});

test("every key that Pulumi.yaml declares has type, description and default", () => {
    for (const [key, { type, description, default: value }] of Object.entries(projectKeys())) {
        assert.match(type, /^(string|integer|boolean|object)$/, key);
        assert.ok(description.length > 20, key);
        assert.notEqual(value, undefined, key);
    }
});

test("users are sorted, so that their order in the configuration changes nothing", () => {
    const bob = { displayName: "Bob", email: "bob@example.com", groups: ["family"] };
    const there = settingsOf({ ...GOOD, users: { bob, alice: ALICE } });
    assert.deepEqual(there, settingsOf({ ...GOOD, users: { alice: ALICE, bob } }));
    assert.deepEqual(
        there.users.map(({ name }) => name),
        ["alice", "bob"],
    );
});

test("a password digest is a secret, however it was set", async () => {
    const passwordDigest = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
    const { users } = settingsOf({ ...GOOD, users: { alice: { ...ALICE, passwordDigest } } });
    assert.equal(await pulumi.isSecret(users[0]!.passwordDigest!), true);
});

test("a directory outside takes what its preset says, and what is said otherwise", async () => {
    const change = {
        preset: "lldap",
        userName: "mail",
        userFilter: "(&(a=b)(!(c=d)))",
        groupBase: "",
        authority: rootCertificates[0],
    };
    const { directory, users } = settingsOf({ ...GOOD, ...ldap(change) });
    assert.equal(directory.mode, "ldap");
    assert.ok(directory.mode === "ldap" && (await pulumi.isSecret(directory.bindPassword)), "the bind password is a secret");
    const { url, baseDn, bindDn } = LDAP;
    const { userName, userFilter, groupBase, authority } = change;
    const said = { mode: "ldap", url, baseDn, bindDn, userName, userFilter, groupBase, authority };
    assert.deepEqual(directory, { ...PRESETS.lldap, ...said, bindPassword: directory.bindPassword });
    assert.deepEqual(users, []);
});

test("a bind password reaches no message", () => {
    for (const slip of [{ bindPassword: ["canary-bind"] }, { bindPasword: "canary-bind" }, { mode: "ocis" }, { url: "x" }]) {
        assert.throws(
            () => settingsOf({ ...GOOD, ...ldap(slip) }),
            (error: Error) => !error.message.includes("canary"),
        );
    }
});

for (const [what, values, key, cure] of WRONG) {
    test(`refused, with key and cure: ${what}`, () => {
        assert.throws(
            () => settingsOf({ ...GOOD, ...values }),
            (error: unknown) => {
                assert.ok(pulumi.RunError.isInstance(error));
                assert.match(
                    error.message,
                    new RegExp(`^ {2}${key.replaceAll(".", "\\.")}: .* cannot be used\\. Allowed: `, "m"),
                );
                assert.match(error.message, cure);
                return true;
            },
        );
    });
}

test("what cannot rotate is refused with its own reason, and all of it at once", () => {
    const rotations = { idmPassword: 2, adminUserId: 2, hmca: 2 };
    const reasons = [
        /"idmPassword" .*at the first start and never again/,
        /"adminUserId" .*an identifier and no secret/,
        /"hmca" .*only the keys issuerKey, hmac, /,
    ];
    for (const reason of reasons) {
        assert.throws(() => settingsOf({ ...GOOD, rotations }), reason);
    }
});

test("a secret that nobody has rotated is of the first generation", () => {
    assert.deepEqual(new Set(Object.values(settingsOf(GOOD).rotations)), new Set([1]));
    assert.equal(settingsOf({ ...GOOD, rotations: { hmac: 3 } }).rotations.hmac, 3);
    assert.equal(settingsOf({ ...GOOD, rotations: { hmac: 3 } }).rotations.session, 1);
});

test("one run reports every fault", () => {
    const wrong = { domain: "localhost", httpsPort: 0, users: {} };
    assert.throws(() => settingsOf(wrong), /domain: [^]*httpsPort: [^]*users: /);
});

test("a wrong digest or a password under a misspelt key does not reach the message", () => {
    for (const slip of [{ passwordDigest: "canary-hunter2" }, { password: "canary-hunter2" }]) {
        const wrong = { ...GOOD, users: { alice: { ...ALICE, ...slip } } };
        assert.throws(
            () => settingsOf(wrong),
            (error: Error) => !error.message.includes("canary"),
        );
    }
});

test("a password under a misspelt key of the stack does not reach the message", () => {
    assert.throws(
        () => settingsOf({ smpt: { password: "canary" } }),
        (error: Error) => /smpt: /.test(error.message) && !error.message.includes("canary"),
    );
});

test("an object of the stack's file that says some keys leaves the others at their defaults", () => {
    const { lifespans, access } = settingsOf(GOOD);
    assert.deepEqual(settingsOf({ ...GOOD, lifespans: {}, access: {} }).lifespans, lifespans);
    assert.deepEqual(settingsOf({ ...GOOD, lifespans: {}, access: {} }).access, access);
    assert.equal(settingsOf({ ...GOOD, lifespans: { accessToken: "1 hour" } }).lifespans.refreshToken, lifespans.refreshToken);
});

test("a newer release is taken for the newest supported one, by who asks for it", () => {
    const images = { authelia: "authelia/authelia:4.41.1", ocis: "owncloud/ocis:8.0.5" };
    assert.throws(() => settingsOf({ ...GOOD, images }), /untestedReleases true/);
    const { authelia } = settingsOf({ ...GOOD, images, untestedReleases: true }).images;
    assert.equal(authelia.version, "4.41.1");
    assert.equal(authelia.line.line, "4.40");
    const old = { authelia: "authelia/authelia:4.37.5" };
    assert.throws(() => settingsOf({ ...GOOD, images: old, untestedReleases: true }), /must name a supported release/);
});

test("mail has the usual ports, and its password is a secret, however it was set", async () => {
    const mailOf = (change: object) => settingsOf({ ...GOOD, ...mail(change) }).smtp!;
    assert.equal(settingsOf(GOOD).smtp, undefined);
    assert.deepEqual([mailOf({}).port, mailOf({ address: "submission://mail.example.com" }).port], [465, 587]);
    const { password, ...rest } = mailOf({ address: "submission://mail.example.com:2525", user: "cloud", password: "hunter2" });
    assert.deepEqual(rest, {
        host: "mail.example.com",
        port: 2525,
        encryption: "starttls",
        sender: "cloud@example.com",
        user: "cloud",
    });
    assert.equal(await pulumi.isSecret(password!), true);
    assert.throws(
        () => mailOf({ password: "canary" }),
        (error: Error) => !error.message.includes("canary"),
    );
});
