/**
 * The edge, with certificates from everywhere it can have them: files, an ACME server, a proxy in front that ends TLS in its
 * place, and the stack's own authority, which every other deployment test uses too. People sign in through each, verifying
 * certificates; old TLS is refused, large and slow uploads pass, and testssl finds nothing to object to.
 */
import assert from "node:assert/strict";
import { createHash, createPublicKey, randomBytes, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect, SecureVersion } from "node:tls";

import { ImageNames, isStandIn } from "../../operations/images";
import { Authority, Certified } from "../authority";
import { ROOT } from "../../system/folders";
import { run } from "../../system/run";
import { expectBenchmark } from "./benchmark";
import { Refused, tlsOptions } from "../../client/browser";
import { Cloud, usersCalled } from "./cloud";
import { Nginx, NO_NGINX } from "./nginx";
import { describeOn } from "./pairs";
import { NO_PEBBLE, Pebble } from "./pebble";
import { discover, ME, WEB } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { docker } from "./stack";
import { Finding, NO_TESTSSL, testssl } from "./testssl";
import { eventually, meanwhile } from "./waiting";
import { digestOf, largeContent, put, uploadByTus } from "./webdav";

const DOMAIN = "edge.localhost";
const HOSTS = [`auth.${DOMAIN}`, `owncloud.${DOMAIN}`];

const PEOPLE = ["alice", "bob", "carol"];

async function cloudWith(images: ImageNames, settings: Record<string, unknown>): Promise<Cloud> {
    const cloud = await Cloud.up("test-edge", { images, users: usersCalled(PEOPLE), domain: DOMAIN, ...settings });
    await cloud.enrol(PEOPLE);
    return cloud;
}

const noAddresses = ({ authelia }: ImageNames) => isStandIn(authelia) && "the stand-in for Authelia notes no addresses";

async function expectWelcome(cloud: Cloud, person: string): Promise<void> {
    const session = await cloud.signIn(cloud.credentials(person));
    assert.equal((await session.me()).onPremisesSamAccountName, person);
}

/** The server's certificate, or the error of the handshake. */
function handshake(cloud: Cloud, version: SecureVersion): Promise<{ protocol: string; issuer: string; serial: string }> {
    const { hostname, port } = new URL(cloud.url);
    return new Promise((resolve, reject) => {
        const socket = connect({
            ...tlsOptions(cloud.ca),
            host: hostname,
            port: Number(port),
            servername: hostname,
            minVersion: version,
            maxVersion: version,
            // Else OpenSSL itself refuses to speak what the server is meant to refuse.
            ciphers: "DEFAULT@SECLEVEL=0",
        });
        socket.on("error", reject);
        socket.on("secureConnect", () => {
            const { issuer, serialNumber } = socket.getPeerCertificate();
            resolve({ protocol: socket.getProtocol()!, issuer: String(issuer.CN), serial: serialNumber });
            socket.end();
        });
    });
}

/** Whom a client says that it speaks for. */
const FORGED = "198.51.100.7";

/** Tries a password at `url`, with X-Forwarded-For in as many lines as there are values, and returns the address that Authelia notes. */
async function addressNoted(cloud: Cloud, url: URL, forwarded: string[]): Promise<string> {
    const username = `nobody-${randomBytes(8).toString("hex")}`;
    const body = JSON.stringify({ username, password: "not-the-password", keepMeLoggedIn: false });
    const headers = { host: new URL(cloud.issuer).host, "content-type": "application/json", "x-forwarded-for": forwarded };
    const status = await new Promise((resolve, reject) => {
        const ask = url.protocol === "http:" ? httpRequest : httpsRequest;
        const options = { ...tlsOptions(cloud.ca), method: "POST", headers };
        const post = ask(url, options, (answer) => resolve(answer.resume().statusCode));
        post.on("error", reject).end(body);
    });
    assert.equal(status, 401);
    const log = await docker("logs", `${cloud.stack.prefix}authelia`);
    const [, noted] = new RegExp(`^.*${username}.*\\bremote_ip="?([^\\s"]+)`, "m").exec(log) ?? [];
    return noted ?? assert.fail(log);
}

/** An upload whose sender takes 65 seconds, longer than the minute after which many servers give up. */
async function slowUpload(cloud: Cloud, person: string): Promise<void> {
    const session = await cloud.signIn(cloud.credentials(person));
    const content = randomBytes(14 * 64 * 1024);
    async function* slowly() {
        for (let sent = 0; sent < 14; sent++) {
            yield content.subarray(sent * 64 * 1024, (sent + 1) * 64 * 1024);
            await pause(5_000);
        }
    }
    const path = "/remote.php/webdav/slow.bin";
    assert.equal(await put(cloud, session, path, Readable.from(slowly()), content.length), 201);
    const hash = createHash("sha256").update(content);
    assert.equal(await digestOf(session, path), hash.digest("hex"));
}

