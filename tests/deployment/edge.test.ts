/**
 * The edge, with certificates from everywhere it can have them: files, an ACME server, and a proxy in front that ends TLS in its
 * place. People sign in through each, verifying certificates; old TLS is refused, large and slow uploads pass. Runs on
 * the first pair of servers at hand; the mode "private-ca" is what every other deployment test uses.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect, SecureVersion } from "node:tls";
import { promisify } from "node:util";
import { DefaultHttpStack, Upload } from "tus-js-client";
import { RequestInit, Response } from "undici";

import { isStandIn } from "../../operations/images";
import { Authority, Certified } from "../authority";
import { ROOT } from "../../system/folders";
import { Refused, tlsOptions } from "./browser";
import { Cloud } from "./cloud";
import { Nginx, NO_NGINX } from "./nginx";
import { pairsOfThisRun } from "./pairs";
import { NO_PEBBLE, Pebble } from "./pebble";
import { discover, signIn, WEB } from "./relying-party";
import { docker, freePort } from "./stack";

const pair = pairsOfThisRun()[0];
const on = pair?.title ?? "nowhere";
const options = { timeout: 20 * 60_000, skip: pair === undefined && "needs servers" };

const DOMAIN = "edge.localhost";
const HOSTS = [`auth.${DOMAIN}`, `owncloud.${DOMAIN}`];

/** One person a test, because a code may be used once. */
const PEOPLE = ["alice", "bob", "carol"];

async function cloudWith(settings: Record<string, unknown>): Promise<Cloud> {
    const users = Object.fromEntries(PEOPLE.map((name) => [name, { displayName: name, email: `${name}@example.com` }]));
    const cloud = await Cloud.up("test-edge", { images: pair!.images, users, domain: DOMAIN, ...settings });
    await cloud.enrol(PEOPLE);
    return cloud;
}

/** Signs a person in; returns a function that sends requests as that person. */
async function signedIn(cloud: Cloud, person: string) {
    const browser = cloud.open();
    const { tokens } = await signIn(browser, cloud.url, WEB, cloud.webRedirect, cloud.credentials(person));
    const authorization = `Bearer ${tokens.access_token}`;
    const request = (path: string, init: RequestInit = {}): Promise<Response> =>
        browser.request(`${cloud.url}${path}`, { ...init, headers: { ...(init.headers as object), authorization } });
    return { authorization, request };
}

async function expectWelcome(cloud: Cloud, person: string): Promise<void> {
    const { request } = await signedIn(cloud, person);
    const me = await request("/graph/v1.0/me");
    const text = await me.text();
    assert.equal(me.status, 200, text);
    assert.equal((JSON.parse(text) as Record<string, string>).onPremisesSamAccountName, person);
}

async function expectNoChange(cloud: Cloud): Promise<void> {
    const { code, text } = await cloud.stack.operate("preview", ["--expect-no-changes"]);
    assert.equal(code, 0, text);
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

/** Reads a file and returns its digest; oCIS answers 425 Too Early while it still processes an upload. */
async function digestOf(request: Awaited<ReturnType<typeof signedIn>>["request"], path: string): Promise<string> {
    for (const end = Date.now() + 120_000; ; await pause(1000)) {
        const response = await request(path);
        if (response.status === 200) {
            const hash = createHash("sha256");
            for await (const chunk of response.body!) {
                hash.update(chunk as Uint8Array);
            }
            return hash.digest("hex");
        }
        const text = await response.text();
        assert.ok(response.status === 425 && Date.now() < end, `${response.status} ${text}`);
    }
}

/** An upload whose sender takes 65 seconds, longer than the minute after which many servers give up. */
async function slowUpload(cloud: Cloud, person: string): Promise<void> {
    const { authorization, request } = await signedIn(cloud, person);
    const content = randomBytes(14 * 64 * 1024);
    async function* slowly() {
        for (let sent = 0; sent < 14; sent++) {
            yield content.subarray(sent * 64 * 1024, (sent + 1) * 64 * 1024);
            await pause(5_000);
        }
    }
    const status = await new Promise((resolve, reject) => {
        // oCIS wants the length before the content, as all of ownCloud's clients send it; fetch does not.
        const headers = { authorization, "content-length": content.length };
        const put = httpsRequest(
            `${cloud.url}/remote.php/webdav/slow.bin`,
            { ...tlsOptions(cloud.ca), method: "PUT", headers },
            (answer) => resolve(answer.resume().statusCode),
        );
        put.on("error", reject);
        Readable.from(slowly()).pipe(put);
    });
    assert.equal(status, 201);
    const hash = createHash("sha256").update(content);
    assert.equal(await digestOf(request, "/remote.php/webdav/slow.bin"), hash.digest("hex"));
}

const needsOcis = { skip: pair !== undefined && isStandIn(pair.images.ocis) && "the stand-in for oCIS knows no tus" };

describe(`a certificate of one's own: ${on}`, options, () => {
    let authority: Authority;
    let certified: Certified;
    let cloud: Cloud;

    before(async () => {
        authority = new Authority();
        certified = authority.issue(...HOSTS.map((host) => `DNS:${host}`));
        const tls = { mode: "files", ...certified, authority: authority.root };
        cloud = await cloudWith({ tls, httpPort: await freePort() });
    });

    after(async () => {
        await cloud.down();
        authority.close();
    });

    test("people sign in, and a preview expects no change", async () => {
        await expectWelcome(cloud, "alice");
        await expectNoChange(cloud);
    });

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
        const response = await cloud.open().request(`${cloud.issuer}/.well-known/openid-configuration`);
        await response.body?.cancel();
        const { port } = new URL(cloud.url);
        assert.match(response.headers.get("alt-svc") ?? "", new RegExp(`h3=":${port}"`));
        const roots = join(ROOT, ".cache", "tests", "test-edge", "roots.pem");
        writeFileSync(roots, cloud.ca);
        const client = ["run", "-C", join(__dirname, "http3"), ".", roots, `127.0.0.1:${port}`];
        const { stdout } = await promisify(execFile)("go", [...client, `${cloud.issuer}/.well-known/openid-configuration`]);
        assert.equal(stdout, "HTTP/3.0 200\n");
    });

    test("an upload that takes more than a minute passes", () => slowUpload(cloud, "bob"));

    test("a file of 1 GiB passes by tus, as the web interface uploads", needsOcis, async () => {
        const { authorization, request } = await signedIn(cloud, "carol");
        const drive = (await (await request("/graph/v1.0/me/drive")).json()) as { id: string };
        const hash = createHash("sha256");
        const block = randomBytes(1 << 20);
        const blocks = 1024;
        function* content() {
            for (let index = 0; index < blocks; index++) {
                block.writeUInt32BE(index);
                hash.update(block);
                yield Buffer.from(block);
            }
        }
        const folder = `/remote.php/dav/spaces/${drive.id}`;
        await new Promise<void>((resolve, reject) => {
            const upload = new Upload(Readable.from(content()), {
                endpoint: `${cloud.url}${folder}`,
                headers: { authorization },
                httpStack: new DefaultHttpStack({ agent: new Agent({ ...tlsOptions(cloud.ca), keepAlive: true }) }),
                uploadSize: blocks * block.length,
                // Each is one request, and is held in memory here.
                chunkSize: 64 * block.length,
                metadata: { filename: "large.bin" },
                retryDelays: null,
                onError: reject,
                onSuccess: () => resolve(),
            });
            upload.start();
        });
        assert.equal(await digestOf(request, `${folder}/large.bin`), hash.digest("hex"));
    });
});

