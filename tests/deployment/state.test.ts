/**
 * Authelia with its database on PostgreSQL and who is signed in on Redis, both outside the stack and over verified TLS: nobody notices when
 * it starts anew, not even half way through signing in. It makes no difference by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { DESKTOP } from "../../client/relying-party";
import { ROOT } from "../../system/folders";
import { Authority } from "../authority";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { NO_POSTGRES, Postgres } from "./postgres";
import { NO_REDIS, Redis } from "./redis";
import { docker } from "./stack";
import { eventually } from "./waiting";

const PEOPLE = ["alice", "bob", "carol", "dave"];

/** Seconds within which Authelia is ready again, and a sentinel has chosen. */
const SOON = 30;

describeOn({ tier: "everything", real: true, missing: NO_POSTGRES ?? NO_REDIS }, "state outside the stack", (images) => {
    let postgres: Postgres;
    let redis: Redis;
    let cloud: Cloud;
    const outside = () => ({ database: postgres.settings, sessions: redis.settings });

    before(async () => {
        postgres = await Postgres.start();
        redis = await Redis.start();
        cloud = await Cloud.up("test-state", { images, users: usersCalled(PEOPLE), ...outside() });
        await cloud.enrol(PEOPLE);
    });

    after(async () => {
        await cloud?.down();
        await redis?.stop();
        await postgres?.stop();
    });

    const authelia = () => `${cloud.stack.prefix}authelia`;

    const restartAuthelia = () => cloud.restart("authelia", SOON);

    test("what Authelia has to remember is there, and nowhere else", async () => {
        assert.equal(await (await cloud.signIn(cloud.credentials("alice"))).status(), 200);
        await cloud.expectNoChange();
        assert.equal(await postgres.ask("SELECT count(*) FROM totp_configurations"), String(PEOPLE.length));
        assert.notEqual(await redis.ask("first", "DBSIZE"), "0");
        const files = await docker("exec", authelia(), "/bin/sh", "-c", "ls /data");
        assert.doesNotMatch(files, /sqlite/);
    });

    test("their passwords are secrets", async () => {
        const [inspected, configuration, { text }] = await Promise.all([
            docker("inspect", authelia(), `${authelia()}-files`, `${authelia()}-secrets`),
            docker("exec", authelia(), "/bin/sh", "-c", "cat /run/configuration/configuration.yml"),
            cloud.stack.operate("preview", ["--diff", "--show-sames"]),
        ]);
        for (const password of [postgres.password, redis.password]) {
            assert.ok(![inspected, configuration, text].some((said) => said.includes(password)));
            assert.ok((await cloud.stack.secrets()).some((secret) => secret.includes(password)));
        }
    });

    test("Authelia starts anew while somebody is half way through signing in: they go on", async () => {
        const session = await cloud.signIn(cloud.interrupted("bob", restartAuthelia));
        assert.equal(await session.status(), 200);
    });

    test("and so does who has signed in before: the next app asks for nothing", async () => {
        const { browser } = await cloud.signIn(cloud.credentials("carol"));
        await restartAuthelia();
        const asked = () => assert.fail("the code is asked for");
        const next = await cloud.signIn({ ...cloud.credentials("carol"), code: asked }, DESKTOP, browser);
        assert.equal(await next.status(), 200);
    });

    test("who is disabled gets in nowhere, although the session at the portal is kept", async () => {
        const { browser } = await cloud.signIn(cloud.credentials("carol"));
        const users = { ...usersCalled(PEOPLE), ...usersCalled(["carol"], { disabled: true }) };
        await cloud.change({ users });
        const status = await cloud.signIn(cloud.credentials("carol"), DESKTOP, browser).then(
            (session) => session.status(),
            () => "refused",
        );
        assert.notEqual(status, 200);
        await cloud.change({});
    });

    test("a new secret of sessions ends everybody's at the portal", async () => {
        const { browser } = await cloud.signIn(cloud.credentials("alice"));
        await cloud.change({ rotations: { session: 2 } });
        const asked = () => assert.fail("the code is asked for");
        const again = { ...cloud.credentials("alice"), code: asked };
        await assert.rejects(cloud.signIn(again, DESKTOP, browser), /the code is asked for/);
        Object.assign(cloud.settings, { rotations: { session: 2 } });
    });

    test("without them that sign-in fails, so this is what they are for", async () => {
        await cloud.change({ sessions: { mode: "memory" } });
        await assert.rejects(cloud.signIn(cloud.interrupted("dave", restartAuthelia)));
        await cloud.change({});
    });

    test("statements of docs/state.md end what somebody has, where the commands say that they cannot", async () => {
        const session = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        const { code, text } = await cloud.stack.command("end-access", "alice");
        assert.equal(code, 1, text);
        assert.match(text, /PostgreSQL outside the stack \(database\.mode is external-postgres\).*docs\/state\.md/s);
        const document = readFileSync(join(ROOT, "docs", "state.md"), "utf8");
        const [ending, deleting, listing] = [...document.matchAll(/```sql\n([^]*?)```/g)].map(([, statements]) => statements!);
        await postgres.ask(ending!);
        await assert.rejects(session.refresh());
        const factors = () => postgres.ask("SELECT count(*) FROM totp_configurations WHERE username = 'alice'");
        assert.equal(await factors(), "1");
        await postgres.ask(deleting!);
        assert.equal(await factors(), "0");
        assert.match(await postgres.ask(listing!), /^alice\|\d{4}-/m);
        await cloud.enrol(["alice"]);
    });

    test("another mode of the database is refused, and so is a key of the old one", async () => {
        cloud.stack.configure({ ...cloud.settings, database: { mode: "sqlite" } });
        const { code, text } = await cloud.stack.operate("preview");
        assert.notEqual(code, 0, text);
        assert.match(
            text,
            /database\.mode: "sqlite" cannot be used\. Allowed: "external-postgres", with which this stack was made/,
        );
        cloud.stack.configure(cloud.settings);
        await cloud.expectNoChange();
    });

    test("a sentinel leads to the server that takes over", async () => {
        await cloud.change({ sessions: redis.sentinelSettings });
        const session = await cloud.signIn(
            cloud.interrupted("bob", async () => {
                await redis.killFirst();
                await eventually("the second server serves", SOON, async () =>
                    (await redis.ask("second", "ROLE")).startsWith("master") ? true : undefined,
                );
            }),
        );
        assert.equal(await session.status(), 200);
    });

    test("a server whose certificate descends from another authority is not talked to", async () => {
        const stranger = new Authority();
        const database = { ...postgres.settings, authority: stranger.root };
        cloud.stack.configure({ ...cloud.settings, sessions: redis.sentinelSettings, database });
        const { code, text } = await cloud.stack.operate("up");
        stranger.close();
        assert.notEqual(code, 0, text);
        assert.match(text, /authelia did not become ready.*certificate signed by unknown authority/s);
        await cloud.change({ sessions: redis.sentinelSettings });
    });

    test("with a database of the stack's own end-access works, and says that sessions at the portal go on", async () => {
        const other = await Cloud.up("test-state-sessions", {
            images,
            users: usersCalled(["alice"]),
            sessions: redis.sentinelSettings,
        });
        try {
            await other.enrol(["alice"]);
            const session = await other.signIn(other.credentials("alice"), DESKTOP);
            const { code, text } = await other.stack.command("end-access", "alice");
            assert.equal(code, 0, text);
            assert.match(text, /web sessions +NOT ENDED.*rotations\.session/);
            await assert.rejects(session.refresh());
        } finally {
            await other.down();
        }
    });
});
