/**
 * A stack on an engine that breaks down, made of images like the official ones: it comes up with what those hold, its servers come back by
 * themselves after the engine was killed and after a loss of power, and a file is still there. The engine is another one than the
 * machine's, reached by DOCKER_HOST. It makes no difference by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ROOT } from "../../system/folders";
import { attempt } from "../../system/run";
import { Cloud, usersCalled } from "./cloud";
import { note } from "./drill";
import { NO_OFFICIAL_IMAGES, officialImages } from "./official";
import { NO_OWN_ENGINE, OwnEngine } from "./own-engine";
import { describeOn } from "./pairs";
import { Session } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { docker, dockerLines } from "./stack";
import { eventually } from "./waiting";
import { readText, tokenClient } from "./webdav";

const STACK = "test-engine-cloud";

/** One for each sign-in, because a code serves once. */
const PEOPLE = ["alice", "bob", "carol"];

/** Seconds within which all servers are ready again. */
const BACK_SECONDS = 60;

describeOn({ tier: "everything", missing: NO_OWN_ENGINE ?? NO_OFFICIAL_IMAGES }, "an engine that breaks down", (images) => {
    const machine = process.env.DOCKER_HOST;
    let engine: OwnEngine;
    let cloud: Cloud;
    let gone = false;
    let alice: Session;

    before(async () => {
        // An interrupted run has lost its stack with its engine.
        rmSync(join(ROOT, ".cache", "tests", STACK), { recursive: true, force: true });
        engine = new OwnEngine("test-engine");
        await engine.powerOn();
        await engine.load(Object.values(images));
        process.env.DOCKER_HOST = engine.host;
        const httpsPort = await freePort();
        const like = await officialImages(images);
        await engine.forward(httpsPort);
        cloud = await Cloud.up(STACK, { images: like, users: usersCalled(PEOPLE), httpsPort });
        await cloud.enrol(PEOPLE);
    });

    after(async () => {
        try {
            await (gone || cloud?.down());
        } finally {
            await engine.remove();
            if (machine === undefined) {
                delete process.env.DOCKER_HOST;
            } else {
                process.env.DOCKER_HOST = machine;
            }
        }
    });

    /** Names of the servers' containers that are healthy. */
    const healthy = () => dockerLines("ps", "--filter", "health=healthy", "--format", "{{.Names}}");

    const expectHealthy = () =>
        eventually("all servers are ready", BACK_SECONDS, async () => (await healthy()).length === 3 || undefined);

    /** Waits until all servers are ready, and alice, who has stayed signed in, reads what she has written. */
    async function expectBack(fault?: string): Promise<void> {
        const begin = Date.now();
        await expectHealthy();
        const seconds = ((Date.now() - begin) / 1000).toFixed(0);
        assert.equal(await readText(tokenClient(cloud, alice), "/kept.txt"), "kept");
        if (fault !== undefined) {
            const client = `nothing answers until ${seconds} s after the engine is up again`;
            note({ fault, client, operator: "nothing", lost: "nothing" });
        }
    }

    test("the program needs nothing that the official images lack", async () => {
        await expectHealthy(); // Docker may look later than the program did
        alice = await cloud.signIn(cloud.credentials("alice"));
        await tokenClient(cloud, alice).putFileContents("/kept.txt", "kept");
        await cloud.expectNoChange();
    });

    test("the servers come back after the engine alone was killed", async () => {
        await engine.endDaemon("SIGKILL");
        await engine.startDaemon();
        await expectBack("the engine is killed, and started again");
        assert.equal(await (await cloud.signIn(cloud.credentials("bob"))).status(), 200);
    });

    test("they come back after a loss of power", async () => {
        await engine.powerOff();
        await engine.powerOn();
        await engine.forward(Number(cloud.settings.httpsPort));
        await expectBack("a loss of power");
        assert.equal(await (await cloud.signIn(cloud.credentials("carol"))).status(), 200);
    });

    test("so do they after docker stop, with the next start of the engine, as docs/production.md says", async () => {
        await docker("stop", ...(await healthy()));
        await engine.endDaemon("SIGTERM");
        await engine.startDaemon();
        await expectBack("every container stopped by hand, and the engine started again");
    });

    /** Brings the stack up, and removes first what a failed run names: what the engine still made when nobody heard its answer. */
    async function upAsItSays(): Promise<void> {
        for (;;) {
            const { code, text } = await cloud.stack.operate("up");
            if (code === 0) {
                return;
            }
            const removals = [...text.matchAll(/^ *docker (rm .*)$/gm)].map(([, command]) => command!.trim().split(" "));
            assert.ok(removals.length > 0, text);
            for (const removal of removals) {
                await attempt("docker", removal); // said twice, it is there once
            }
        }
    }

    test("an up in which the engine goes away ends with an error, and the next one goes on", async () => {
        cloud.stack.configure({ ...cloud.settings, users: usersCalled([...PEOPLE, "dave"]) });
        const run = await cloud.stack.begin();
        await eventually("the run changes something", 60, () =>
            Promise.resolve(/cloud-authelia-secrets/.test(run.said()) || undefined),
        );
        await engine.endDaemon("SIGKILL");
        const { code, text } = await run.ended;
        assert.notEqual(code, 0, text);
        await engine.startDaemon();
        await upAsItSays();
        await expectBack();
        await cloud.expectNoChange();
        note({
            fault: "the engine goes away in the middle of an `up`",
            client: "nothing answers until the engine is up again",
            operator:
                "runs `up` again; where the engine has made something and nobody heard of it, the message names it, and its removal",
            lost: "nothing",
        });
    });

    test("a destroyed stack leaves nothing, not even a volume that an image declares", async () => {
        await cloud.down();
        gone = true;
        assert.deepEqual(await dockerLines("ps", "--all", "--quiet"), []);
        assert.deepEqual(await dockerLines("volume", "ls", "--quiet"), []);
    });
});
