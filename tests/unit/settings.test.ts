/** The stack's configuration: what is taken, what is refused, and that a refusal tells a person what to do. */
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { test } from "node:test";
import { rootCertificates } from "node:tls";

import { PRESETS } from "../../directory";
import { readSettings } from "../../settings";
import { AUTHELIA, CADDY_IMAGE, OCIS } from "../../versions";
import { configuration, declarations, stackFile } from "../configuration";

const ALICE = { displayName: "Alice", email: "alice@example.com" };
const GOOD = { domain: "example.com", users: { alice: ALICE } };

function settingsOf(values: Record<string, unknown>) {
    const raw = configuration(values);
    return readSettings((key) => raw[key]);
}

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
    for (const [key, { type, description, default: value }] of Object.entries(declarations())) {
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

/** A directory outside the stack, as little of it as has to be said. */
const LDAP = {
    mode: "ldap",
    preset: "openldap",
    url: "ldaps://ldap.example.com",
    baseDn: "dc=example,dc=com",
    bindDn: "cn=reader,dc=example,dc=com",
    bindPassword: "canary-bind",
};

/** Settings of a stack whose users live in that directory, with `change`. */
const ldap = (change: object) => ({ users: {}, directory: { ...LDAP, ...change } });

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

/** Wrong input: the configuration, the key that the message has to name, and a part of the cure. */
const mail = (change: object) => ({
    smtp: { address: "submissions://mail.example.com", sender: "cloud@example.com", ...change },
});

const WRONG: [what: string, values: Record<string, unknown>, key: string, cure: RegExp][] = [
    ["no domain", { domain: "" }, "domain", /config set domain example\.com/],
    ["a domain with a space", { domain: "not a domain" }, "domain", /config set domain/],
    ["a domain without a dot", { domain: "localhost" }, "domain", /config set domain/],
    ["a domain in upper case", { domain: "Example.com" }, "domain", /config set domain/],
    ["a URL", { domain: "https://example.com" }, "domain", /config set domain/],
    ["a domain with a port", { domain: "example.com:8443" }, "domain", /config set domain/],
    ["an address as domain", { domain: "192.0.2.1" }, "domain", /config set domain/],
    ["an underscore", { domain: "my_cloud.example.com" }, "domain", /config set domain/],
    ["a label that ends in a hyphen", { domain: "cloud-.example.com" }, "domain", /config set domain/],
    ["a public suffix", { domain: "co.uk" }, "domain", /config set domain/],
    ["a private public suffix", { domain: "duckdns.org" }, "domain", /config set domain/],
    ["a host name as address", { address: "localhost" }, "address", /config set address/],
    ["port 0 for HTTPS", { httpsPort: 0 }, "httpsPort", /config set httpsPort 443/],
    ["a port out of range", { httpsPort: 65536 }, "httpsPort", /config set httpsPort 443/],
    ["a negative port", { httpPort: -1 }, "httpPort", /config set httpPort 80/],
    ["one port for both", { httpPort: 443 }, "httpPort", /config set httpPort 0/],
    ["an unknown mode", { tls: { mode: "magic" } }, "tls.mode", /config set --path tls\.mode acme/],
    ["an unknown key in tls", { tls: { mode: "acme", mail: "a@b.c" } }, "tls", /config rm --path tls\.mail/],
    ["a public authority for localhost", { domain: "ocis.localhost" }, "tls.mode", /tls\.mode private-ca/],
    ["no e-mail address", { tls: { mode: "acme", email: "me" } }, "tls.email", /config set --path tls\.email/],
    ["an e-mail without use", { tls: { mode: "private-ca", email: "a@b.c" } }, "tls", /config rm --path tls\.email/],
    ["an unknown ACME server", { tls: { server: "letsencrypt" } }, "tls.server", /tls\.server production/],
    ["an ACME server without TLS", { tls: { server: "http://ca.example.com/dir" } }, "tls.server", /https URL/],
    ["staging for localhost", { domain: "ocis.localhost", tls: { server: "staging" } }, "tls.mode", /tls\.mode private-ca/],
    ["an authority that is no certificate", { tls: { authority: "root" } }, "tls.authority", /tls\.authority < root\.pem/],
    [
        "a certificate without use",
        { tls: { certificate: "…" } },
        "tls",
        /it belongs to files[^]*config rm --path tls\.certificate/,
    ],
    ["an own certificate that is none", { tls: { mode: "files" } }, "tls.certificate", /tls\.certificate < fullchain\.pem/],
    ["an own certificate without a key", { tls: { mode: "files" } }, "tls.key", /--secret --path tls\.key < privkey\.pem/],
    ["a proxy, and an edge that others reach", { tls: { mode: "none" } }, "address", /config set address 127\.0\.0\.1/],
    ["a proxy, and an edge in the LAN", { address: "10.0.0.5", tls: { mode: "none" } }, "address", /plain HTTP/],
    [
        "a proxy, and an edge without a port",
        { address: "127.0.0.1", httpPort: 0, tls: { mode: "none" } },
        "httpPort",
        /config set httpPort 8080/,
    ],
    ["tls as text", { tls: "acme" }, "tls", /config rm --path tls/],
    ["no users", { users: {} }, "users", /config set --path users\.alice/],
    ["a list of users", { users: [ALICE] }, "users", /config rm --path users/],
    ["a user in upper case", { users: { Alice: ALICE } }, "users", /config rm --path/],
    ["a user that starts with a digit", { users: { "1st": ALICE } }, "users", /config rm --path/],
    ["the built-in administrator", { users: { admin: ALICE } }, "users", /config rm --path users\.admin/],
    ["a user without a name", { users: { alice: { email: "a@b.c" } } }, "users.alice.displayName", /config set --path/],
    ["a user without e-mail", { users: { alice: { displayName: "A" } } }, "users.alice.email", /config set --path/],
    ["groups as text", { users: { alice: { ...ALICE, groups: "x" } } }, "users.alice.groups", /config set --path/],
    ["one e-mail for two", { users: { alice: ALICE, bob: ALICE } }, "users.bob.email", /users\.bob\.email/],
    ["a misspelt key", { users: { alice: { ...ALICE, mail: "x" } } }, "users.alice", /config rm --path users\.alice\.mail/],
    [
        "older desktop apps too early",
        { olderDesktopClients: true, images: { authelia: "authelia/authelia:4.38.0" } },
        "olderDesktopClients",
        /olderDesktopClients false/,
    ],
    ["app tokens too early", { appTokens: true, images: { ocis: "owncloud/ocis:5.0.9" } }, "appTokens", /appTokens false/],
    ["three factors", { access: { policy: "three_factor" } }, "access.policy", /access\.policy two_factor/],
    ["no group at all", { access: { groups: [] } }, "access.groups", /'access\.groups\[0\]' family/],
    ["a group as text", { access: { groups: "family" } }, "access.groups", /'access\.groups\[0\]' family/],
    ["administrators alone", { access: { administrators: ["a"] } }, "access.administrators", /'access\.groups\[0\]'/],
    [
        "administrators by group in oCIS's directory",
        { users: {}, directory: { mode: "ocis" }, access: { groups: ["a"], administrators: ["b"] } },
        "access.administrators",
        /config rm --path access\.administrators/,
    ],
    ["an unknown key of access", { access: { deny: ["a"] } }, "access", /config rm --path access\.deny/],
    ["mail without TLS", mail({ address: "smtp://mail.example.com:25" }), "smtp.address", /smtp\.address 'submissions:/],
    ["a mail port out of range", mail({ address: "submission://mail.example.com:70000" }), "smtp.address", /smtp\.address/],
    ["mail from nobody", mail({ sender: undefined }), "smtp.sender", /smtp\.sender 'Cloud </],
    ["mail from no address", mail({ sender: "Cloud <cloud>" }), "smtp.sender", /smtp\.sender/],
    ["a mail account without a password", mail({ user: "cloud" }), "smtp", /smtp\.password --secret/],
    ["a mail password without an account", mail({ password: "hunter2" }), "smtp", /smtp\.user/],
    ["a mail authority that is none", mail({ authority: "MIIB" }), "smtp.authority", /smtp\.authority < root\.pem/],
    ["an unknown key of mail", mail({ port: 25 }), "smtp", /config rm --path smtp\.port/],
    ["a life without a unit", { lifespans: { accessToken: "2" } }, "lifespans.accessToken", /lifespans\.accessToken '2 days'/],
    ["a life as a number", { lifespans: { refreshToken: 3 } }, "lifespans.refreshToken", /lifespans\.refreshToken/],
    ["an unknown life", { lifespans: { idToken: "1 hour" } }, "lifespans", /config rm --path lifespans\.idToken/],
    ["opaque misspelt", { accessTokens: "opake" }, "accessTokens", /config set accessTokens signed/],
    ["an image of a moving tag", { images: { ocis: "owncloud/ocis:latest" } }, "images.ocis", /images\.ocis owncloud/],
    ["an image without a tag", { images: { ocis: "owncloud/ocis" } }, "images.ocis", /images\.ocis owncloud/],
    ["a release too old", { images: { authelia: "authelia/authelia:4.37.5" } }, "images.authelia", /images\.authelia/],
    ["a release too new", { images: { authelia: "authelia/authelia:4.39.21" } }, "images.authelia", /images\.authelia/],
    ["a rolling release", { images: { ocis: "owncloud/ocis:6.6.1" } }, "images.ocis", /images\.ocis/],
    ["an unknown server", { images: { traefik: "traefik:3" } }, "images", /config rm --path images\.traefik/],
    ["an empty image", { images: { caddy: "" } }, "images.caddy", /images\.caddy caddy/],
    ["an unknown directory", { directory: { mode: "nis" } }, "directory.mode", /directory\.mode 'authelia'/],
    ["an unknown key of directory", ldap({ uri: "x" }), "directory", /config rm --path directory\.uri/],
    ["users beside oCIS's directory", { directory: { mode: "ocis" } }, "users", /config rm users/],
    ["users beside an LDAP server", { directory: LDAP }, "users", /config rm users/],
    [
        "an LDAP server without its mode",
        { directory: { mode: "ocis", url: "x" }, users: {} },
        "directory",
        /rm --path directory\.url/,
    ],
    ["no preset", ldap({ preset: undefined }), "directory.preset", /directory\.preset 'openldap'/],
    ["an unknown preset", ldap({ preset: "toString" }), "directory.preset", /directory\.preset 'openldap'/],
    ["no LDAP server", ldap({ url: undefined }), "directory.url", /directory\.url 'ldaps:/],
    ["plain LDAP", ldap({ url: "ldap://ldap.example.com" }), "directory.url", /directory\.url 'ldaps:/],
    ["a base DN in the URL", ldap({ url: "ldaps://ldap.example.com/dc=x" }), "directory.url", /directory\.url 'ldaps:/],
    ["an LDAP port out of range", ldap({ url: "ldaps://ldap.example.com:65536" }), "directory.url", /directory\.url 'ldaps:/],
    ["no base DN", ldap({ baseDn: "" }), "directory.baseDn", /directory\.baseDn 'dc=example/],
    ["a domain as base DN", ldap({ baseDn: "example.com" }), "directory.baseDn", /directory\.baseDn 'dc=example/],
    ["a name as bind DN", ldap({ bindDn: "reader" }), "directory.bindDn", /directory\.bindDn 'cn=reader/],
    ["no bind password", ldap({ bindPassword: "" }), "directory.bindPassword", /--secret --path directory\.bindPassword/],
    ["a path as authority", ldap({ authority: "ca.pem" }), "directory.authority", /directory\.authority < root\.pem/],
    ["a filter without parentheses", ldap({ userFilter: "a=b" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["two filters", ldap({ userFilter: "(a=b)(c=d)" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["an open filter", ldap({ userFilter: "(a=b" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["a filter with a placeholder", ldap({ userFilter: "(a={input})" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["an attribute with a space", ldap({ userName: "user name" }), "directory.userName", /directory\.userName 'uid'/],
    ["a filter as object class", ldap({ userObjectClass: "(a=b)" }), "directory.userObjectClass", /'inetOrgPerson'/],
    ["a list as attribute", ldap({ groupMember: ["member"] }), "directory.groupMember", /directory\.groupMember 'member'/],
    ["no relative name", ldap({ groupBase: "groups" }), "directory.groupBase", /directory\.groupBase 'ou=groups'/],
    ["no truth", { keepData: "yes" }, "keepData", /config set keepData true/],
];

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

test("an object of the stack's file that says some keys leaves the others at their defaults", () => {
    const { lifespans, access } = settingsOf(GOOD);
    assert.deepEqual(settingsOf({ ...GOOD, lifespans: {}, access: {} }).lifespans, lifespans);
    assert.deepEqual(settingsOf({ ...GOOD, lifespans: {}, access: {} }).access, access);
    assert.equal(settingsOf({ ...GOOD, lifespans: { accessToken: "1 hour" } }).lifespans.refreshToken, lifespans.refreshToken);
});

test("a newer release is taken for the newest supported one, by who asks for it", () => {
    const images = { authelia: "authelia/authelia:4.40.1", ocis: "owncloud/ocis:8.0.5" };
    assert.throws(() => settingsOf({ ...GOOD, images }), /untestedReleases true/);
    const { authelia } = settingsOf({ ...GOOD, images, untestedReleases: true }).images;
    assert.equal(authelia.version, "4.40.1");
    assert.equal(authelia.line.line, "4.39");
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
