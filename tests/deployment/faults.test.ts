/**
 * Bad moments on a real engine: each ends the run with one message that names the cause and the cure, and the next run goes
 * on from there. Runs on the newest pair of servers at hand alone: they make no difference here.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";

import { AUTHELIA, CADDY_IMAGE, releaseOf } from "../../versions";
import { usersCalled, withDefaults } from "./cloud";
import { NO_ENGINE, pairsOfThisRun } from "./pairs";
import { freePort } from "../../system/free-port";
import { buildImage, docker, Running, Stack } from "./stack";
import { eventually, meanwhile } from "./waiting";

const images = pairsOfThisRun()[0]!;

/** An image like Caddy's whose process shows its secret files and ends. */
const BROKEN = "ocis-authelia/broken:test";

/** An image like Authelia's that does something else until somebody lets it go on, as one does that migrates its data. */
const slowImage = () => `ocis-authelia/slow:${releaseOf(AUTHELIA, images.authelia).version}`;

/** What lets it go on. */
const GO_ON = "/data/go-on";

const MIGRATING = "migrating the data";

async function buildSlowImage(): Promise<void> {
    const [entrypoint, command] = (
        await docker("image", "inspect", "--format", "{{json .Config.Entrypoint}}\n{{json .Config.Cmd}}", images.authelia)
    ).split("\n");
    const start = [...(JSON.parse(entrypoint!) as string[]), ...((JSON.parse(command!) as string[] | null) ?? [])].join(" ");
    const wait = `echo ${MIGRATING}; until [ -e ${GO_ON} ]; do sleep 0.5; done; exec ${start}`;
    await buildImage(slowImage(), `FROM ${images.authelia}\nENTRYPOINT ${JSON.stringify(["/bin/sh", "-c", wait])}\nCMD []`);
}

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

    // A run speaks after two minutes of a server that is not ready: on a stack of its own, beside the other tests.
    const slow = new Stack("test-slow");
    let waited: Promise<void>;
    let lastRun: Running | undefined;

    before(async () => {
        const users = usersCalled(["alice"]);
        settings = await withDefaults({ images, users });
        await stack.create(settings);
        const show = "echo here are the secrets; cat /run/secrets/root.key; exit 1";
        await buildImage(BROKEN, `FROM ${images.caddy}\nENTRYPOINT ${JSON.stringify(["/bin/sh", "-c", show])}`);
        await buildSlowImage();
        await slow.create(await withDefaults({ images: { ...images, authelia: slowImage() }, users }));
        waited = meanwhile(upWithSlowServer());
    });

    after(async () => {
        await stack.destroy();
        lastRun?.interrupt(); // it would wait for ever where a test has failed
        await lastRun?.ended;
        await slow.destroy();
        await docker("image", "rm", "--force", BROKEN, slowImage());
    });

    const says = (run: Running, line: string) =>
        eventually(`the run says "${line}"`, 180, () => Promise.resolve(run.said().includes(line) || undefined));

    /** Interrupts a run that waits for a server at work, and lets the next one wait until it says so. */
    async function upWithSlowServer(): Promise<void> {
        const name = `${slow.prefix}authelia`;
        const start = () => docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.State.Status}}", name);

        const interrupted = (lastRun = await slow.begin());
        await says(interrupted, "Container cloud-authelia created");
        const atWork = await start();
        interrupted.interrupt();
        assert.notEqual((await interrupted.ended).code, 0);
        assert.equal(await start(), atWork, "the server after the end of the run");

        const next = (lastRun = await slow.begin());
        await says(next, `${name} is not ready after 2 minutes`);
        assert.match(next.said(), new RegExp(`It is left to work[^]* Its last log line: ${MIGRATING}`));
        assert.equal(await start(), atWork, "the server while a run waits for it");
        // Docker counts from another moment than the run.
        await eventually("it is unhealthy", 60, async () => {
            const health = await docker("inspect", "--format", "{{.State.Health.Status}}", name);
            return health === "unhealthy" || undefined;
        });
        await docker("exec", name, "touch", GO_ON);
        const { code, text } = await next.ended;
        assert.equal(code, 0, text);
        assert.equal(await start(), atWork, "the server that has become ready");
    }

    /** Brings a stack up, which has to fail, and returns what Pulumi printed. */
    async function failedUp(change: Record<string, unknown>, environment: Record<string, string> = {}): Promise<string> {
        stack.configure({ ...settings, ...change });
        const { code, text } = await stack.operate("up", [], environment);
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
        const text = await failedUp({ images: { ...images, caddy: BROKEN } });
        assert.match(text, new RegExp(`The container ${stack.prefix}edge did not become ready: it ended 5 times`));
        assert.match(text, /here are the secrets/);
        assert.match(text, /\[secret\]/);
        const key = (await stack.secrets()).find((secret) => secret.includes("EC PRIVATE KEY"));
        for (const line of key!.trim().split("\n").slice(1, -1)) {
            assert.ok(!text.includes(line), "a line of the key");
        }
    });

    test("the next run goes on from there", async () => {
        stack.configure(settings);
        await stack.up();
        const { code, text } = await stack.operate("preview", ["--expect-no-changes"]);
        assert.equal(code, 0, text);
    });

    test("docker stop, as a shutdown of the host, gives every process the time that it drains", async () => {
        for (const name of ["edge", "authelia", "ocis"].map((each) => stack.prefix + each)) {
            await docker("stop", name);
            const [timeout, code] = (
                await docker("inspect", "--format", "{{.Config.StopTimeout}} {{.State.ExitCode}}", name)
            ).split(" ");
            assert.equal(timeout, "30", name);
            assert.notEqual(code, "137", `${name} was killed`);
        }
    });

    test("a server that takes long is waited for and left alone, by a run that is interrupted and by the next", () => waited);
});
