/** The Caddyfile. That Caddy takes it and serves by it is proved by the deployment tests. */
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { test } from "node:test";

import { caddyfile, CaddyfileInput } from "../../components/edge/caddyfile";
import { publishedPorts } from "../../components/edge";
import { secondPorts } from "../../components/edge/second-address";
import { Closed } from "../../components/site";
import { hostsOf } from "../../hosts";
import { Tls } from "../../settings/tls";
import { settingsOf } from "../configuration";

const SITE = { upstream: "authelia:9091", rewrites: [] };

/** The Caddyfile of a stack with `settings` in the place of the usual ones. */
const render = (settings: Partial<CaddyfileInput["settings"]> = {}, more: Partial<CaddyfileInput> = {}) => {
    const whole: CaddyfileInput["settings"] = {
        engine: { mode: "containers" },
        secondAddress: "",
        httpsPort: 443,
        httpPort: 80,
        http3: true,
        metricsPort: 0,
        requestLogs: false,
        tls: { mode: "acme", server: "production", email: "me@example.com" },
        ...settings,
    };
    const { auth, cloud } = hostsOf({ domain: "example.com", httpsPort: whole.httpsPort });
    return caddyfile({
        settings: whole,
        sites: [
            { host: auth, upstream: "authelia:9091", rewrites: [] },
            { host: cloud, upstream: "ocis:9200", rewrites: [] },
        ],
        certificate: { certificate: "/certificate.pem", key: "/certificate.key" },
        root: "/root.pem",
        ...more,
    });
};

