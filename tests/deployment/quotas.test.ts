/**
 * Quotas on a stack: each person has that of the own role, what goes beyond it is refused whole, nobody else notices, and what an
 * administrator gives to one person, or a changed configuration to those who come later, leaves everything else as it was.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Session } from "../../client/relying-party";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { digestOf, largeContent, put, tokenClient, uploadByTus } from "./webdav";

const MIB = 1 << 20;

/** A space as the Graph API tells of it. */
interface Drive {
    readonly id: string;
    readonly quota: { readonly total?: number; readonly used?: number };
}

const at = (name: string) => `/remote.php/webdav/${name}`;

describeOn({ tier: "option", real: true }, "quotas", (images) => {
    let cloud: Cloud;
    let alice: Session;
    let bob: Session;
    let carol: Session;
    /** What bob has written at first. */
    let kept: { status: number; digest: string };
    const signIn = (name: string) => cloud.signIn(cloud.credentials(name));
    const ocis = () => `${cloud.stack.prefix}ocis`;

    before(async () => {
        const users = {
            ...usersCalled(["alice"], { groups: ["parents"] }),
            ...usersCalled(["bob", "carol", "dave", "erin"], { groups: ["family"] }),
        };
        const quotas = { personal: "4 MiB", roles: { administrators: "unlimited" }, projects: "2 MB" };
        const access = { groups: ["family"], administrators: ["parents"] };
        cloud = await Cloud.up("test-quotas", { images, users, quotas, access });
        await cloud.enrol(Object.keys(users));
        // One after the other: Authelia 4.38 loses sessions that begin at once.
        alice = await signIn("alice");
        bob = await signIn("bob");
        carol = await signIn("carol");
    });

    after(() => cloud?.down());

    const drive = async (of: Session) => JSON.parse((await of.ask("/graph/v1.0/me/drive")).text) as Drive;
    const total = async (of: Session) => (await drive(of)).quota.total;
    const names = async (of: Session) =>
        ((await tokenClient(cloud, of).getDirectoryContents("/")) as { basename: string }[])
            .map(({ basename }) => basename)
            .filter((name) => name !== "Shares")
            .sort();
    /** Writes a file by PUT and returns the answer's status and the content's digest. */
    const write = async (of: Session, name: string, size: number) => {
        const { content, digest } = largeContent(size);
        return { status: await put(cloud, of, at(name), content, size), digest: digest() };
    };
    /** The status of the answer that ends an upload by tus. */
    const writeByTus = async (of: Session, name: string, size: number) => {
        const folder = `/remote.php/dav/spaces/${(await drive(of)).id}`;
        const { content } = largeContent(size);
        return uploadByTus(cloud, of, folder, { name, content, size, chunk: 2 * MIB }).then(
            () => 201,
            (error: { originalResponse?: { getStatus(): number } }) => error.originalResponse?.getStatus(),
        );
    };

    /** What an administrator does in the web interface, or whoever else tries. */
    const change = (by: Session, { id }: Drive, bytes: number) =>
        by.ask(`/graph/v1.0/drives/${id}`, { method: "PATCH", body: JSON.stringify({ quota: { total: bytes } }) });

    test("everybody has that of the own role, and a space of several people its own", async () => {
        assert.deepEqual(await Promise.all([alice, bob, carol].map(total)), [0, 4 * MIB, 4 * MIB]);
        const made = await alice.ask("/graph/v1.0/drives", { method: "POST", body: JSON.stringify({ name: "holidays" }) });
        assert.equal((JSON.parse(made.text) as Drive).quota.total, 2_000_000, made.text);
        await cloud.expectNoChange();
    });

    test("what goes beyond it is refused, by PUT, by tus and in the place of a file, and nothing of it is there", async () => {
        kept = await write(bob, "kept.bin", MIB);
        assert.equal(kept.status, 201);
        assert.equal(await digestOf(bob, at("kept.bin")), kept.digest);
        assert.equal((await write(bob, "put.bin", 5 * MIB)).status, 507);
        assert.equal(await writeByTus(bob, "tus.bin", 5 * MIB), 507);
        assert.equal((await write(bob, "kept.bin", 5 * MIB)).status, 507);
        assert.equal(await digestOf(bob, at("kept.bin")), kept.digest);
        assert.deepEqual(await names(bob), ["kept.bin"]);
        const uploads = "/var/lib/ocis/storage/users/uploads";
        assert.equal(await cloud.stack.docker("exec", ocis(), "/bin/sh", "-c", `busybox ls ${uploads}`), "");
    });

    test("it can be filled to the last byte, others write on, and what is deleted makes room", async () => {
        assert.equal(await writeByTus(bob, "rest.bin", 3 * MIB), 201);
        assert.equal((await drive(bob)).quota.used, 4 * MIB);
        assert.equal((await write(bob, "more.bin", 1)).status, 507);
        assert.equal((await write(carol, "hers.bin", 3 * MIB)).status, 201);
        assert.equal((await write(alice, "hers.bin", 5 * MIB)).status, 201);
        await tokenClient(cloud, bob).deleteFile("/rest.bin");
        assert.equal((await write(bob, "other.bin", 3 * MIB)).status, 201);
    });

    test("of several files at once each is taken whole or refused whole", async () => {
        const written = await Promise.all([1, 2, 3].map((number) => write(carol, `${number}.bin`, MIB)));
        // How many fit is looked at before what comes beside it is counted: on oCIS 4.0.5 two were taken.
        const taken = written.filter(({ status }) => status === 201).length;
        assert.ok(taken >= 1 && written.every(({ status }) => [201, 507].includes(status)));
        assert.equal((await drive(carol)).quota.used, (3 + taken) * MIB);
        assert.equal((await names(carol)).length, 1 + taken);
    });

    test("an administrator gives one person another one, which works at once; people cannot themselves", async () => {
        assert.equal((await change(bob, await drive(bob), 80 * MIB)).status, 403);
        assert.equal((await change(alice, await drive(bob), 8 * MIB)).status, 200);
        assert.equal((await write(bob, "more.bin", MIB)).status, 201);
        const { code, text } = await cloud.stack.command("status", "--people");
        assert.equal(code, 0, text);
        assert.match(text, /^personal\/bob .* 5\.0 MiB of 8\.0 MiB$/m);
        assert.match(text, /^personal\/alice +\S+ MiB$/m);
    });

    test("another one in the configuration is for who comes later, and leaves everybody else's and their files alone", async () => {
        await cloud.change({ quotas: { personal: "6 MiB" } });
        const dave = await signIn("dave");
        assert.deepEqual(await Promise.all([alice, bob, carol, dave].map(total)), [0, 8 * MIB, 4 * MIB, 6 * MIB]);
        await cloud.change({ quotas: {} });
        const erin = await signIn("erin");
        assert.deepEqual(await Promise.all([bob, dave].map(total)), [8 * MIB, 6 * MIB]);
        assert.ok(!(await total(erin)), "no limit");
        assert.equal((await write(erin, "hers.bin", 9 * MIB)).status, 201);
        assert.equal(await digestOf(bob, at("kept.bin")), kept.digest);
        assert.deepEqual(await names(bob), ["kept.bin", "more.bin", "other.bin"]);
    });
});
