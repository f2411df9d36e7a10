/**
 * The contents of files in a bucket of an S3 server outside the stack: of every size, by PUT and by tus, read back as they were written; and
 * where that server goes away, whoever writes is told, and nothing is half there. It makes no difference by release, so it runs on the
 * newest pair.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";

import { Session } from "../../client/relying-party";
import { Cloud, usersCalled } from "./cloud";
import { NO_GO } from "./go-programs";
import { describeOn } from "./pairs";
import { repositoryIn } from "./repository";
import { SeaweedFs } from "./seaweedfs";
import { docker } from "./stack";
import { eventually } from "./waiting";
import { digestOf, largeContent, put, readText, tokenClient, uploadByTus } from "./webdav";

const MIB = 1 << 20;

/** Sizes around those at which oCIS sends a file in parts of 16 MiB, and beyond what one request of a client carries. */
const SIZES = [1, 16 * MIB, 16 * MIB + 1, 1024 * MIB];

const at = (name: string) => `/remote.php/webdav/${name}`;

describeOn({ tier: "everything", real: true, missing: NO_GO }, "files in a bucket", (images) => {
    let server: SeaweedFs;
    let cloud: Cloud;
    let alice: Session;
    const ocis = () => `${cloud.stack.prefix}ocis`;

    before(async () => {
        server = await SeaweedFs.start();
        const storage = { blobs: server.settings };
        cloud = await Cloud.up("test-s3", { images, users: usersCalled(["alice"]), storage });
        await cloud.enrol(["alice"]);
        alice = await cloud.signIn(cloud.credentials("alice"));
    });

    after(async () => {
        await cloud?.down();
        await server?.stop();
    });

    const write = (name: string, text: string) => put(cloud, alice, at(name), Readable.from([text]), text.length);
    const names = async () =>
        ((await tokenClient(cloud, alice).getDirectoryContents("/")) as { basename: string }[]).map(({ basename }) => basename);

    for (const size of SIZES) {
        test(`a file of ${size} bytes comes back as it was written by PUT`, async () => {
            const { content, digest } = largeContent(size);
            assert.equal(await put(cloud, alice, at(`put-${size}.bin`), content, size), 201);
            assert.equal(await digestOf(alice, at(`put-${size}.bin`)), digest());
        });
    }

    test("so does one by tus", async () => {
        const size = 256 * MIB + 1;
        const { content, digest } = largeContent(size);
        const drive = JSON.parse((await alice.ask("/graph/v1.0/me/drive")).text) as { id: string };
        const folder = `/remote.php/dav/spaces/${drive.id}`;
        await uploadByTus(cloud, alice, folder, { name: "tus.bin", content, size, chunk: 64 * MIB });
        assert.equal(await digestOf(alice, `${folder}/tus.bin`), digest());
    });

    test("their contents are in the bucket alone, its keys are secrets, and a preview sees no change", async () => {
        const kibibytes = await docker("exec", ocis(), "/bin/sh", "-c", "du -sk /var/lib/ocis/storage/users");
        assert.ok(Number.parseInt(kibibytes) < 10 * 1024, kibibytes);
        const inspected = await docker("inspect", ocis(), `${ocis()}-files`, `${ocis()}-secrets`);
        const { text } = await cloud.stack.operate("preview", ["--diff", "--show-sames", "--expect-no-changes"]);
        for (const secret of [server.accessKey, server.secretKey]) {
            assert.ok(![inspected, text].some((said) => said.includes(secret)));
        }
    });

    test("status says that it does not count them", async () => {
        const { code, text } = await cloud.stack.command("status", "--people");
        assert.equal(code, 0, text);
        assert.match(text, /personal\/alice.*without the contents of files, which are in the bucket cloud/s);
    });

    test("where the server goes away, whoever writes is told, nothing is half there, and everything goes on when it is back", async () => {
        assert.equal(await write("kept.txt", "as it was"), 201);
        await server.kill();
        assert.ok((await write("new.txt", "never there")) >= 500);
        assert.ok((await write("kept.txt", "never so")) >= 500);
        assert.ok(!(await names()).includes("new.txt"));
        await server.serve();
        await eventually("it takes files again", 60, async () => (await write("new.txt", "there")) < 300 || undefined);
        assert.equal(await readText(tokenClient(cloud, alice), "/new.txt"), "there");
        assert.equal(await readText(tokenClient(cloud, alice), "/kept.txt"), "as it was");
    });

    test("one that goes away in the middle of an upload leaves the file of before", async () => {
        assert.equal(await write("large.bin", "of before"), 201);
        const size = 512 * MIB;
        const { content } = largeContent(size);
        let passed = 0;
        let killed: Promise<void> | undefined;
        content.on("data", (block: Buffer) => {
            passed += block.length;
            if (passed > size / 2) {
                killed ??= server.kill();
            }
        });
        assert.ok((await put(cloud, alice, at("large.bin"), content, size)) >= 500);
        await killed;
        await server.serve();
        await eventually("it can be read", 60, async () => {
            const { status, text } = await alice.ask(at("large.bin"));
            return status === 200 ? text === "of before" : undefined;
        });
    });

    test("the files of before the bucket stay where they are: another mode is refused", async () => {
        cloud.stack.configure({ ...cloud.settings, storage: {} });
        const { code, text } = await cloud.stack.operate("preview");
        assert.notEqual(code, 0, text);
        assert.match(text, /storage\.blobs\.mode: "files" cannot be used\. Allowed: "s3", with which this stack was made/);
        cloud.stack.configure(cloud.settings);
    });

    test("a backup says that the bucket is not part of it, and a rehearsal keeps its hands off it", async () => {
        const folder = mkdtempSync(join(tmpdir(), "s3-test-"));
        const where = repositoryIn(folder);
        const { code, text } = await cloud.stack.command("backup", "--init", ...where);
        assert.equal(code, 0, text);
        assert.match(text, /The contents of files are not part of it: the bucket cloud at https:/);
        const rehearsal = await cloud.stack.command("restore", "--rehearse", ...where);
        assert.match(rehearsal.text, /A rehearsal would work on the very bucket/);
        const restored = await cloud.stack.command("restore", "--yes", ...where);
        assert.equal(restored.code, 0, restored.text);
        assert.match(restored.text, /oCIS says that its files belong together/);
        rmSync(folder, { recursive: true });
    });
});
