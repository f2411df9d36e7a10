/**
 * A second address of the Docker host: the edge is the same there, by HTTP/1.1, HTTP/2 and HTTP/3, people sign in there, and nothing names
 * the ports that only the container has. The engine may list ports in any order; a preview sees no change.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { connect } from "node:tls";

import { tlsOptions } from "../../client/browser";
import { WEB } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { ROOT } from "../../system/folders";
import { attempt, run } from "../../system/run";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { NO_PEBBLE, Pebble } from "./pebble";
import { eventually } from "./waiting";
import { put } from "./webdav";

const SECOND = "::1";

/** Why it cannot run. */
const NO_IPV6 = Object.values(networkInterfaces()).some((each) => each!.some(({ address }) => address === SECOND))
    ? undefined
    : "needs IPv6 on the loopback";

/** Nobody waits for codes. */
const ACCESS = { policy: "one_factor" };

/** How often the engine starts the edge anew and lists its ports again. */
const RESTARTS = 4;

const FILE = { path: "/remote.php/webdav/kept.txt", text: "kept" };

/** The URL's server at an address of this machine, if it shows a certificate below `ca`: who has issued it. */
function issuerAt(url: string, ca: string, loopback: string): Promise<string> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
        const options = { ...tlsOptions(ca, loopback), host: hostname, servername: hostname, port: Number(port) };
        const socket = connect(options, () => {
            resolve(String(socket.getPeerCertificate().issuer.CN));
            socket.end();
        });
        socket.on("error", reject);
    });
}

describeOn({ tier: "option", real: true, missing: NO_IPV6 }, "a second address", (images) => {
    let cloud: Cloud;
    let httpPort: number;

    before(async () => {
        httpPort = await freePort();
        const users = usersCalled(["alice"]);
        cloud = await Cloud.up("test-dual-stack", { images, users, access: ACCESS, httpPort });
        const session = await cloud.signIn(cloud.credentials("alice"));
        const body = Readable.from([Buffer.from(FILE.text)]);
        assert.equal(await put(cloud, session, FILE.path, body, FILE.text.length), 201);
    });

    after(() => cloud?.down());

    /** That alice gets in at an address of this machine and finds her file. */
    async function expectFile(loopback?: string): Promise<void> {
        const session = await cloud.signIn(cloud.credentials("alice"), WEB, cloud.open(loopback));
        assert.equal((await session.ask(FILE.path)).text, FILE.text);
    }

    const documents = () => [cloud.issuer, cloud.url].map((url) => `${url}/.well-known/openid-configuration`);

    test("a port that is taken there is named with that address", async () => {
        const port = Number(cloud.settings.httpsPort);
        const server = createServer().listen(port, SECOND);
        cloud.stack.configure({ ...cloud.settings, secondAddress: SECOND });
        const { code, text } = await cloud.stack.operate("up");
        await new Promise((resolve) => server.close(resolve));
        assert.notEqual(code, 0);
        assert.match(text, new RegExp(`Port ${port} of ::1 is in use by another program[^]*config set httpsPort 9443`));
    });

    test("switched on, both addresses serve both names, and people find their files at either", async () => {
        await cloud.change({ secondAddress: SECOND });
        for (const loopback of ["127.0.0.1", SECOND]) {
            for (const document of documents()) {
                const { status, text } = await cloud.open(loopback).ask(document);
                assert.equal(status, 200, `${document} at ${loopback}`);
                assert.equal((JSON.parse(text) as { issuer: string }).issuer, cloud.issuer);
            }
            await expectFile(loopback);
        }
    });

    test("HTTP leads to the URL that people know", async () => {
        for (const loopback of ["127.0.0.1", SECOND]) {
            for (const document of documents()) {
                const plain = new URL(document);
                plain.protocol = "http:";
                plain.port = String(httpPort);
                assert.equal((await cloud.open(loopback).redirect(plain))?.href, document, loopback);
            }
        }
    });

    test("HTTP/3 is offered at the port that people know", async () => {
        for (const loopback of ["127.0.0.1", SECOND]) {
            for (const document of documents()) {
                const { headers } = await cloud.open(loopback).ask(document);
                assert.equal(headers.get("alt-svc"), `h3=":${String(cloud.settings.httpsPort)}"; ma=2592000`, loopback);
            }
        }
    });

    test("and served at both addresses", { skip: NO_PEBBLE && "needs Go, for a client" }, async () => {
        const roots = join(ROOT, ".cache", "tests", cloud.stack.name, "roots.pem");
        writeFileSync(roots, cloud.ca);
        for (const host of ["127.0.0.1", `[${SECOND}]`]) {
            const place = `${host}:${String(cloud.settings.httpsPort)}`;
            const client = ["run", "-C", join(__dirname, "http3"), ".", roots, place];
            assert.equal(await run("go", [...client, documents()[0]!]), "HTTP/3.0 200", place);
        }
    });

    test("in whatever order the engine lists the ports, neither a preview nor a refresh sees a change", async () => {
        for (let restart = 0; restart < RESTARTS; restart++) {
            await cloud.restart("edge", 60);
            await cloud.expectNoChange("refresh");
            await cloud.expectNoChange();
        }
    });

    test("doctor and status find nothing to object to, at either address", async () => {
        const { text } = await cloud.stack.command("doctor");
        for (const url of [cloud.url, cloud.issuer].map((each) => new URL(each))) {
            for (const title of [`certificate of ${url.hostname}`, `certificate of ${url.hostname} at ${SECOND}`]) {
                assert.match(text, new RegExp(`^ *ok +${title}(?! at)`, "m"));
            }
        }
        const { code, text: said } = await cloud.stack.command("status");
        assert.equal(code, 0, said);
    });

    test("switched off again, it is closed, and nothing is lost", async () => {
        await cloud.change({});
        await assert.rejects(issuerAt(cloud.url, cloud.ca, SECOND), /ECONNREFUSED/);
        await expectFile();
        await cloud.expectNoChange();
    });
});