describeOn({ tier: "everything" }, "a certificate of one's own", (images) => {
    let authority: Authority;
    let certified: Certified;
    let cloud: Cloud;
    let slow: Promise<void>;

    before(async () => {
        authority = new Authority();
        certified = authority.issue(...HOSTS.map((host) => `DNS:${host}`));
        const tls = { mode: "files", ...certified, authority: authority.root };
        cloud = await cloudWith(images, { tls, httpPort: await freePort() });
        slow = meanwhile(slowUpload(cloud, "bob"));
    });

    after(async () => {
        await cloud.down();
        authority.close();
    });

    test("people sign in, and a preview expects no change", async () => {
        await expectWelcome(cloud, "alice");
        await cloud.expectNoChange();
    });

    test("the containers run as the CIS Docker Benchmark asks, or otherwise for a reason", () => expectBenchmark(cloud));

    test("the key shows in no preview, environment or plain file", async () => {
        const line = certified.key.split("\n")[1]!;
        assert.ok(line.length > 40);
        const edge = `${cloud.stack.prefix}edge`;
        const renewed = authority.issue(...HOSTS.map((host) => `DNS:${host}`));
        cloud.stack.configure({ ...cloud.settings, tls: { mode: "files", ...renewed, authority: authority.root } });
        const { code, text } = await cloud.stack.operate("preview", ["--diff"]);
        cloud.stack.configure(cloud.settings);
        assert.equal(code, 0, text);
        const seen = [text, await docker("inspect", edge), await docker("exec", edge, "sh", "-c", "cat /run/configuration/*")];
        for (const each of seen) {
            assert.ok(![line, renewed.key.split("\n")[1]!].some((secret) => each.includes(secret)));
        }
    });

    test("what a client says of its address is dropped", { skip: noAddresses(images) }, async () => {
        const url = new URL("/api/firstfactor", cloud.issuer);
        const seen = await Promise.all([[FORGED], [FORGED, FORGED]].map((forwarded) => addressNoted(cloud, url, forwarded)));
        assert.ok(
            seen.every((address) => isIP(address) !== 0 && address !== FORGED),
            seen.join(" "),
        );
    });

    test("TLS 1.2 and 1.3 are spoken, 1.1 is refused", async () => {
        assert.equal((await handshake(cloud, "TLSv1.3")).protocol, "TLSv1.3");
        assert.equal((await handshake(cloud, "TLSv1.2")).protocol, "TLSv1.2");
        await assert.rejects(handshake(cloud, "TLSv1.1"), /alert protocol version/);
    });

    test("HTTP leads to HTTPS", async () => {
        const target = new URL("/files?a=b", cloud.url);
        const plain = new URL(`http://${target.hostname}:${String(cloud.settings.httpPort)}${target.pathname}${target.search}`);
        assert.equal((await cloud.open().redirect(plain))?.href, target.href);
    });

    test("HTTP/3 is offered and served", { skip: NO_PEBBLE && "needs Go, for a client" }, async () => {
        const { headers } = await cloud.open().ask(`${cloud.issuer}/.well-known/openid-configuration`);
        const { port } = new URL(cloud.url);
        assert.match(headers.get("alt-svc") ?? "", new RegExp(`h3=":${port}"`));
        const roots = join(ROOT, ".cache", "tests", cloud.stack.name, "roots.pem");
        writeFileSync(roots, cloud.ca);
        const client = ["run", "-C", join(__dirname, "http3"), ".", roots, `127.0.0.1:${port}`];
        const said = await run("go", [...client, `${cloud.issuer}/.well-known/openid-configuration`]);
        assert.equal(said, "HTTP/3.0 200");
    });

    const noTus = isStandIn(images.ocis) && "the stand-in for oCIS knows no tus";
    test("a file of 1 GiB passes by tus, as the web interface uploads", { skip: noTus }, async () => {
        const session = await cloud.signIn(cloud.credentials("carol"));
        const drive = JSON.parse((await session.ask(`${ME}/drive`)).text) as { id: string };
        const size = 1 << 30;
        const { content, digest } = largeContent(size);
        const folder = `/remote.php/dav/spaces/${drive.id}`;
        const file = { name: "large.bin", content, size, chunk: 64 << 20 };
        await uploadByTus(cloud, session, folder, file);
        assert.equal(await digestOf(session, `${folder}/large.bin`), digest());
    });

    test("an upload that takes more than a minute passes", () => slow);
});

