/** A certificate of one's own: what of it is checked before anything is touched, and that its key stays out of every message. */
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { after, mock, test } from "node:test";

import { Authority, Certified } from "../authority";
import { settingsOf } from "../configuration";

const authority = new Authority();
const stranger = new Authority();
after(() => [authority, stranger].forEach((each) => each.close()));

const fit = authority.issue("DNS:auth.example.com", "DNS:owncloud.example.com");

function tlsOf(tls: object) {
    return settingsOf({ tls: { mode: "files", ...tls } }).tls;
}

test("a fit certificate is taken, and its key is a secret, however it was set", async () => {
    const tls = tlsOf({ ...fit, authority: authority.root });
    assert.ok(tls.mode === "files");
    assert.equal(tls.certificate, fit.certificate);
    assert.equal(tls.authority, authority.root);
    assert.equal(await pulumi.isSecret(tls.key), true);
});

test("a wildcard certificate and a chain are fit too", () => {
    const wildcard = authority.issue("DNS:*.example.com");
    tlsOf({ ...wildcard, certificate: wildcard.certificate + authority.root, authority: stranger.root + authority.root });
});

const unfit: [what: string, tls: Partial<Certified>, key: string, allowed: RegExp][] = [
    ["of another name", authority.issue("DNS:auth.example.com"), "tls.certificate", /not for owncloud\.example\.com/],
    ["that is no PEM", { ...fit, certificate: "MIIB" }, "tls.certificate", /in PEM form/],
    [
        "with a broken chain",
        { ...fit, certificate: fit.certificate.replace(/\n[^-]/, "\nA") },
        "tls.certificate",
        /in PEM form/,
    ],
    ["with another one's key", { ...fit, key: authority.issue("DNS:a.example").key }, "tls.key", /belongs to tls\.certificate/],
    ["with a key that is none", { ...fit, key: fit.key.replace(/\n.{8}/, "\n") }, "tls.key", /private key in PEM form/],
    ["of another authority", { ...fit, ...{ authority: stranger.root } }, "tls.certificate", /descends from tls\.authority/],
];
for (const [what, tls, key, allowed] of unfit) {
    test(`a certificate ${what} is refused, and its key not shown`, () => {
        assert.throws(
            () => tlsOf(tls),
            ({ message }: Error) => {
                assert.ok(message.includes(`\n  ${key}: `), message);
                assert.match(message, allowed);
                assert.match(message, /pulumi config set .*--path tls\.\w+ (--secret )?--stack test < \w+\.pem/);
                const lines = [fit.key, String(tls.key)]
                    .flatMap((pem) => pem.split("\n"))
                    .filter((line) => /^[^-]{8}/.test(line));
                assert.ok(lines.length > 0 && !lines.some((line) => message.includes(line)), message);
                return true;
            },
        );
    });
}

for (const [what, days] of Object.entries({ "has run out": 3, "is not valid yet": -1 })) {
    test(`a certificate that ${what} is refused`, () => {
        mock.timers.enable({ apis: ["Date"], now: Date.now() + days * 24 * 60 * 60_000 });
        try {
            assert.throws(() => tlsOf(fit), /tls\.certificate: .* Allowed: a certificate that is valid today/);
        } finally {
            mock.timers.reset();
        }
    });
}

test("an ACME server of one's own may certify any name, and is believed by its own root", () => {
    const tls = { server: "https://ca.internal/acme/directory", authority: authority.root };
    const expected = { mode: "acme", server: new URL(tls.server), authority: authority.root };
    assert.deepEqual(settingsOf({ domain: "cloud.internal", tls }).tls, expected);
});