test("both sites are served, each from its server", () => {
    const text = render();
    assert.match(text, /^https:\/\/auth\.example\.com \{[^}]*reverse_proxy authelia:9091 \{/m);
    assert.match(text, /^https:\/\/owncloud\.example\.com \{[^}]*reverse_proxy ocis:9200 \{/m);
});

test("in a swarm every site is served from whichever of its servers can serve", () => {
    const engine = { mode: "swarm", replicas: { edge: 2, authelia: 2, ocis: 2 }, encryptedNetwork: true } as const;
    const text = render({ engine });
    for (const [name, port] of [
        ["authelia", 9091],
        ["ocis", 9200],
    ]) {
        assert.match(text, new RegExp(`reverse_proxy \\{\\s*dynamic a \\{\\s*name ${name}\\s*port ${port}\\s*refresh 1s`));
    }
    assert.doesNotMatch(text, /(authelia|ocis):\d/);
});

test("a public authority is asked with the e-mail address", () => {
    assert.match(render(), /^\temail me@example\.com$/m);
    assert.doesNotMatch(render(), /issuer|\.pem/);
});

test("another ACME server is asked instead, and its own root believed", () => {
    assert.doesNotMatch(render(), /issuer/);
    assert.match(
        render({ tls: { mode: "acme", server: "staging" } }),
        /issuer acme \{\s+dir https:\/\/acme-staging-v02\.\S+\s+\}/,
    );
    const own = render({ tls: { mode: "acme", server: new URL("https://ca.example.com/dir"), authority: "PEM" } });
    const issuer = /^\ttls \{\s+issuer acme \{\s+dir https:\/\/ca\.example\.com\/dir\s+trusted_roots \/root\.pem\s+\}/gm;
    assert.equal(own.match(issuer)?.length, 2);
});

test("a certificate of one's own or of the private authority is served by both sites, and nobody issues another", () => {
    for (const tls of [{ mode: "files", certificate: "PEM", key: pulumi.secret("PEM") }, { mode: "private-ca" }] as const) {
        const text = render({ tls });
        assert.equal(text.match(/^\ttls \/certificate\.pem \/certificate\.key$/gm)?.length, 2);
        assert.doesNotMatch(text, /email|issuer|pki|root/);
    }
});

test("behind a proxy both sites are plain HTTP on one port, and believe of X-Forwarded-For what the proxy wrote", () => {
    const text = render({ tls: { mode: "none" }, httpPort: 8080, httpsPort: 8443 });
    assert.match(text, /^http:\/\/auth\.example\.com:8080 \{$/m);
    assert.match(text, /^http:\/\/owncloud\.example\.com:8080 \{$/m);
    assert.match(text, /^\tauto_https off$/m);
    assert.doesNotMatch(text, /https_port|https:\/\/auth/);
    const [, find, replacement] = /header_up X-Forwarded-For "(.*?)" "(.*?)"/.exec(text)!;
    // As Caddy hands it on: with the address of whom it speaks to at the end.
    for (const [forwarded, client] of [
        ["198.51.100.1, 203.0.113.5, 172.18.0.1", "203.0.113.5"],
        ["203.0.113.5, 172.18.0.1", "203.0.113.5"],
        ["172.18.0.1", "172.18.0.1"],
    ]) {
        assert.equal(forwarded!.replace(new RegExp(find!), replacement!), client);
    }
    assert.doesNotMatch(render(), /X-Forwarded-For/, "elsewhere Caddy drops what it says");
});

test("the servers are told the URL that people know, whatever a request or a proxy says", () => {
    for (const tls of [{ mode: "none" }, { mode: "private-ca" }] as const) {
        const text = render({ tls, httpsPort: 8443 });
        for (const host of ["auth.example.com:8443", "owncloud.example.com:8443"]) {
            const lines = [`Host ${host}`, `X-Forwarded-Host ${host}`, "X-Forwarded-Proto https"];
            assert.ok(text.includes(lines.map((line) => `\t\theader_up ${line}\n`).join("")), text);
        }
    }
});

test("browsers are told to insist on TLS only where all of them verify it", () => {
    const hsts = (tls: Tls) => render({ tls }).match(/Strict-Transport-Security "max-age=31536000"/g)?.length ?? 0;
    const own = { mode: "files", certificate: "PEM", key: pulumi.secret("PEM") } as const;
    const everywhere: Tls[] = [{ mode: "acme", server: "production" }, { mode: "none" }, own];
    assert.deepEqual(everywhere.map(hsts), [2, 2, 2]);
    const here = everywhere.map((tls) => ({ ...tls, authority: "PEM" }));
    assert.deepEqual(
        [...here, { mode: "acme", server: "staging" }, { mode: "private-ca" }].map((tls) => hsts(tls as never)),
        [0, 0, 0, 0, 0],
    );
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
    const text = render({}, { sites: [{ host, upstream: "authelia:9091", rewrites }] });
    const matcher =
        /@rewrite0 \{\s+path \/authorize\s+query client_id=app\s+not expression `\{query\.scope\}\.matches\("\(\^\| \)groups\( \|\$\)"\)`\s+\}/;
    assert.match(text, matcher);
    assert.match(text, /^\turi @rewrite0 query scope "\^\(\.\*\)\$" "\$1 groups"$/m);
});

test("closed paths are answered by the edge; of those with a method and a body, what is open passes", () => {
    const host = hostsOf({ domain: "example.com", httpsPort: 443 }).cloud;
    const closed: Closed[] = [
        { paths: ["/api/verify*", "/api/authz/*"], status: 404 },
        { paths: ["*/me*"], method: "PATCH", unlessBody: "^x{2}$", status: 403 },
    ];
    const text = render({}, { sites: [{ host, upstream: "ocis:9200", rewrites: [], closed }] });
    assert.match(text, /@closed0 \{\s+path \/api\/verify\* \/api\/authz\/\*\s+\}\s+respond @closed0 404$/m);
    assert.match(text, /@closed1 \{\s+method PATCH\s+path \*\/me\*\s+\}\s+route @closed1 \{/);
    assert.match(
        text,
        /max_size 1KB\s+\}\s+@closed1others not vars_regexp \{http\.request\.body\} `\^x\{2\}\$`\s+respond @closed1others 403$/m,
    );
});

test("a client is sent to the public URL where the server names the one by which it calls itself inside", () => {
    const host = hostsOf({ domain: "example.com", httpsPort: 8443 }).cloud;
    const site = { host, upstream: "ocis:9200", rewrites: [] };
    const text = render({ httpsPort: 8443 }, { sites: [{ ...site, inside: "http://127.0.0.1:9140" }] });
    const line = String.raw`header_down Location "^http://127\.0\.0\.1:9140/" "https://owncloud.example.com:8443/"`;
    assert.ok(text.includes(line), text);
    assert.doesNotMatch(render({}, { sites: [site] }), /header_down/);
});

test("a request that another one precedes goes on where that one was answered with success", () => {
    const host = hostsOf({ domain: "example.com", httpsPort: 443 }).auth;
    const preceded = [{ method: "POST", path: "/elevation", by: "/info" }];
    const text = render({}, { sites: [{ host, upstream: "authelia:9091", rewrites: [], preceded }] });
    const matcher = /@preceded0 \{\s+method POST\s+path \/elevation\s+\}\s+/;
    const proxy = /reverse_proxy @preceded0 authelia:9091 \{\s+rewrite \/info\s+header_up Host auth\.example\.com\s/;
    const success = /@success status 2xx\s+handle_response @success \{\s+\}\s+\}\s+reverse_proxy authelia:9091 \{/;
    [new RegExp(`${matcher.source}${proxy.source}`), success].forEach((part) => assert.match(text, part));
});

test("without plain HTTP there is no redirect and no port 80", () => {
    assert.doesNotMatch(render({ httpPort: 0 }), /http_port|redir /);
    const moved = render({ httpPort: 8080, httpsPort: 8443 });
    assert.match(moved, /^\thttp_port 8080$/m);
    assert.match(moved, /^http:\/\/auth\.example\.com:8080 \{\s+redir https:\/\/auth\.example\.com:8443\{uri\} 308\s+\}/m);
});

test("HTTP/3 is served unless its port is another's", () => {
    assert.doesNotMatch(render(), /protocols/);
    assert.match(render({ http3: false }), /servers \{\s+protocols h1 h2\s+\}/);
});

test("the administration interface is closed, and verification is never switched off", () => {
    assert.match(render(), /^\tadmin off$/m);
    assert.doesNotMatch(render({ tls: { mode: "private-ca" } }), /insecure/);
});

test("members of an object are replaced by the edge, and a picture is said to be one in which nothing runs", () => {
    const { auth } = hostsOf({ domain: "example.com", httpsPort: 443 });
    const plain = { host: auth, upstream: "authelia:9091", rewrites: [] };
    const members = [{ path: "^/words$", members: { Hi: 'Say "hello"' } }];
    const text = render({}, { sites: [{ ...plain, members, pictures: ["/logo.png"] }] });
    assert.match(text, /@members0 \{\s+path_regexp \^\/words\$\s+not header Caddy-Templates-Include \*\s+\}/);
    assert.ok(text.includes(String.raw`(fromJson "{\"Hi\":\"Say \\\"hello\\\"\"}")`), text);
    assert.match(
        text,
        /@pictures path \/logo\.png\s+header @pictures \{\s+>Content-Type image\/svg\+xml\s+>Content-Security-Policy .*sandbox"/,
    );
    assert.equal(render({}, { sites: [{ ...plain, members: [], pictures: [] }] }), render({}, { sites: [plain] }));
});

test("metrics are a site of their own for the loopback's names, and nothing of them is there by default", () => {
    const sites = [
        {
            ...SITE,
            host: hostsOf({ domain: "example.com", httpsPort: 443 }).auth,
            metrics: { server: "authelia", upstream: "authelia:9959" },
        },
    ];
    const text = render({ metricsPort: 9464 }, { sites });
    const site = /^http:\/\/127\.0\.0\.1:9464, http:\/\/localhost:9464 \{\n([^]*?)^\}/m.exec(text)![1]!;
    assert.match(site, /handle \/edge \{\s+metrics\s+\}/);
    assert.match(site, /handle \/authelia \{\s+rewrite \* \/metrics\s+reverse_proxy authelia:9959\s+\}/);
    assert.match(
        text,
        /^\tmetrics\n\tservers 127\.0\.0\.1:2020 \{\n\t\tname health\n\t\}\n\tservers :9464 \{\n\t\tname metrics/m,
    );
    assert.equal(text.match(/:9959/g)?.length, 1, "no public site leads there");
    assert.doesNotMatch(render({}, { sites }), /metrics|9959|servers/);
});

test("the names of servers come before what all of them are told", () => {
    const text = render({ metricsPort: 9464, http3: false });
    assert.ok(text.indexOf("name metrics") < text.indexOf("protocols h1 h2"));
});

test("each request is logged under an id of the edge's own, without query and headers, where that is asked for", () => {
    const text = render({ requestLogs: true });
    assert.match(text, /^\tlog \{\n\t\tformat filter \{\n\t\t\trequest>uri regexp/m, "of all lines, errors too");
    assert.match(text, /request>headers delete\s+request>tls delete\s+resp_headers delete/);
    const sites = /log\n\trequest_header X-Request-ID \{http\.request\.uuid\}\n/g;
    assert.equal(text.match(sites)?.length, 2);
    assert.doesNotMatch(render(), /^\tlog\n|X-Request-ID/m);
    assert.match(render(), /request>uri regexp/);
    const [, pattern] = /regexp `(.*)` `\$1`/.exec(text)!;
    const logged = (uri: string) => uri.replaceAll(new RegExp(pattern!, "g"), (_, kept: string | undefined) => kept ?? "");
    assert.equal(logged("/oidc-callback.html?code=c&state=s"), "/oidc-callback.html");
    assert.equal(logged("/data/eyJhbGciOiJIUzI1NiJ9.e30.x?a=b"), "/data/");
    assert.equal(logged("/remote.php/webdav/data/letter.txt"), "/remote.php/webdav/data/letter.txt");
});

test("wherever the sites are published, metrics are on the loopback", () => {
    const addresses = (values: Record<string, unknown>) =>
        publishedPorts(settingsOf(values)).map(({ address, port }) => `${address}:${port}`);
    assert.ok(!addresses({ address: "192.0.2.1" }).some((each) => each.startsWith("127.")));
    assert.ok(addresses({ address: "192.0.2.1", metricsPort: 9464 }).includes("127.0.0.1:9464"));
    assert.equal(addresses({ metricsPort: 9464 }).filter((each) => each.endsWith(":9464")).length, 1);
});

test("a second address leads to ports of its own in the container, all in the order of those", () => {
    const ports = (values: Record<string, unknown>) =>
        publishedPorts(settingsOf({ metricsPort: 9464, ...values })).map(
            ({ address, port, inside, protocol = "tcp" }) =>
                `${address} ${port}${inside === undefined ? "" : `>${inside}`}/${protocol}`,
        );
    const [https, quic, plain, metrics] = ["0.0.0.0 443/tcp", "0.0.0.0 443/udp", "0.0.0.0 80/tcp", "127.0.0.1 9464/tcp"];
    assert.deepEqual(ports({}), [https, quic, plain, metrics]);
    const second = [":: 80>20080/tcp", ":: 443>20443/tcp", ":: 443>20443/udp"];
    assert.deepEqual(ports({ secondAddress: "::" }), [plain, https, quic, metrics, ...second]);
    assert.deepEqual(ports({ secondAddress: "::", http3: false, httpPort: 0 }), [https, metrics, second[1]]);
    const proxied = { tls: { mode: "none" }, address: "127.0.0.1", httpPort: 8080, metricsPort: 0 };
    assert.deepEqual(ports({ ...proxied, secondAddress: "::1" }), ["127.0.0.1 8080/tcp", "::1 8080>20080/tcp"]);
});

test("no port of the container stands for both addresses, whatever ports are configured", () => {
    for (const [httpsPort, httpPort, metricsPort] of [
        [20443, 20080, 20444],
        [20080, 20443, 20081],
        [20080, 20081, 20082],
        [20445, 20444, 20443],
        [443, 0, 20443],
    ] as const) {
        const { https, http } = secondPorts({ secondAddress: "::", httpsPort, httpPort, metricsPort })!;
        assert.equal(new Set([https, http, httpsPort, httpPort, metricsPort]).size, 5, `${https} ${http}`);
    }
});

test("Caddy serves the same on the ports of the second address, and clients hear of the port that they know", () => {
    const on = { secondAddress: "::", httpsPort: 8443, httpPort: 8080 };
    const text = render(on);
    for (const name of ["auth", "owncloud"].map((each) => `${each}.example.com`)) {
        assert.ok(text.includes(`\nhttps://${name}:8443, https://${name}:20443 {\n`), text);
        const redirect = `\nhttp://${name}:8080, http://${name}:20080 {\n\tredir https://${name}:8443{uri} 308\n}`;
        assert.ok(text.includes(redirect), text);
    }
    assert.equal(text.match(/^\theader Alt-Svc `h3=":8443"; ma=2592000`$/gm)?.length, 2);
    assert.doesNotMatch(render({ ...on, http3: false }), /Alt-Svc/);
    assert.match(render({ secondAddress: "::" }), /^https:\/\/auth\.example\.com, https:\/\/auth\.example\.com:20443 \{$/m);
    assert.doesNotMatch(render({ ...on, httpPort: 0 }), /http:\/\/\w+\.example/);
    const proxied = render({ ...on, tls: { mode: "none" } });
    assert.match(proxied, /^http:\/\/auth\.example\.com:8080, http:\/\/auth\.example\.com:20080 \{$/m);
    assert.doesNotMatch(proxied, /Alt-Svc|https:\/\/|20443/);
});

test("without a second address nothing of it is written", () => {
    assert.doesNotMatch(render(), /Alt-Svc|20443|20080/);
    assert.doesNotMatch(render({ tls: { mode: "none" } }), /20443|20080/);
});
