/** A stack on a Docker Engine without root: everything works as on an ordinary one, and what such an engine cannot do is said. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Session } from "../../client/relying-party";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { NO_ROOTLESS_ENGINE, RootlessEngine } from "./rootless-engine";
import { eventually } from "./waiting";
import { readText, tokenClient } from "./webdav";

describeOn({ tier: "option", real: true, missing: NO_ROOTLESS_ENGINE }, "an engine without root", (images) => {
    let engine: RootlessEngine;
    let cloud: Cloud;
    let alice: Session;

    before(async () => {
        engine = await RootlessEngine.with(Object.values(images));
        cloud = await Cloud.up("test-rootless", { images, users: usersCalled(["alice"]), "docker:host": engine.host });
        await cloud.enrol(["alice"]);
    });

    after(async () => {
        await cloud?.down();
        await engine?.remove();
    });

    test("people sign in and keep files, and a preview sees no change", async () => {
        alice = await cloud.signIn(cloud.credentials("alice"));
        await tokenClient(cloud, alice).putFileContents("/kept.txt", "kept");
        await cloud.expectNoChange();
        const options = await cloud.stack.docker("info", "--format", "{{.SecurityOptions}}");
        assert.match(options, /rootless/);
    });

    test("status finds everything well, and doctor says where memory has no limit", async () => {
        const status = await cloud.stack.command("status");
        assert.equal(status.code, 0, status.text);
        const limits = await cloud.stack.docker("info", "--format", "{{.MemoryLimit}}");
        const { text } = await cloud.stack.command("doctor");
        const said = /warning +memory limits: the engine keeps none/.test(text);
        assert.equal(said, limits === "false", text);
    });

    test("the engine starts anew, and the stack with it", async () => {
        await engine.stop();
        await engine.start();
        const status = await eventually("the stack is there again", 120, async () => {
            const { code, text } = await cloud.stack.command("status");
            return code === 0 ? text : undefined;
        });
        assert.match(status, /healthy/);
        alice = await cloud.signIn(cloud.credentials("alice"));
        assert.equal(await readText(tokenClient(cloud, alice), "/kept.txt"), "kept");
        await cloud.expectNoChange();
    });
});
