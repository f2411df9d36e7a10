/**
 * The operator's daily commands on one stack: people are added, listed, given other passwords and second factors, and removed; status says
 * what runs; doctor finds what is broken and names its cure. No command shows a secret that was not asked for.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CODE_PERIOD, Refused, totp } from "../../client/browser";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { docker } from "./stack";
import { eventually } from "./waiting";

/** What the commands print with --json, as far as it is looked at here. */
interface Person {
    readonly name: string;
    readonly authenticatorApp: boolean;
    readonly lastSignIn?: string;
    readonly removed?: boolean;
}

interface Status {
    readonly containers: readonly {
        readonly server: string;
        readonly health: string;
        readonly image: string;
        readonly memory: string;
    }[];
    readonly data: readonly { readonly server: string; readonly used: number; readonly free: number }[];
    readonly certificateEnd: string;
    readonly spaces: readonly { readonly space: string; readonly used: number }[];
}

interface Finding {
    readonly what: string;
    readonly state: string;
}

/** What bob has in ownCloud: more than a space takes by itself. */
const FILE = "x".repeat(1024 * 1024);

describeOn({ tier: "everything", real: true }, "the operator's commands", (images) => {
    let cloud: Cloud;
    let shown: { readonly password: string; readonly uri: string };

    before(async () => {
        cloud = await Cloud.up("test-operations", { images, users: usersCalled(["alice"]) });
    });

    after(() => cloud.down());

    /** Runs a command that has to succeed; its outcome as a program reads it. */
    async function outcome<T>(name: string, ...args: string[]): Promise<T> {
        const { code, stdout, text } = await cloud.stack.command(name, ...args, "--json");
        assert.equal(code, 0, text);
        return JSON.parse(stdout) as T;
    }

    const users = <T>(...args: string[]) => outcome<T>("users", ...args);
    const people = async () => (await users<{ people: Person[] }>("list")).people;

    /** Nothing that a command said is a secret of the stack. */
    async function expectNoSecret(...said: string[]): Promise<void> {
        const words = (await cloud.stack.secrets())
            .flatMap((secret) => secret.split(/[\s"']+/))
            .filter((word) => word.length >= 16 && !/^-----|^\/|:$|@/.test(word));
        assert.ok(words.includes(cloud.passwords.alice!));
        for (const secret of [...words, shown.password, new URL(shown.uri).searchParams.get("secret")!]) {
            said.forEach((text) => assert.ok(!text.includes(secret), `"${secret.slice(0, 6)}…" was printed`));
        }
    }

    /** In which half minute the code is shown that was shown last: Authelia remembers used ones by user, whatever the secret. */
    let last = 0;

    /** How ownCloud answers bob, who signs in with what a command has shown; Authelia takes the next code already. */
    async function signIn(password: string, uri: string): Promise<number> {
        const code = () => {
            last = Math.max(Math.floor(Date.now() / 1000 / CODE_PERIOD), last + 1);
            return totp(new URL(uri).searchParams.get("secret")!, last * CODE_PERIOD);
        };
        const session = await cloud.signIn({ username: "bob", password, code });
        const { status } = await session.ask("/remote.php/webdav/file", { method: "PUT", body: FILE });
        assert.ok([201, 204].includes(status), String(status));
        return session.status();
    }

    /** At which step Authelia refuses him. */
    async function refusal(password: string, code: string): Promise<string> {
        const refused = await cloud.signIn({ username: "bob", password, code: () => code }).catch((error: unknown) => error);
        assert.ok(refused instanceof Refused);
        return refused.step;
    }

    test("who is added signs in with what is shown, and is listed", async () => {
        const refused = await cloud.stack.command(
            "users",
            "add",
            "bob",
            "--display-name",
            "Bob",
            "--email",
            "nowhere",
            "--yes",
        );
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /users\.bob\.email: "nowhere" cannot be used/);
        assert.doesNotMatch(refused.text, /^ +at /m);

        const who = ["--display-name", "Bob Example", "--email", "bob@example.com", "--group", "family"];
        shown = await users("add", "bob", ...who, "--yes");
        assert.equal(await signIn(shown.password, shown.uri), 200);
        assert.equal((await cloud.stack.command("users", "add", "bob", ...who, "--yes")).code, 1, "added twice");

        const { code, stdout } = await cloud.stack.command("users", "list");
        assert.equal(code, 0);
        assert.match(stdout, /^bob +Bob Example +bob@example\.com +family .*app +\d{4}-/m);
        assert.match(stdout, /^alice .*none +never$/m);
        await expectNoSecret(stdout);
        await cloud.expectNoChange();
    });

    test("a password is set from the standard input or generated", async () => {
        const ask = await cloud.stack.command("users", "password", "bob", "--yes");
        assert.match(ask.stderr, /This password cannot be used/); // the tests give no input
        const { password } = await users<{ password: string }>("password", "bob", "--generate", "--yes");
        assert.notEqual(password, shown.password);
        assert.equal(await signIn(password, shown.uri), 200);
        shown = { ...shown, password };
    });

    test("an authenticator app is replaced only by whoever says so, and a lost phone ends what it could do", async () => {
        const refused = await cloud.stack.command("users", "second-factor", "bob");
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /--replace/);
        const lost = await users<{ uri: string; refreshTokens: number }>("lost-phone", "bob");
        assert.notEqual(lost.uri, shown.uri);
        assert.ok(lost.refreshTokens > 0);
        assert.equal(await refusal(shown.password, totp(new URL(shown.uri).searchParams.get("secret")!)), "the code");
        shown = { ...shown, uri: lost.uri };
        assert.equal(await signIn(shown.password, shown.uri), 200);
    });

    test("status says what runs and what it takes", async () => {
        const { containers, data, certificateEnd, spaces } = await outcome<Status>("status", "--people");
        assert.deepEqual(
            containers.map(({ server, health, image }) => ({ server, health, image })),
            [
                { server: "authelia", health: "healthy", image: images.authelia },
                { server: "ocis", health: "healthy", image: images.ocis },
                { server: "edge", health: "healthy", image: images.caddy },
            ],
        );
        containers.forEach(({ memory }) => assert.match(memory, /^[\d.]+MiB \/ /));
        assert.deepEqual(data.map(({ server }) => server).sort(), ["authelia", "ocis"]);
        data.forEach(({ used, free }) => assert.ok(used > 0 && free > 0));
        assert.ok(Date.parse(certificateEnd) > Date.now());
        assert.deepEqual(
            spaces.map(({ space }) => space),
            ["personal/bob"], // alice has never signed in
        );
        assert.ok(spaces[0]!.used > FILE.length);
        const { code, text } = await cloud.stack.command("status", "--drift");
        assert.equal(code, 0, text);
        assert.match(text, /^configuration +is what runs$/m);
        await expectNoSecret(text);
    });

    test("doctor finds nothing wrong, then a stopped server, and names what starts it", async () => {
        const well = await cloud.stack.command("doctor");
        assert.doesNotMatch(well.stdout, /^ +failed +(container|certificate|configuration|Docker|Pulumi|Node)/m, well.text);
        assert.match(well.stdout, /^ +ok +certificate of owncloud\.test\.localhost: lasts until/m);
        const container = `${cloud.stack.prefix}ocis`;
        await docker("stop", container);
        const { code, stdout } = await cloud.stack.command("doctor");
        assert.equal(code, 1);
        assert.match(stdout, new RegExp(`^ +failed +container ${container}: exited`, "m"));
        const [cure] = new RegExp(`docker start ${container}$`, "m").exec(stdout)!;
        await expectNoSecret(well.text, stdout);
        await docker(...cure.split(" ").slice(1));
        await eventually("doctor finds it well", 60, async () => {
            const said = await cloud.stack.command("doctor", "--json"); // what else is wrong on this machine does not matter here
            const findings = Object.values(JSON.parse(said.stdout) as Record<string, Finding[]>).flat();
            return findings.find(({ what, state }) => what === `container ${container}` && state === "ok");
        });
    });

    test("doctor goes on without an engine", async () => {
        const before = process.env.DOCKER_HOST;
        process.env.DOCKER_HOST = "unix:///nowhere/docker.sock";
        try {
            const { code, stdout, text } = await cloud.stack.command("doctor");
            assert.equal(code, 1);
            assert.match(
                stdout,
                /^ +failed +Docker Engine: the one at unix:\/\/\/nowhere\/docker\.sock does not answer/m,
                text,
            );
            assert.match(stdout, /^ +skipped +container .*: the Docker Engine does not answer/m);
            assert.match(stdout, /^ +ok +configuration: can be used/m);
        } finally {
            if (before === undefined) {
                delete process.env.DOCKER_HOST;
            } else {
                process.env.DOCKER_HOST = before;
            }
        }
    });

    test("who is removed is out, and the name is given to nobody else", async () => {
        await users("remove", "bob", "--yes");
        assert.equal(await refusal(shown.password, ""), "the password");
        assert.equal((await people()).find(({ name }) => name === "bob")?.removed, true);
        const file = () => docker("exec", `${cloud.stack.prefix}authelia`, "cat", "/run/secrets/users.yml");
        const before = await file();
        const again = await cloud.stack.command(
            ...(["users", "add", "bob", "--display-name", "Bob", "--email", "bob@example.org", "--yes"] as const),
        );
        assert.equal(again.code, 1);
        assert.match(again.stderr, /samePerson/);
        assert.equal(await file(), before);
        const last = await cloud.stack.command("users", "remove", "alice", "--yes");
        assert.match(last.stderr, /at least one user/);
    });
});
