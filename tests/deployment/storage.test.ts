/**
 * Files in a folder of the engine's machine: they are there, a stack stays with it, a backup moves it elsewhere, and a folder that is not
 * there is named. It makes no difference by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { docker } from "./stack";
import { readText, tokenClient } from "./webdav";

describeOn({ tier: "everything", real: true }, "files in a folder of the machine", (images) => {
    const disk = mkdtempSync(join(tmpdir(), "storage-test-"));
    const folder = (name: string) => join(disk, name);
    let cloud: Cloud;

    before(async () => {
        ["first", "second", "repository"].forEach((name) => mkdirSync(folder(name)));
        const storage = { files: folder("first") };
        cloud = await Cloud.up("test-storage", { images, users: usersCalled(["alice"]), storage });
        await cloud.enrol(["alice"]);
    });

    after(async () => {
        await cloud?.down();
        rmSync(disk, { recursive: true });
    });

    const read = async () => readText(tokenClient(cloud, await cloud.signIn(cloud.credentials("alice"))), "/letter.txt");

    test("they lie there, for oCIS's user, and a preview sees no change", async () => {
        const alice = await cloud.signIn(cloud.credentials("alice"));
        await tokenClient(cloud, alice).putFileContents("/letter.txt", "Dear family");
        assert.ok(readdirSync(folder("first")).includes("storage"));
        assert.equal(statSync(folder("first")).uid, 1000);
        await cloud.expectNoChange();
        await cloud.expectNoChange("refresh");
    });

    test("another place is refused before anything is touched", async () => {
        cloud.stack.configure({ ...cloud.settings, storage: { files: folder("second") } });
        const { code, text } = await cloud.stack.operate("up");
        assert.notEqual(code, 0, text);
        assert.match(
            text,
            new RegExp(`storage\\.files: "${folder("second")}" cannot be used\\. Allowed: "${folder("first")}"`),
        );
        assert.match(text, new RegExp(`config set --path storage\\.files ${folder("first")} --stack`));
        cloud.stack.configure(cloud.settings);
        await cloud.expectNoChange();
    });

    test("a backup is restored into another folder, as docs/storage.md moves a stack", async () => {
        writeFileSync(folder("password"), "of the repository\n", { mode: 0o600 });
        const where = ["--repository", folder("repository"), "--password-file", folder("password")];
        const run = async (name: string, ...args: string[]) => cloud.stack.command(name, ...where, ...args);
        const backup = await run("backup", "--init");
        assert.equal(backup.code, 0, backup.text);
        const early = await run("restore", "--yes", "--files", folder("second"));
        assert.match(early.text, /--files is for a stack of which nothing is there.*Nothing was changed/);
        await cloud.stack.lose();
        const { code, text } = await run("restore", "--yes", "--files", folder("second"));
        assert.equal(code, 0, text);
        assert.equal(await read(), "Dear family");
        assert.ok(readdirSync(folder("second")).includes("storage"));
        cloud.settings.storage = { files: folder("second") };
        cloud.stack.configure(cloud.settings);
        await cloud.expectNoChange();
    });

    test("a folder that is not there is named", async () => {
        const other = await Cloud.up("test-storage-none", {
            images,
            users: usersCalled(["bob"]),
            storage: { files: folder("none") },
        }).then(
            () => assert.fail("it comes up"),
            (error: Error) => error.message,
        );
        assert.match(other, new RegExp(`${folder("none")} cannot be mounted .*: no such file or directory`));
    });

    test("what was stored outlives the stack", async () => {
        const volume = `${cloud.stack.prefix}ocis-data`;
        assert.equal(await docker("volume", "inspect", "--format", "{{.Options.device}}", volume), folder("second"));
        assert.ok(existsSync(join(folder("first"), "storage")), "of the stack that was lost");
    });
});