/** What testssl objects to, and why it may stand. */
const ACCEPTED: { readonly id: string; readonly url: (cloud: Cloud) => string[] }[] = [
    // A private authority publishes no list of what it takes back: every certificate below it ends with its root.
    { id: "cert_revocation", url: ({ url, issuer }) => [url, issuer] },
    // oCIS compresses the pages of its web interface, which hold no secret and repeat nothing of a request.
    { id: "BREACH", url: ({ url }) => [url] },
];

describeOn({ tier: "everything" }, "the stack's own authority", (images) => {
    let cloud: Cloud;
    let looked: Promise<Finding[]>;

    before(async () => {
        cloud = await cloudWith(images, {});
        if (NO_TESTSSL === undefined) {
            looked = meanwhile(testssl([cloud.url, cloud.issuer], cloud.ca));
        }
    });

    after(() => cloud.down());

    test("people sign in, and a preview expects no change and says when the certificate ends", async () => {
        await expectWelcome(cloud, "alice");
        assert.match(
            await cloud.expectNoChange(),
            /certificate ends on \d{4}-\d\d-\d\d\. pulumi up renews it from \d{4}-\d\d-\d\d on/,
        );
    });

    test("the edge holds the key of what it serves and no other: it can certify nothing", async () => {
        const files = "find /run/secrets /run/configuration /tmp /var/lib/caddy -type f -exec cat {} +";
        const held = await docker("exec", `${cloud.stack.prefix}edge`, "sh", "-c", files);
        const pem = (what: string) => held.match(new RegExp(`-----BEGIN ${what}-----[^]*?-----END ${what}-----`, "g")) ?? [];
        const keys = pem("[A-Z ]*PRIVATE KEY").map((key) => createPublicKey(key).export({ type: "spki", format: "pem" }));
        const certificates = pem("CERTIFICATE").map((certificate) => new X509Certificate(certificate));
        const served = certificates.map(({ publicKey, subjectAltName, ca }) => ({
            key: publicKey.export({ type: "spki", format: "pem" }),
            subjectAltName,
            ca,
        }));
        const names = HOSTS.map((host) => `DNS:${host}`).join(", ");
        assert.deepEqual(served, [{ key: keys[0], subjectAltName: names, ca: false }]);
        assert.equal(keys.length, 1);
    });

    test("testssl objects to nothing that is not explained here", { skip: NO_TESTSSL }, async () => {
        const objections = (await looked).filter(({ severity }) => ["MEDIUM", "HIGH", "CRITICAL", "FATAL"].includes(severity));
        const accepted = ({ id, url }: Finding) => ACCEPTED.some((each) => each.id === id && each.url(cloud).includes(url));
        assert.deepEqual(
            objections.filter((finding) => !accepted(finding)),
            [],
        );
    });

    test("up renews the certificate long before its end, below the same root", async () => {
        // As a state that nobody has touched for 421 of 820 days has it.
        const { stdout } = await cloud.stack.succeed("stack", "export");
        const end = new Date(Date.now() + 399 * 24 * 3_600_000).toISOString().replace(/\.\d+/, "");
        const [leaf] = /"type": "tls:index\/locallySignedCert:LocallySignedCert"[^]*?"validityEndTime": "[^"]+"/.exec(stdout)!;
        const state = stdout.replace(leaf, leaf.replace(/[^"]+"$/, `${end}"`));
        const file = join(ROOT, ".cache", "tests", cloud.stack.name, "state.json");
        writeFileSync(file, state, { mode: 0o600 });
        await cloud.stack.succeed("stack", "import", "--file", file);

        const { serial } = await handshake(cloud, "TLSv1.3");
        await cloud.stack.up();
        assert.notEqual((await handshake(cloud, "TLSv1.3")).serial, serial);
        assert.equal(await cloud.stack.output("caCertificate"), cloud.ca);
        await expectWelcome(cloud, "bob");
        await cloud.expectNoChange();
    });
});

describeOn({ tier: "everything", missing: NO_PEBBLE }, "an ACME server", (images) => {
    let pebble: Pebble;
    let cloud: Cloud;

    before(async () => {
        const ports = { httpPort: await freePort(), httpsPort: await freePort() };
        pebble = await Pebble.start(ports);
        const tls = { mode: "acme", email: "me@example.com", server: pebble.directory, authority: pebble.roots };
        cloud = await cloudWith(images, { tls, ...ports });
    });

    after(async () => {
        await cloud.down();
        await pebble.stop();
    });

    /** The certificate, once there is one. */
    const certificate = () =>
        eventually("there is a certificate", 60, () => handshake(cloud, "TLSv1.3").catch(() => undefined));

    test("the edge has certificates issued, and people sign in", async () => {
        assert.match((await certificate()).issuer, /Pebble/);
        await expectWelcome(cloud, "alice");
        await cloud.expectNoChange();
    });

    test("they outlive the container", async () => {
        const { serial } = await certificate();
        await docker("restart", `${cloud.stack.prefix}edge`);
        assert.equal((await certificate()).serial, serial);
    });
});

