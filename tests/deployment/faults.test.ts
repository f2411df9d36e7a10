/**
 * Bad moments on a real engine: each ends the run with one message that names the cause and the cure, and the next run goes
 * on from there. Runs on the newest pair of servers at hand alone: they make no difference here.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";

import { CADDY_IMAGE } from "../../versions";
import { usersCalled, withDefaults } from "./cloud";
import { NO_ENGINE, pairsOfThisRun } from "./pairs";
import { buildImage, docker, freePort, Stack } from "./stack";
import { meanwhile } from "./waiting";

/** An image like Caddy's whose process shows its secret files and ends. */
const BROKEN = "ocis-authelia/broken:test";

const images = pairsOfThisRun()[0]!;

/** Listens on a port of the loopback; the result stops that. */
function listen(port: number): Promise<() => void> {
    return new Promise((resolve, reject) => {
        const server = createServer().on("error", reject);
        server.listen(port, "127.0.0.1", () => resolve(() => server.close()));
    });
}

/** The same by UDP. */
function bind(port: number): Promise<() => void> {
    return new Promise((resolve, reject) => {
        const socket = createSocket("udp4").on("error", reject);
        socket.bind(port, "127.0.0.1", () => resolve(() => socket.close()));
    });
}

describe("bad moments", { skip: NO_ENGINE, timeout: 20 * 60_000 }, () => {
    const stack = new Stack("test-faults");
    let settings: Record<string, unknown>;

    // A run waits two minutes for a container that does not become ready: on a stack of its own, beside the other tests.
    const unready = new Stack("test-unready");
    let good: Record<string, unknown>;
    let said: Promise<string>;

    before(async () => {
        const users = usersCalled(["alice"]);
        settings = await withDefaults({ images, users });
        await stack.create(settings);
        good = await withDefaults({ images, users });
        await unready.create(good);
        const show = "echo here are the secrets; cat /run/secrets/root.key; exit 1";
        await buildImage(BROKEN, `FROM ${images.caddy}\nENTRYPOINT ${JSON.stringify(["/bin/sh", "-c", show])}`);
        said = meanwhile(failedUp({ images: { ...images, caddy: BROKEN } }, {}, unready, good));
    });

    after(async () => {
        await stack.destroy();
        await unready.destroy();
        await docker("image", "rm", "--force", BROKEN);
    });

    /** Brings a stack up, which has to fail, and returns what Pulumi printed. */
    async function failedUp(
        change: Record<string, unknown>,
        environment: Record<string, string> = {},
        which = stack,
        base = settings,
    ): Promise<string> {
        which.configure({ ...base, ...change });
        const { code, text } = await which.operate("up", [], environment);
        assert.notEqual(code, 0, text);
        return text;
    }

    test("an engine that does not answer", async () => {
        const text = await failedUp({}, { DOCKER_HOST: "unix:///nowhere/docker.sock" });
        assert.match(
            text,
            /Cannot connect to the Docker daemon at unix:\/\/\/nowhere\/docker\.sock\. Is the docker daemon running\?/,
        );
    });

    test("an image that cannot be had", async () => {
        const text = await failedUp({ images: { ...images, caddy: "ocis-authelia/nowhere:1" } });
        assert.match(text, /The image ocis-authelia\/nowhere:1 cannot be had/);
        assert.match(
            text,
            new RegExp(`npm run pulumi -- config set --path images\\.caddy ${CADDY_IMAGE} --stack ${stack.name}`),
        );
    });

    /** Takes a port, brings the stack up on it, and looks for the key that owns it. */
    async function expectBusy(port: number, protocol: "tcp" | "udp", change: object, cure: string): Promise<void> {
        const release = await (protocol === "tcp" ? listen(port) : bind(port));
        try {
            const text = await failedUp({ ...change });
            assert.match(text, new RegExp(`Port ${port}( \\(UDP\\))? of 127\\.0\\.0\\.1 is in use by another program`));
            assert.ok(text.includes(`npm run pulumi -- config set ${cure} --stack ${stack.name}`), text);
        } finally {
            release();
        }
    }

    test("a port in use is answered with the key that owns it: HTTPS", () =>
        expectBusy(Number(settings.httpsPort), "tcp", {}, "httpsPort 9443"));

    test("plain HTTP", async () => {
        const httpPort = await freePort();
        await expectBusy(httpPort, "tcp", { httpPort }, "httpPort 0");
    });

    test("plain HTTP behind a proxy", async () => {
        const httpPort = await freePort();
        await expectBusy(httpPort, "tcp", { httpPort, tls: { mode: "none" } }, "httpPort 8081");
    });

    test("HTTP/3", () => expectBusy(Number(settings.httpsPort), "udp", {}, "http3 false"));

    test("a container that does not become ready: its log is shown, its secrets are masked", async () => {
        const text = await said;
        assert.match(text, new RegExp(`The container ${unready.prefix}edge did not become ready`));
        assert.match(text, /here are the secrets/);
        assert.match(text, /\[secret\]/);
        const key = (await unready.secrets()).find((secret) => secret.includes("EC PRIVATE KEY"));
        for (const line of key!.trim().split("\n").slice(1, -1)) {
            assert.ok(!text.includes(line), "a line of the key");
        }
    });

    test("the next run goes on from there", async () => {
        unready.configure(good);
        await unready.up();
        const { code, text } = await unready.operate("preview", ["--expect-no-changes"]);
        assert.equal(code, 0, text);
    });

    test("docker stop, as a shutdown of the host, gives every process the time that it drains", async () => {
        for (const name of ["edge", "authelia", "ocis"].map((each) => unready.prefix + each)) {
            await docker("stop", name);
            const [timeout, code] = (
                await docker("inspect", "--format", "{{.Config.StopTimeout}} {{.State.ExitCode}}", name)
            ).split(" ");
            assert.equal(timeout, "30", name);
            assert.notEqual(code, "137", `${name} was killed`);
        }
    });
});