describe(`an ACME server: ${on}`, { ...options, skip: options.skip || (NO_PEBBLE ?? false) }, () => {
    let pebble: Pebble;
    let cloud: Cloud;

    before(async () => {
        const ports = { httpPort: await freePort(), httpsPort: await freePort() };
        pebble = await Pebble.start(ports);
        const tls = { mode: "acme", email: "me@example.com", server: pebble.directory, authority: pebble.roots };
        cloud = await cloudWith({ tls, ...ports });
    });

    after(async () => {
        await cloud.down();
        await pebble.stop();
    });

    /** The certificate, once there is one. */
    async function certificate() {
        for (const end = Date.now() + 60_000; ; await pause(500)) {
            try {
                return await handshake(cloud, "TLSv1.3");
            } catch (error) {
                if (Date.now() > end) {
                    throw error;
                }
            }
        }
    }

    test("the edge has certificates issued, and people sign in", async () => {
        assert.match((await certificate()).issuer, /Pebble/);
        await expectWelcome(cloud, "alice");
        await expectNoChange(cloud);
    });

    test("they outlive the container", async () => {
        const { serial } = await certificate();
        await docker("restart", `${cloud.stack.prefix}edge`);
        assert.equal((await certificate()).serial, serial);
    });
});

describe(`a proxy in front: ${on}`, { ...options, skip: options.skip || (NO_NGINX ?? false) }, () => {
    let authority: Authority;
    let nginx: Nginx;
    let cloud: Cloud;

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
        cloud = await cloudWith({ tls: { mode: "none", authority: authority.root }, ...ports });
    });

    after(async () => {
        await cloud.down();
        await nginx.stop();
        authority.close();
    });

    test("people sign in, and a preview expects no change", async () => {
        await expectWelcome(cloud, "alice");
        await expectNoChange(cloud);
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
        const document = await browser.request(`${cloud.issuer}/.well-known/openid-configuration`, { headers: forged });
        assert.equal(((await document.json()) as { issuer: string }).issuer, cloud.issuer);
        await discover(browser, cloud.url, WEB);
        const answer = await browser.request(`${cloud.issuer}/api/firstfactor`, {
            method: "POST",
            headers: { ...forged, "content-type": "application/json" },
            body: JSON.stringify({ username: "bob", password: "not-the-password", keepMeLoggedIn: false }),
        });
        await answer.body?.cancel();
        assert.equal(answer.status, 401);
        if (!isStandIn(pair!.images.authelia)) {
            const log = await docker("logs", `${cloud.stack.prefix}authelia`);
            assert.match(log, /Unsuccessful 1FA[^\n]*remote_ip"?[=:]"?127\.0\.0\.1/);
            assert.doesNotMatch(log, /198\.51\.100\.7/);
        }
    });

    test("a wrong password is refused", async () => {
        const wrong = { ...cloud.credentials("bob"), password: "not-the-password" };
        await assert.rejects(signIn(cloud.open(), cloud.url, WEB, cloud.webRedirect, wrong), Refused);
    });

    test("an upload that takes more than a minute passes", () => slowUpload(cloud, "carol"));
});
