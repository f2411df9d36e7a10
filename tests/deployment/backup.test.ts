/**
 * Backups by restic: nobody is refused while one is made, and what was backed up comes back over a stack that has gone on, on a machine
 * that has nothing, and in a rehearsal beside the stack. No secret is seen on the way.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { DESKTOP, Session } from "../../client/relying-party";
import { digestOf } from "../../operations/password";
import { Cloud, usersCalled } from "./cloud";
import { describeSeen, note, whileAsked } from "./drill";
import { describeOn } from "./pairs";
import { docker } from "./stack";

const FILE = "/remote.php/webdav/letter.txt";

describeOn({ tier: "everything", real: true }, "backup", (images) => {
    const folder = mkdtempSync(join(tmpdir(), "backup-test-"));
    const repository = join(folder, "repository");
    const password = "canary-of-the-repository";
    let cloud: Cloud;
    let alice: Session;
    let desktop: Session;

    /** Runs a command with the repository's options, and returns what it printed. */
    async function run(name: string, ...args: string[]) {
        const where = ["--repository", repository, "--password-file", join(folder, "password")];
        const { code, stdout, text } = await cloud.stack.command(name, "--json", ...where, ...args);
        for (const secret of [password, ...(await secrets())]) {
            assert.ok(!text.includes(secret), "a secret is printed");
        }
        return { code, text, data: (stdout.startsWith("{") ? JSON.parse(stdout) : {}) as Record<string, unknown> };
    }
    let known: string[] = [];
    const secrets = async () =>
        (known = known.length > 0 ? known : (await cloud.stack.secrets()).filter(({ length }) => length > 8));

    const read = async () => (await alice.ask(FILE)).text;
    const write = async (text: string) => {
        const { status } = await alice.ask(FILE, { method: "PUT", body: text });
        assert.ok([201, 204].includes(status), String(status));
    };

    before(async () => {
        mkdirSync(repository);
        writeFileSync(join(folder, "password"), `${password}\n`, { mode: 0o600 });
        cloud = await Cloud.up("test-backup", { images, users: usersCalled(["alice", "bob"]) });
        await cloud.enrol(["alice"]);
        // One that stands in the configuration encrypted, with this machine's passphrase.
        const digest = await digestOf("a password that is known to bob alone");
        await cloud.stack.succeed(
            "config",
            "set",
            "--secret",
            "--path",
            "users.bob.passwordDigest",
            digest,
            ...cloud.stack.file,
        );
        await cloud.stack.up();
        alice = await cloud.signIn(cloud.credentials("alice"));
        desktop = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        await write("as it was backed up");
    });
    after(async () => {
        await cloud.down();
        rmSync(folder, { recursive: true });
    });

    /** Everything that alice had is there: the file, the second factor, the refresh token that the desktop client held then. */
    async function expectEverything() {
        assert.equal((await (await desktop.refresh()).me()).onPremisesSamAccountName, "alice");
        alice = await cloud.signIn(cloud.credentials("alice"));
        assert.equal(await read(), "as it was backed up");
        assert.equal((await alice.ask("/remote.php/webdav/later.txt")).status, 404);
    }

    test("a folder that is none, one without a repository and a wrong password are refused with the cure", async () => {
        const elsewhere = join(folder, "not-mounted");
        const missing = await run("backup", "--repository", elsewhere);
        assert.equal(missing.code, 1);
        assert.match(missing.text, /There is no folder .*Is the disk mounted/);
        assert.ok(!existsSync(elsewhere), "a folder is made where a disk should be");
        const none = await run("backup");
        assert.equal(none.code, 1);
        assert.match(none.text, /There is no repository there\. Is the disk mounted.*--init makes a new one/);
    });

    test("a backup is made while people work: nobody is refused, and nobody is signed out", async () => {
        const ask = async () => (await alice.ask(FILE)).status;
        const { result, ...seen } = await whileAsked(ask, run("backup", "--init", "--keep-daily", "7"));
        assert.equal(result.code, 0, result.text);
        assert.equal(seen.failed, 0, describeSeen(seen));
        const { standstill } = result.data as { standstill: number };
        assert.ok(seen.slowest < standstill + 5, `${describeSeen(seen)}, while the servers stood still for ${standstill} s`);
        note({
            fault: `a backup, for which both servers stand still for ${standstill.toFixed(1)} s`,
            client: describeSeen(seen),
            operator: "`npm run backup`",
            lost: "nothing",
        });
        assert.equal(await read(), "as it was backed up");
        assert.equal(await docker("inspect", "--format", "{{.State.Paused}}", `${cloud.stack.prefix}authelia`), "false");
    });

    test("status and doctor know of it", async () => {
        const { stdout } = await cloud.stack.command("status", "--json");
        assert.equal((JSON.parse(stdout) as { lastBackup: { repository: string } }).lastBackup.repository, repository);
    });

    test("a wrong password is named", async () => {
        writeFileSync(join(folder, "wrong"), "another");
        const { code, text } = await run("backup", "--password-file", join(folder, "wrong"));
        assert.equal(code, 1);
        assert.match(text, /The password is not that of the repository/);
    });

    test("over a stack that runs it asks, keeps what was there, and puts everything back", async () => {
        await write("changed since");
        assert.equal((await alice.ask("/remote.php/webdav/later.txt", { method: "PUT", body: "new" })).status, 201);
        const asked = await run("restore");
        assert.equal(asked.code, 1);
        assert.match(asked.text, /Nothing was changed.*--yes/);
        const { code, text, data } = await run("restore", "--yes");
        assert.equal(code, 0, text);
        assert.notEqual(data.consistent, false);
        await expectEverything();
        await cloud.expectNoChange();
    });

    test("a rehearsal restores beside the stack, signs in, and leaves nothing", async () => {
        const before = await cloud.stack.remains();
        const { code, text, data } = await run("restore", "--rehearse");
        assert.equal(code, 0, text);
        const lines = data.lines as { what: string; state: string }[];
        assert.ok(
            lines.some(({ what, state }) => what === "sign-in: desktop" && state === "ok"),
            text,
        );
        assert.deepEqual(await cloud.stack.remains(), before);
        assert.equal(await read(), "as it was backed up");
    });

    test("on a machine that has nothing it comes back whole", async () => {
        await cloud.stack.lose();
        const volume = `${cloud.stack.prefix}ocis-data`;
        await docker("volume", "create", volume);
        const refused = await run("restore", "--yes");
        assert.equal(refused.code, 1);
        assert.match(refused.text, new RegExp(`${volume}.*its state is not here[^]*--discard`));
        await docker("volume", "rm", volume);
        const { code, text } = await run("restore", "--yes");
        assert.equal(code, 0, text);
        await expectEverything();
        const { stdout } = await cloud.stack.succeed(
            "config",
            "get",
            "--path",
            "users.bob.passwordDigest",
            ...cloud.stack.file,
        );
        assert.match(stdout, /^\$scrypt\$/);
        await cloud.expectNoChange();
    });
});
