/**
 * oCIS with its message bus outside the stack: three NATS servers of one cluster, of which one may fail, over verified TLS. The stand-ins have
 * no bus. It runs on the newest pair.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Session } from "../../client/relying-party";
import { attempt } from "../../system/run";
import { Authority } from "../authority";
import { Cloud, usersCalled } from "./cloud";
import { NO_GO } from "./go-programs";
import { EVENTS, isOnAll, Nats } from "./nats";
import { share } from "./ocs";
import { describeOn } from "./pairs";
import { repositoryIn } from "./repository";
import { docker } from "./stack";
import { eventually } from "./waiting";
import { OPEN, WaysIn } from "./ways-in";
import { put, readText, tokenClient } from "./webdav";

const PEOPLE = ["alice", "bob"];

/** Seconds within which others take over what a server has led, and oCIS finds them. */
const SOON = 60;

/** Seconds within which somebody is told of what has happened. */
const AT_ONCE = 10;

/** Seconds after which oCIS's connections for events are closed for good, if no server is there. */
const TOO_LONG = 130;

describeOn({ tier: "drill", real: true, missing: NO_GO }, "the bus outside the stack", (images) => {
    let nats: Nats;
    let cloud: Cloud;
    let alice: Session;
    let bob: Session;
    const ocis = () => `${cloud.stack.prefix}ocis`;

    before(async () => {
        nats = await Nats.start();
        cloud = await Cloud.up("test-bus", { images, users: usersCalled(PEOPLE), appTokens: true, bus: nats.settings });
        await cloud.enrol(PEOPLE);
        alice = await cloud.signIn(cloud.credentials("alice"));
        bob = await cloud.signIn(cloud.credentials("bob"));
        await bob.status();
    });

    after(async () => {
        await cloud?.down();
        await nats?.stop();
    });

    /** Writes a file of alice's and reads it. */
    async function keep(name: string, text: string): Promise<void> {
        assert.ok((await put(cloud, alice, `/remote.php/webdav/${name}`, Readable.from([text]), text.length)) < 300);
        await expectText(name, text);
    }

    /** Once post-processing has let it through. */
    const expectText = (name: string, text: string) =>
        eventually(`${name} reads ${text}`, SOON, async () => {
            const read = await readText(tokenClient(cloud, alice), `/${name}`).catch(() => undefined);
            return read === text || undefined;
        });

    /** Shares a file of alice's with bob, who is told so: by an event, through two services. */
    async function tell(name: string): Promise<void> {
        await share(alice, `/${name}`, { shareType: "0", shareWith: "bob" });
        await eventually(`bob is told of ${name}`, AT_ONCE, async () => {
            const headers = { "ocs-apirequest": "true" };
            const { text } = await bob.ask("/ocs/v2.php/apps/notifications/api/v1/notifications?format=json", { headers });
            return text.includes(name) || undefined;
        });
    }

    test("people sign in, write and are told of it, and nothing is left to change", async () => {
        assert.equal(await alice.status(), 200);
        await keep("first.txt", "first");
        await tell("first.txt");
        await cloud.expectNoChange();
    });

    test("what oCIS tells and remembers is there, and its own bus does not run", async () => {
        const names = (await nats.streams()).map(({ config }) => config.name);
        for (const name of [EVENTS, "KV_eventhistory", "KV_cache-userinfo"]) {
            assert.ok(names.includes(name), `${name} is among ${names.join(", ")}`);
        }
        const data = await docker("exec", ocis(), "/bin/sh", "-c", "ls /var/lib/ocis");
        assert.doesNotMatch(data, /^nats$/m);
    });

    /** What oCIS has said, in either stream. */
    const logged = async () => (await attempt("docker", ["logs", ocis()])).text;

    test("its password is a secret", async () => {
        const [inspected, { text }, log] = await Promise.all([
            docker("inspect", ocis(), `${ocis()}-files`, `${ocis()}-secrets`),
            cloud.stack.operate("preview", ["--diff", "--show-sames"]),
            logged(),
        ]);
        assert.ok(![inspected, text, log].some((said) => said.includes(nats.password)));
        assert.ok((await cloud.stack.secrets()).some((secret) => secret.includes(nats.password)));
    });

    test("the commands of docs/bus.md keep each stream on all three", async () => {
        await nats.keepOnAll();
        await eventually("every stream, and whoever reads events, is on three servers", SOON, async () => {
            const all = [...(await nats.streams()), ...(await nats.consumers())];
            return all.every(isOnAll) || undefined;
        });
    });

    /** Whether people can work: one writes, reads and shares, another one is told, and signs in. */
    async function work(file: string): Promise<void> {
        [alice, bob] = [await alice.refresh(), await bob.refresh()];
        await keep(file, file);
        await tell(file);
        const session = await cloud.signIn(cloud.credentials("bob"));
        assert.equal(await session.status(), 200);
    }

    /** Waits until they can, and says how long that took. */
    async function expectWork(when: string, seconds: number): Promise<void> {
        const start = Date.now();
        let tries = 0;
        await eventually(`people work ${when}`, seconds, async () => {
            const name = `${when.replaceAll(" ", "-")}-${++tries}.txt`; // a file is shared once
            return work(name).then(
                () => true,
                ({ message }: Error) => void console.log(`${when}, ${Date.now() - start} ms: ${message}`),
            );
        });
        console.log(`${when}: people work after ${((Date.now() - start) / 1000).toFixed(1)} s`);
    }

    test("one server fails, the one that leads: people sign in, write, read and are told", async () => {
        const leader = await nats.leader();
        await nats.kill(leader);
        try {
            await expectWork("without one", SOON);
        } finally {
            await nats.serve(leader);
        }
    });

    for (const seconds of [20, TOO_LONG]) {
        test(`all of them are away for ${seconds} s: once they are back, people work, and nothing is lost`, async () => {
            const all = [0, 1, 2];
            await keep("before.txt", String(seconds));
            await Promise.all(all.map((index) => nats.kill(index)));
            const refused = await put(cloud, alice, "/remote.php/webdav/refused.txt", Readable.from(["never"]), 5);
            assert.ok(refused >= 500, String(refused));
            await pause(seconds * 1000);
            await Promise.all(all.map((index) => nats.serve(index)));
            await expectWork(`after ${seconds} s`, 3 * SOON);
            await expectText("before.txt", String(seconds));
            assert.ok(!(await logged()).includes(nats.password));
        });
    }

    test("end-access ends app tokens, and says of signed URLs where their keys are; the commands of docs/bus.md end them", async () => {
        const ways = await WaysIn.gather(cloud, "bob", true);
        assert.deepEqual(await ways.outcome(), OPEN);
        const { code, text } = await cloud.stack.command("end-access", "bob");
        assert.equal(code, 0, text);
        assert.match(text, /app tokens +1\n.*signed URLs +NOT ENDED.*docs\/bus\.md/);
        const { appToken, signedUrl } = await ways.outcome();
        assert.deepEqual({ appToken, signedUrl }, { appToken: 401, signedUrl: 200 });
        await nats.asDocumented("nats kv ls proxy");
        assert.equal((await ways.outcome()).signedUrl, 401);
    });

    test("servers whose certificate descends from another authority are not talked to", async () => {
        const stranger = new Authority();
        const bus = { ...nats.settings, authority: stranger.root };
        cloud.stack.configure({ ...cloud.settings, bus });
        const run = await cloud.stack.begin();
        await eventually("the run says why oCIS is not ready", 3 * SOON, () =>
            Promise.resolve(/certificate signed by unknown authority/.test(run.said()) || undefined),
        );
        run.interrupt();
        const { text } = await run.ended;
        stranger.close();
        assert.ok(![text, await logged()].some((said) => said.includes(nats.password)));
        await cloud.change({});
    });

    test("another mode is refused", async () => {
        cloud.stack.configure({ ...cloud.settings, bus: {} });
        const { code, text } = await cloud.stack.operate("preview");
        assert.notEqual(code, 0, text);
        assert.match(text, /bus\.mode: "own" cannot be used\. Allowed: "nats", with which this stack was made/);
        cloud.stack.configure(cloud.settings);
    });

    test("a backup says that the bus is not part of it, and a rehearsal keeps its hands off it", async () => {
        const folder = mkdtempSync(join(tmpdir(), "bus-test-"));
        const where = repositoryIn(folder);
        const { code, text } = await cloud.stack.command("backup", "--init", ...where);
        assert.equal(code, 0, text);
        assert.match(text, /What people were told of is not part of it: it is on NATS/);
        const rehearsal = await cloud.stack.command("restore", "--rehearse", ...where);
        assert.match(rehearsal.text, /A rehearsal would work on the very bus/);
        rmSync(folder, { recursive: true });
    });
});
