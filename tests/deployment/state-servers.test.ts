/**
 * PostgreSQL and Redis as containers of the stack: the database and who is signed in outlive what they are asked by, come back from a
 * backup, and are reached by the commands that look after people. It makes no difference by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { CODE_PERIOD, totp } from "../../client/browser";
import { DESKTOP } from "../../client/relying-party";
import { Person } from "../../operations/people";
import { ROOT } from "../../system/folders";
import { run } from "../../system/run";
import { Cloud, usersCalled } from "./cloud";
import { imageAtHand } from "./image-at-hand";
import { describeOn } from "./pairs";
import { repositoryIn } from "./repository";
import { docker } from "./stack";
import { eventually } from "./waiting";

const [POSTGRES, REDIS] = [imageAtHand("postgres"), imageAtHand("redis")];

const MISSING = POSTGRES === undefined || REDIS === undefined ? "needs images of PostgreSQL and Redis" : undefined;

const PEOPLE = ["alice", "bob", "carol"];

/** Seconds within which a server is ready again. */
const SOON = 60;

describeOn({ tier: "option", real: true, missing: MISSING }, "PostgreSQL and Redis in the stack", (images) => {
    let cloud: Cloud;
    const folder = mkdtempSync(join(tmpdir(), "state-servers-test-"));

    before(async () => {
        cloud = await Cloud.up("test-state-servers", {
            images: { ...images, postgres: POSTGRES, redis: REDIS } as typeof images,
            users: usersCalled(PEOPLE),
            database: { mode: "postgres" },
            sessions: { mode: "redis" },
        });
        await cloud.enrol(PEOPLE);
    });

    after(async () => {
        await cloud?.down();
        rmSync(folder, { recursive: true });
    });

    const container = (server: string) => `${cloud.stack.prefix}${server}`;
    const execute = (server: string, command: string) => docker("exec", container(server), "/bin/sh", "-c", command);
    const ask = (statement: string) => execute("postgres", `psql -U authelia -tAc "${statement}"`);

    test("what Authelia has to remember is there, and nowhere else", async () => {
        assert.equal(await (await cloud.signIn(cloud.credentials("alice"))).status(), 200);
        await cloud.expectNoChange();
        assert.equal(await ask("SELECT count(*) FROM totp_configurations"), String(PEOPLE.length));
        assert.match(await execute("redis", "ls /sessions/appendonlydir"), /aof/);
        assert.doesNotMatch(await execute("authelia", "ls /data"), /sqlite/);
    });

    test("their passwords are secrets, and neither talks without TLS or a password", async () => {
        const servers = ["authelia", "postgres", "redis"];
        const [inspected, { text }, ...logs] = await Promise.all([
            docker("inspect", ...servers.flatMap((server) => [server, `${server}-files`, `${server}-secrets`]).map(container)),
            cloud.stack.operate("preview", ["--diff", "--show-sames"]),
            ...servers.map((server) => docker("logs", container(server))),
        ]);
        const passwords = await Promise.all(
            ["postgres", "redis"].map((server) => execute(server, "cat /run/secrets/password")),
        );
        const secrets = await cloud.stack.secrets();
        for (const password of passwords) {
            assert.ok(secrets.some((secret) => secret.includes(password)));
            assert.ok(![inspected, text, ...logs].some((said) => said.includes(password)));
        }
        const plain = `PGPASSWORD=${passwords[0]} psql "host=postgres user=authelia sslmode=disable" -c "SELECT 1"`;
        await assert.rejects(execute("postgres", plain), /no encryption/);
        await assert.rejects(execute("postgres", 'PGPASSWORD=x psql "host=postgres user=authelia" -c "SELECT 1"'), /password/);
        const verified = `PGPASSWORD=${passwords[0]} psql "host=postgres user=authelia sslmode=verify-full sslrootcert=/run/configuration/server.pem"`;
        assert.equal(await execute("postgres", `${verified} -tAc "SELECT 1"`), "1");
        const redis = (options: string) => execute("redis", `redis-cli -h redis ${options} 2>&1 || true`);
        assert.doesNotMatch(await redis("dbsize"), /^\d/);
        assert.match(await redis("--tls --cacert /run/configuration/server.pem dbsize"), /NOAUTH/);
    });

    test("Authelia starts anew while somebody is half way through signing in: they go on", async () => {
        const session = await cloud.signIn(cloud.interrupted("bob", () => cloud.restart("authelia", SOON)));
        assert.equal(await session.status(), 200);
    });

    test("who is signed in at the portal stays so when all of it starts anew", async () => {
        const { browser } = await cloud.signIn(cloud.credentials("carol"));
        await cloud.restart("redis", SOON);
        await cloud.restart("postgres", SOON);
        await cloud.restart("authelia", SOON);
        const asked = () => assert.fail("the code is asked for");
        const next = await cloud.signIn({ ...cloud.credentials("carol"), code: asked }, DESKTOP, browser);
        assert.equal(await next.status(), 200);
    });

    test("status and doctor say how they are", async () => {
        const [status, doctor] = await Promise.all([cloud.stack.command("status"), cloud.stack.command("doctor")]);
        assert.match(status.text, new RegExp(`postgres +${POSTGRES} +healthy[^]*redis +${REDIS} +healthy`));
        assert.match(status.text, /test-state-servers-postgres-data +\d/);
        assert.match(doctor.text, /postgres runs and is healthy[^]*redis runs and is healthy/);
    });

    test("PostgreSQL that is killed comes back by itself, with everybody's second factors", async () => {
        const pid = await docker("inspect", "--format", "{{.State.Pid}}", container("postgres"));
        process.kill(Number(pid), "SIGKILL"); // `docker kill` would count as a stop by hand
        const session = await eventually("somebody signs in", SOON, () =>
            cloud.signIn(cloud.credentials("alice")).catch(() => undefined),
        );
        assert.equal(await session.status(), 200);
    });

    /** Runs a command that has to succeed; its outcome as a program reads it. */
    async function outcome<T>(...command: [name: string, ...args: string[]]): Promise<T> {
        const { code, stdout, text } = await cloud.stack.command(...command, "--json");
        assert.equal(code, 0, text);
        return JSON.parse(stdout) as T;
    }

    /** How many tokens of somebody still give access. */
    const tokensOf = async (user: string) => {
        const theirs = `subject IN (SELECT identifier FROM user_opaque_identifier WHERE username = '${user}')`;
        const counts = ["access", "refresh"].map((kind) =>
            ask(`SELECT count(*) FROM oauth2_${kind}_token_session WHERE active AND NOT revoked AND ${theirs}`),
        );
        return (await Promise.all(counts)).map(Number);
    };

    test("the people are listed with their second factors and when they last signed in", async () => {
        // Without a browser that makes one: what Authelia writes of a security key, as far as its columns insist.
        await ask(
            "INSERT INTO webauthn_credentials (rpid, username, description, kid, attachment, discoverable, public_key) " +
                "VALUES ('auth', 'bob', 'key', 'kid', 'platform', TRUE, 'x')",
        );
        const before = new Date().toISOString();
        await cloud.signIn(cloud.credentials("alice"));
        const { people } = await outcome<{ people: Person[] }>("users", "list");
        assert.deepEqual(
            people.map(({ name, authenticatorApp, securityKeys }) => [name, authenticatorApp, securityKeys]),
            [
                ["alice", true, 0],
                ["bob", true, 1],
                ["carol", true, 0],
            ],
        );
        people.forEach(({ lastSignIn }) => assert.match(lastSignIn!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/));
        const { lastSignIn } = people[0]!;
        assert.ok(lastSignIn! >= `${before.slice(0, 19)}Z` && Date.parse(lastSignIn!) <= Date.now(), lastSignIn);
    });

    test("end-access ends what one person has, by consent too, and nothing of anybody else", async () => {
        const hers = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        const his = await cloud.signIn(cloud.credentials("bob"), DESKTOP);
        const [access, refresh] = await tokensOf("alice");
        const bobs = await tokensOf("bob");
        assert.ok(access! > 0 && refresh! > 0 && bobs.every((count) => count > 0));
        assert.notEqual(await ask("SELECT count(*) FROM oauth2_consent_session WHERE granted"), "0");
        const { code, text } = await cloud.stack.command("end-access", "alice");
        assert.equal(code, 0, text);
        assert.match(text, new RegExp(`^ *refresh tokens +${refresh}\\n *access tokens +${access}$`, "m"));
        assert.match(text, /^ *second factors +kept/m);
        assert.match(text, /web sessions +NOT ENDED.*rotations\.session/);
        assert.deepEqual(await tokensOf("alice"), [0, 0]);
        assert.deepEqual(await tokensOf("bob"), bobs);
        await assert.rejects(hers.refresh());
        assert.equal(await (await his.refresh()).status(), 200);
        assert.equal(await (await cloud.signIn(cloud.credentials("alice"))).status(), 200);
    });

    test("a name is a name, whatever it says: nobody is ended, and nothing stopped", async () => {
        const started = () => docker("inspect", "--format", "{{.State.StartedAt}}", ...["authelia", "ocis"].map(container));
        const before = [await started(), await tokensOf("alice")];
        for (const name of ["x' OR 'a'='a", "\\' OR 1=1 --", ":user", "zoë", "nobody\n; DROP TABLE totp_configurations"]) {
            const { code, text } = await cloud.stack.command("end-access", name, "--second-factor");
            assert.equal(code, 1, text);
            assert.ok(text.includes(`Nobody called ${name} has ever signed in`), text);
        }
        assert.deepEqual([await started(), await tokensOf("alice")], before);
        assert.equal(await ask("SELECT count(*) FROM totp_configurations"), String(PEOPLE.length));
    });

    test("a lost phone: every second factor and token goes, and another app is enrolled", async () => {
        const his = await cloud.signIn(cloud.credentials("bob"), DESKTOP);
        const lost = await outcome<{ uri: string; secondFactors: number; refreshTokens: number }>("users", "lost-phone", "bob");
        assert.equal(lost.secondFactors, 2);
        assert.ok(lost.refreshTokens > 0);
        await assert.rejects(his.refresh());
        await assert.rejects(cloud.signIn(cloud.credentials("bob")), /the code was refused/);
        assert.equal(await ask("SELECT count(*) FROM webauthn_credentials"), "0");
        const secret = new URL(lost.uri).searchParams.get("secret")!;
        const session = await eventually("bob signs in with the new app", 2 * CODE_PERIOD, () =>
            cloud.signIn({ ...cloud.credentials("bob"), code: () => totp(secret) }).catch(() => undefined),
        );
        assert.equal(await session.status(), 200);
        await cloud.enrol(["bob"]);
        assert.equal(await (await cloud.signIn(cloud.credentials("carol"))).status(), 200);
    });

    test("where PostgreSQL does not run, the commands change nothing and name it", async () => {
        await docker("stop", container("postgres"));
        try {
            const { code, text } = await cloud.stack.command("end-access", "alice");
            assert.equal(code, 1, text);
            assert.match(text, /No container \S+-postgres runs/);
        } finally {
            await cloud.restart("postgres", SOON);
        }
    });

    test("statements of one's own reach it by the command of docs/state.md", async () => {
        const document = readFileSync(join(ROOT, "docs", "state.md"), "utf8");
        const [, statements] = [...document.matchAll(/```sql\n([^]*?)```/g)].at(-1)!;
        const [, command] = /\n(docker exec -i [^\n]*)\n/.exec(document)!;
        const here = command!.replace("ocis-authelia-prod-", cloud.stack.prefix).replace(/ <.*/, "").split(" ").slice(1);
        assert.match(await run("docker", here, { input: statements! }), /alice/);
    });

    test("a backup has the database: what was lost since comes back", async () => {
        const where = repositoryIn(folder, "canary-of-the-repository\n");
        const command = async (name: string, ...args: string[]) => {
            const { code, text } = await cloud.stack.command(name, ...where, ...args);
            assert.equal(code, 0, text);
            return text;
        };
        assert.doesNotMatch(await command("backup", "--init"), /not part of it/);
        await ask("DELETE FROM totp_configurations");
        await command("restore", "--yes");
        assert.equal(await ask("SELECT count(*) FROM totp_configurations"), String(PEOPLE.length));
        assert.equal(await (await cloud.signIn(cloud.credentials("bob"))).status(), 200);
    });

    test("sessions can go back to memory, and the database stays what it is", async () => {
        await cloud.change({ sessions: { mode: "memory" } });
        await assert.rejects(docker("inspect", container("redis")));
        await assert.rejects(docker("volume", "inspect", `${container("redis")}-data`));
        assert.equal(await (await cloud.signIn(cloud.credentials("carol"))).status(), 200);
        cloud.stack.configure({ ...cloud.settings, database: { mode: "sqlite" } });
        const { code, text } = await cloud.stack.operate("preview");
        assert.notEqual(code, 0, text);
        assert.match(text, /database\.mode: "sqlite" cannot be used\. Allowed: "postgres", with which this stack was made/);
        cloud.stack.configure(cloud.settings);
        await cloud.change({});
        await cloud.expectNoChange();
    });
});
