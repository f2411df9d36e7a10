/**
 * Mail of both servers, to a real mail server: by TLS from the first byte on, as release.test.ts uses it, and after STARTTLS; never
 * to one whose certificate they cannot verify. The stand-ins send no mail.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Authority } from "../authority";
import { Cloud, usersCalled } from "./cloud";
import { askForCode, expectCode, expectNoticeOfShare } from "./mail";
import { MailServer } from "./mail-server";
import { describeOn } from "./pairs";
import { Session } from "../../client/relying-party";
import { docker } from "./stack";

describeOn({ tier: "everything", real: true }, "mail", (images) => {
    let authority: Authority;
    let server: MailServer;
    let starttls: MailServer;
    let cloud: Cloud;
    let alice: Session;

    const smtp = (mailServer: MailServer, { root }: Authority) => ({ ...mailServer.settings, authority: root });

    before(async () => {
        authority = new Authority();
        server = await MailServer.start(authority, true);
        starttls = await MailServer.start(authority, false);
        const users = usersCalled(["alice", "bob"]);
        cloud = await Cloud.up("test-mail", { images, users, smtp: smtp(starttls, authority) });
        await cloud.enrol(["alice", "bob"]);
        await (await cloud.signIn(cloud.credentials("bob"))).me();
        alice = await cloud.signIn(cloud.credentials("alice"));
    });

    after(async () => {
        await cloud.down();
        await Promise.all([server.stop(), starttls.stop()]);
        authority.close();
    });

    test("preview after up expects no change, and does not say that mail is off", async () => {
        assert.doesNotMatch(await cloud.expectNoChange(), /Mail is off/);
    });

    test("a server that begins with STARTTLS serves for one-time codes", async () =>
        void (await expectCode(cloud, "alice", starttls)));

    test("and for notices of shares", () => expectNoticeOfShare(alice, "garden", "bob", starttls));

    test("the password shows in no preview, environment or plain file", async () => {
        const changed = { ...smtp(starttls, authority), password: "canary-of-another-password" };
        cloud.stack.configure({ ...cloud.settings, smtp: changed });
        const { code, text } = await cloud.stack.operate("preview", ["--diff"]);
        assert.equal(code, 0, text);
        const seen = [text];
        for (const name of ["authelia", "ocis"]) {
            const container = `${cloud.stack.prefix}${name}`;
            seen.push(await docker("inspect", container));
            seen.push(await docker("exec", container, "sh", "-c", "cat /run/configuration/*"));
        }
        for (const each of seen) {
            assert.ok(![starttls.password, changed.password].some((password) => each.includes(password)));
        }
    });

    test("a server whose certificate cannot be verified gets neither mail nor password", async () => {
        const stranger = new Authority();
        await cloud.change({ smtp: smtp(server, stranger) });
        stranger.close();
        assert.notEqual((await askForCode(cloud, "alice")).status, 200);
        await assert.rejects(expectNoticeOfShare(alice, "secret-place", "bob", server), /no mail to bob/);
        await pause(1000);
        assert.deepEqual([server.attempts, server.mails.length], [0, 0]);
    });
});