describeOn({ tier: "option", missing: NO_IPV6 ?? NO_PEBBLE }, "an ACME server that comes to the second address", (images) => {
    let cloud: Cloud;
    let plain: Pebble;
    let encrypted: Pebble;
    const tlsBy = ({ directory, roots }: Pebble) => ({ tls: { mode: "acme", server: directory, authority: roots } });

    before(async () => {
        const ports = { httpPort: await freePort(), httpsPort: await freePort() };
        // Each of them finds nobody at the other port.
        plain = await Pebble.start({ ...ports, httpsPort: await freePort() }, SECOND);
        encrypted = await Pebble.start({ ...ports, httpPort: await freePort() }, SECOND);
        const users = usersCalled(["alice"]);
        cloud = await Cloud.up("test-dual-stack-acme", { images, users, secondAddress: SECOND, ...ports, ...tlsBy(plain) });
    });

    after(async () => {
        await cloud?.down();
        await plain?.stop();
        await encrypted?.stop();
    });

    /** That both sites have a certificate of that server, which the edge has asked for and proved itself to by such a challenge. */
    async function expectIssued({ roots }: Pebble, challenge: "http-01" | "tls-alpn-01"): Promise<void> {
        for (const url of [cloud.url, cloud.issuer]) {
            const issuer = await eventually(`${url} has a certificate`, 60, () =>
                issuerAt(url, roots, SECOND).catch(() => undefined),
            );
            assert.match(issuer, /Pebble/);
        }
        const { text } = await attempt("docker", ["logs", `${cloud.stack.prefix}edge`]);
        assert.match(text, new RegExp(`served key authentication.*${challenge}`));
    }

    test("it finds the answer on the port for HTTP", () => expectIssued(plain, "http-01"));

    test("and on the port for HTTPS", async () => {
        await cloud.change(tlsBy(encrypted));
        await expectIssued(encrypted, "tls-alpn-01");
    });
});
