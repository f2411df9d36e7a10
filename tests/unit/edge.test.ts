/** The Caddyfile. That Caddy takes it and serves by it is proved by the deployment tests. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { caddyfile, CaddyfileInput } from "../../components/edge/caddyfile";
import { hostsOf } from "../../hosts";

const render = (more: Partial<CaddyfileInput> = {}, httpsPort = 443) => {
    const { auth, cloud } = hostsOf({ domain: "example.com", httpsPort });
    return caddyfile({
        sites: [
            { host: auth, upstream: "authelia:9091", rewrites: [] },
            { host: cloud, upstream: "ocis:9200", rewrites: [] },
        ],
        httpsPort,
        httpPort: 80,
        tls: { mode: "acme", email: "me@example.com" },
        root: { certificate: "/root.pem", key: "/root.key" },
        ...more,
    });
};

test("both sites are served, each from its server", () => {
    const text = render();
    assert.match(text, /^https:\/\/auth\.example\.com \{[^}]*reverse_proxy authelia:9091 \{/m);
    assert.match(text, /^https:\/\/owncloud\.example\.com \{[^}]*reverse_proxy ocis:9200 \{/m);
});

test("a private authority issues from its own root; a public one is asked with the e-mail address", () => {
    const own = render({ tls: { mode: "private-ca" } });
    assert.match(own, /root \{\s+format pem_file\s+cert \/root\.pem\s+key \/root\.key\s+\}/);
    assert.equal(own.match(/issuer internal/g)?.length, 2);
    assert.doesNotMatch(own, /email/);
    const acme = render();
    assert.match(acme, /^\temail me@example\.com$/m);
    assert.doesNotMatch(acme, /internal|root\.key/);
});

test("a rewrite changes one parameter of the requests that it is meant for", () => {
    const host = hostsOf({ domain: "example.com", httpsPort: 443 }).auth;
    const rewrites = [
        {
            path: "/authorize",
            where: { parameter: "client_id", value: "app" },
            parameter: "scope",
            unless: "(^| )groups( |$)",
            pattern: "^(.*)$",
            replacement: "$1 groups",
        },
    ];
    const text = render({ sites: [{ host, upstream: "authelia:9091", rewrites }] });
    const matcher = /@rewrite0 \{\s+path \/authorize\s+query client_id=app\s+not expression `\{query\.scope\}\.matches\("\(\^\| \)groups\( \|\$\)"\)`\s+\}/;
    assert.match(text, matcher);
    assert.match(text, /^\turi @rewrite0 query scope "\^\(\.\*\)\$" "\$1 groups"$/m);
});

test("without plain HTTP there is no redirect and no port 80", () => {
    assert.match(render({ httpPort: 0 }), /auto_https disable_redirects/);
    assert.doesNotMatch(render({ httpPort: 0 }), /http_port/);
    assert.match(render({ httpPort: 8080 }), /^\thttp_port 8080$/m);
});

test("the administration interface is closed, and verification is never switched off", () => {
    assert.match(render(), /^\tadmin off$/m);
    assert.doesNotMatch(render({ tls: { mode: "private-ca" } }), /insecure/);
});
