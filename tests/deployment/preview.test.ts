/**
 * A preview of every way to get certificates with every directory, and of every release in the table: the real command line
 * interface finds no fault, and shows none of the secrets in the configuration. Nothing is brought up.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { AUTHELIA, Line, OCIS, Releases } from "../../versions";
import { Authority } from "../authority";
import { NO_ENGINE } from "./pairs";
import { Stack } from "./stack";

const DOMAIN = "example.com";

/** Stands in every secret of the configuration that is not a certificate's key. */
const CANARY = "canary-of-the-configuration";

const DIGEST = `$argon2id$v=19$m=65536,t=3,p=4$${Buffer.from(CANARY).toString("base64").replaceAll("=", "")}$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E`;

describe("previews", { timeout: 20 * 60_000, skip: NO_ENGINE }, () => {
    const stack = new Stack("test-preview");
    const authority = new Authority();
    const own = authority.issue(`DNS:auth.${DOMAIN}`, `DNS:owncloud.${DOMAIN}`);

    const DIRECTORIES: Record<string, object> = {
        authelia: { users: { alice: { displayName: "Alice", email: "alice@example.com", passwordDigest: DIGEST } } },
        ocis: { directory: { mode: "ocis" } },
        ldap: {
            directory: {
                mode: "ldap",
                preset: "lldap",
                url: "ldaps://ldap.example.com",
                baseDn: "dc=example,dc=com",
                bindDn: "uid=reader,ou=people,dc=example,dc=com",
                bindPassword: CANARY,
            },
        },
    };
    const CERTIFICATES: Record<string, object> = {
        acme: { tls: { mode: "acme", email: "me@example.com", server: "staging" } },
        "private-ca": { tls: { mode: "private-ca" } },
        files: { tls: { mode: "files", ...own, authority: authority.root } },
        none: { tls: { mode: "none" }, address: "127.0.0.1", httpPort: 8080 },
    };
    const MAIL = { address: "submissions://mail.example.com", sender: "cloud@example.com", user: "cloud", password: CANARY };

    before(() => stack.create({ domain: DOMAIN, ...DIRECTORIES.authelia }));

    after(async () => {
        await stack.destroy();
        authority.close();
    });

    async function expectFaultless(settings: object): Promise<void> {
        stack.configure({ domain: DOMAIN, smtp: MAIL, ...settings });
        const { code, text } = await stack.operate("preview", ["--diff"]);
        assert.equal(code, 0, text);
        assert.match(text, /\+ \d+ to create/);
        for (const secret of [CANARY, DIGEST, own.key.split("\n")[1]!]) {
            assert.ok(!text.includes(secret), text);
        }
    }

    for (const [mode, certificates] of Object.entries(CERTIFICATES)) {
        for (const [name, directory] of Object.entries(DIRECTORIES)) {
            test(`certificates by ${mode}, directory ${name}`, () => expectFaultless({ ...certificates, ...directory }));
        }
    }

    for (const [key, server] of Object.entries<Releases<Line>>({ authelia: AUTHELIA, ocis: OCIS })) {
        for (const { line, first, last, unreleased: untestedReleases = false } of server.lines) {
            const image = `${server.image.split(":")[0]}:${line}.${last ?? first}`;
            const images = { [key]: image };
            test(image, () => expectFaultless({ ...DIRECTORIES.authelia, images, untestedReleases }));
        }
    }
});