describeOn({ tier: "everything", missing: NO_NGINX }, "a proxy in front", (images) => {
    let authority: Authority;
    let nginx: Nginx;
    let cloud: Cloud;
    let slow: Promise<void>;

    before(async () => {
        authority = new Authority();
        const ports = { httpPort: await freePort(), httpsPort: await freePort() };
        const plain = await freePort();
        // The example of docs/reverse-proxy.md, with this test's names, ports and paths.
        const [, example] = /```nginx\n([^]*?)```/.exec(readFileSync(join(ROOT, "docs", "reverse-proxy.md"), "utf8"))!;
        const servers = example!
            .replaceAll("example.com;", `${DOMAIN};`)
            .replaceAll("auth.example.com", HOSTS[0]!)
            .replace("listen 80;", `listen ${plain};`)
            .replace("listen 443 ssl", `listen ${ports.httpsPort} ssl`)
            .replace(/ssl_certificate \S+;/, "ssl_certificate certificate.pem;")
            .replace(/ssl_certificate_key \S+;/, "ssl_certificate_key certificate.key;")
            .replace("127.0.0.1:8080", `127.0.0.1:${ports.httpPort}`);
        assert.doesNotMatch(servers, /example\.com|8080|letsencrypt/);
        nginx = await Nginx.start(servers, authority.issue(...HOSTS.map((host) => `DNS:${host}`)), ports.httpsPort);
        cloud = await cloudWith(images, { tls: { mode: "none", authority: authority.root }, ...ports });
        slow = meanwhile(slowUpload(cloud, "carol"));
    });

    after(async () => {
        await cloud.down();
        await nginx.stop();
        authority.close();
    });

    test("people sign in, and a preview expects no change", async () => {
        await expectWelcome(cloud, "alice");
        await cloud.expectNoChange();
    });

    test("the edge is reached on the loopback alone", async () => {
        const published = await docker("inspect", "--format", "{{json .HostConfig.PortBindings}}", `${cloud.stack.prefix}edge`);
        const [binding, ...others] = Object.values(JSON.parse(published) as Record<string, { HostIp: string }[]>).flat();
        assert.deepEqual([binding?.HostIp, others], ["127.0.0.1", []]);
    });

    test("what a client says of itself changes neither the issuer nor the address that Authelia counts by", async () => {
        const forged = {
            "x-forwarded-for": "198.51.100.7",
            "x-forwarded-host": "evil.example",
            "x-forwarded-proto": "http",
            "x-real-ip": "198.51.100.7",
        };
        const browser = cloud.open();
        const document = await browser.ask(`${cloud.issuer}/.well-known/openid-configuration`, { headers: forged });
        assert.equal((JSON.parse(document.text) as { issuer: string }).issuer, cloud.issuer);
        await discover(browser, cloud.url, WEB);
        const answer = await browser.ask(`${cloud.issuer}/api/firstfactor`, {
            headers: forged,
            json: { username: "bob", password: "not-the-password", keepMeLoggedIn: false },
        });
        assert.equal(answer.status, 401);
        if (!isStandIn(images.authelia)) {
            const log = await docker("logs", `${cloud.stack.prefix}authelia`);
            assert.match(log, /Unsuccessful 1FA[^\n]*remote_ip"?[=:]"?127\.0\.0\.1/);
            assert.doesNotMatch(log, /198\.51\.100\.7/);
        }
    });

    test(
        "of two lines that name addresses the last entry counts, which is the proxy's",
        { skip: noAddresses(images) },
        async () => {
            const plain = new URL(`http://127.0.0.1:${String(cloud.settings.httpPort)}/api/firstfactor`);
            for (const forwarded of [
                [FORGED, "203.0.113.5"],
                [`${FORGED}, ${FORGED}`, `${FORGED}, 203.0.113.5`],
                ["203.0.113.5"],
            ]) {
                assert.equal(await addressNoted(cloud, plain, forwarded), "203.0.113.5", forwarded.join(" | "));
            }
        },
    );

    test("a wrong password is refused", async () => {
        const wrong = { ...cloud.credentials("bob"), password: "not-the-password" };
        await assert.rejects(cloud.signIn(wrong), Refused);
    });

    test("an upload that takes more than a minute passes", () => slow);
});
