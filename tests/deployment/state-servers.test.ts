/**
 * PostgreSQL and Redis as containers of the stack: the database and who is signed in outlive what they are asked by, and come back from a
 * backup. It makes no difference by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { DESKTOP } from "../../client/relying-party";
import { ROOT } from "../../system/folders";
import { run } from "../../system/run";
import { Cloud, usersCalled } from "./cloud";
import { imageAtHand } from "./image-at-hand";
import { describeOn } from "./pairs";
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

    test("statements of docs/state.md end what somebody has, by the command that stands there", async () => {
        const session = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        const { code, text } = await cloud.stack.command("end-access", "alice");
        assert.equal(code, 1, text);
        const document = readFileSync(join(ROOT, "docs", "state.md"), "utf8");
        const [, statements] = /```sql\n([^]*?)```/.exec(document)!;
        const [, command] = /\n(docker exec -i [^\n]*)\n/.exec(document)!;
        const here = command!.replace("ocis-authelia-prod-", cloud.stack.prefix).replace(/ <.*/, "").split(" ").slice(1);
        await run("docker", here, { input: statements });
        await assert.rejects(session.refresh());
    });

    test("a backup has the database: what was lost since comes back", async () => {
        const repository = join(folder, "repository");
        mkdirSync(repository);
        writeFileSync(join(folder, "password"), "canary-of-the-repository\n", { mode: 0o600 });
        const command = async (name: string, ...args: string[]) => {
            const where = ["--repository", repository, "--password-file", join(folder, "password")];
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
