/**
 * A stack on the engine of another machine, which the program reaches by ssh, and then by TCP with TLS: everything works as on one's own,
 * the commands too, and nothing comes to be on the machine on which the program runs.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";

import { Session } from "../../client/relying-party";
import { chooseReal } from "../../operations/images";
import { freePort } from "../../system/free-port";
import { Ended } from "../../system/run";
import { RESTIC_IMAGE } from "../../versions";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { NO_REMOTE_MACHINE, RemoteMachine } from "./remote-machine";
import { dockerLines } from "./stack";
import { readText, tokenClient } from "./webdav";

const STACK = "test-remote-cloud";

describeOn({ tier: "everything", real: true, missing: NO_REMOTE_MACHINE }, "an engine on another machine", (images) => {
    const path = process.env.PATH!;
    let machine: RemoteMachine;
    let cloud: Cloud;
    let alice: Session;

    before(async () => {
        const restic = await chooseReal("restic", () => undefined);
        const all = [images.authelia, images.ocis, images.caddy, restic];
        machine = await RemoteMachine.on("test-remote", all, restic === RESTIC_IMAGE ? {} : { [restic]: RESTIC_IMAGE });
        process.env.PATH = [machine.programs, path].join(delimiter);
        const httpsPort = await freePort();
        await machine.lead(httpsPort);
        cloud = await Cloud.up(STACK, {
            images,
            users: usersCalled(["alice", "bob"]),
            address: machine.address,
            httpsPort,
            "docker:host": machine.bySsh,
        });
        await cloud.enrol(["alice", "bob"]);
    });

    after(async () => {
        try {
            await cloud?.down();
        } finally {
            process.env.PATH = path;
            await machine?.remove();
        }
    });

    const command = async (name: string, ...args: string[]): Promise<Ended> => {
        const ended = await cloud.stack.command(name, ...args);
        assert.equal(ended.code, 0, ended.text);
        return ended;
    };

    test("people sign in and keep files, a preview sees no change, and this machine's engine has nothing of it", async () => {
        alice = await cloud.signIn(cloud.credentials("alice"));
        await tokenClient(cloud, alice).putFileContents("/kept.txt", "kept");
        await cloud.expectNoChange();
        assert.equal((await cloud.stack.remains()).filter((line) => line.startsWith("container")).length, 9);
        assert.deepEqual(await dockerLines("ps", "--all", "--quiet", "--filter", `name=${cloud.stack.prefix}`), []);
    });

    test("status, doctor and users look there", async () => {
        const { stdout } = await command("status", "--json");
        const { containers } = JSON.parse(stdout) as { containers: { health: string }[] };
        assert.deepEqual(
            containers.map(({ health }) => health),
            ["healthy", "healthy", "healthy"],
        );
        assert.match((await command("doctor")).text, /edge runs and is healthy/);
        assert.match((await command("users", "list")).text, /alice/);
    });

    test("a container that does not become ready there: its log is shown", async () => {
        cloud.stack.configure({ ...cloud.settings, images: { ...images, caddy: images.authelia } });
        const { code, text } = await cloud.stack.operate("up");
        assert.notEqual(code, 0, text);
        assert.match(text, /edge did not become ready: .*The last lines of its log:\s+\S/s);
        assert.doesNotMatch(text, /could not be read/);
        await cloud.change({});
    });

    test("a backup is made on that machine's disk, and restored there where nothing is left, not even the state", async () => {
        const password = join(machine.disk("secrets"), "password");
        writeFileSync(password, "of the repository\n", { mode: 0o600 });
        const where = ["--repository", machine.disk("repository"), "--password-file", password];
        await command("backup", "--init", ...where);
        await cloud.stack.lose();
        await command("restore", "--yes", "--docker-host", machine.bySsh, ...where);
        alice = await cloud.signIn(cloud.credentials("alice"));
        assert.equal(await readText(tokenClient(cloud, alice), "/kept.txt"), "kept");
        assert.deepEqual(await dockerLines("ps", "--all", "--quiet", "--filter", `name=${cloud.stack.prefix}`), []);
        const rehearsal = await cloud.stack.command("restore", "--rehearse", ...where);
        assert.match(rehearsal.text, /the stack's engine is another machine's: run it there/);
    });

    test("by TCP with TLS it is the same stack", async () => {
        cloud.stack.configure({ ...cloud.settings, "docker:host": machine.byTls, "docker:certPath": machine.certPath });
        await cloud.expectNoChange();
        await cloud.stack.up();
        await command("status");
        assert.equal(await (await cloud.signIn(cloud.credentials("bob"))).status(), 200);
    });

    test("by TCP without it, it is refused before anything is asked", async () => {
        cloud.stack.configure({ ...cloud.settings, "docker:host": machine.byTls });
        const { code, text } = await cloud.stack.operate("preview");
        assert.notEqual(code, 0, text);
        assert.match(
            text,
            /docker:host: "tcp:\/\/198\.18\.77\.2:2376" cannot be used\. Allowed: ssh:\/\/user@host, or tcp:\/\/ with/,
        );
        assert.match(text, /config set docker:host ssh:\/\/root@198\.18\.77\.2 --stack/);
        cloud.stack.configure(cloud.settings);
    });
});
