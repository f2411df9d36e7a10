/**
 * Mail of both servers: Authelia's one-time codes, ownCloud's notices of shares, to a real mail server whose certificate they
 * verify. Runs on real servers at hand, a pair for each release of Authelia; the stand-ins send no mail.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { AUTHELIA, releaseOf } from "../../versions";
import { Authority } from "../authority";
import { Browser } from "./browser";
import { Cloud } from "./cloud";
import { MailServer } from "./mail-server";
import { realPairs } from "./pairs";
import { signIn, WEB } from "./relying-party";
import { docker, hostAddress } from "./stack";

const real = realPairs();
/** The first pair with each release of Authelia: the lines of oCIS differ in one variable alone, which a unit test looks at. */
const pairs = real.filter(({ images }, index) => real.findIndex((pair) => pair.images.authelia === images.authelia) === index);

if (pairs.length === 0) {
    test("mail", { skip: "needs real servers" });
}

for (const { title, images } of pairs) {
    describe(`mail on ${title}`, { timeout: 10 * 60_000 }, () => {
        let authority: Authority;
        let server: MailServer;
        let starttls: MailServer;
        let cloud: Cloud;
        let alice: { browser: Browser; authorization: string };

        const smtp = (mailServer: MailServer, { root }: Authority) => ({ ...mailServer.settings, authority: root });

        before(async () => {
            authority = new Authority();
            const certified = authority.issue(`IP:${await hostAddress()}`);
            server = await MailServer.start(certified, true);
            starttls = await MailServer.start(certified, false);
            const users = Object.fromEntries(
                ["alice", "bob"].map((name) => [name, { displayName: name, email: `${name}@example.com` }]),
            );
            cloud = await Cloud.up("test-mail", { images, users, smtp: smtp(server, authority) });
            await cloud.enrol(["alice", "bob"]);
            const enter = async (name: string) => {
                const browser = cloud.open();
                const { tokens } = await signIn(browser, cloud.url, WEB, cloud.webRedirect, cloud.credentials(name));
                const authorization = `Bearer ${tokens.access_token}`;
                const me = await browser.request(`${cloud.url}/graph/v1.0/me`, { headers: { authorization } });
                assert.equal(me.status, 200, await me.text());
                return { browser, authorization };
            };
            await enter("bob");
            alice = await enter("alice");
        });

        after(async () => {
            await cloud.down();
            await Promise.all([server.stop(), starttls.stop()]);
            authority.close();
        });

        /** Signs alice in by password and asks for the code with which she could enrol another second factor. */
        async function askForCode(): Promise<{ status: number; use: (code: string) => Promise<number> }> {
            const browser = cloud.open();
            const send = async (method: string, path: string, body: object) => {
                const response = await browser.request(`${cloud.issuer}${path}`, {
                    method,
                    headers: { "content-type": "application/json" },
                    body: JSON.stringify(body),
                });
                await response.body?.cancel();
                return response.status;
            };
            const { username, password } = cloud.credentials("alice");
            assert.equal(await send("POST", "/api/firstfactor", { username, password, keepMeLoggedIn: false }), 200);
            const path = "/api/user/session/elevation";
            return { status: await send("POST", path, {}), use: (code) => send("PUT", path, { otc: code }) };
        }

        async function expectCode(mailServer: MailServer): Promise<void> {
            const { status, use } = await askForCode();
            assert.equal(status, 200);
            const mail = await mailServer.mailTo("alice@example.com");
            assert.match(mail, /^From: .*Cloud.*<cloud@example\.com>/m);
            // On a line of its own, or at the end of the sentence that says what it is.
            const [, code] = /^(?:.*code: |\s*)([A-Z0-9]{8})\s*$/m.exec(mail) ?? [];
            assert.ok(code !== undefined, mail);
            assert.equal(await use(code), 200);
        }

        async function expectNoticeOfShare(mailServer: MailServer, folder: string): Promise<void> {
            const request = (method: string, path: string, more: object = {}, body?: string) =>
                alice.browser.request(`${cloud.url}${path}`, {
                    method,
                    headers: { authorization: alice.authorization, ...more },
                    body,
                });
            const made = await request("MKCOL", `/remote.php/webdav/${folder}`);
            assert.equal(made.status, 201, await made.text());
            const share = new URLSearchParams({ path: `/${folder}`, shareType: "0", shareWith: "bob", permissions: "1" });
            const form = { "content-type": "application/x-www-form-urlencoded", "ocs-apirequest": "true" };
            const shared = await request("POST", "/ocs/v2.php/apps/files_sharing/api/v1/shares", form, share.toString());
            assert.equal(shared.status, 200, await shared.text());
            const mail = await mailServer.mailTo("bob@example.com");
            assert.match(mail, /^From: .*cloud@example\.com/m);
            assert.match(mail, new RegExp(folder));
        }

        test("a one-time code comes by mail, and serves", () => expectCode(server));

        test("whoever is given a share gets a notice", () => expectNoticeOfShare(server, "holiday"));

        test("preview after up expects no change, and does not say that mail is off", async () => {
            const { code, text } = await cloud.stack.operate("preview", ["--expect-no-changes"]);
            assert.equal(code, 0, text);
            assert.doesNotMatch(text, /Mail is off/);
        });

        test("Authelia finds nothing to object to in its configuration", async () => {
            const validate =
                releaseOf(AUTHELIA, images.authelia).line.line === "4.38" ? ["validate-config"] : ["config", "validate"];
            const said = await docker("exec", `${cloud.stack.prefix}authelia`, "authelia", ...validate);
            assert.equal(said, "Configuration parsed and loaded successfully without errors.");
        });

        test("the password shows in no preview, environment or plain file", async () => {
            const changed = { ...smtp(server, authority), password: "canary-of-another-password" };
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
                assert.ok(![server.password, changed.password].some((password) => each.includes(password)));
            }
        });

        test("a server that begins with STARTTLS serves too", async () => {
            cloud.stack.configure({ ...cloud.settings, smtp: smtp(starttls, authority) });
            await cloud.stack.up();
            await expectCode(starttls);
            await expectNoticeOfShare(starttls, "garden");
        });

        test("a server whose certificate cannot be verified gets neither mail nor password", async () => {
            const stranger = new Authority();
            cloud.stack.configure({ ...cloud.settings, smtp: smtp(server, stranger) });
            stranger.close();
            await cloud.stack.up();
            const before = [server.attempts, server.mails.length];
            assert.notEqual((await askForCode()).status, 200);
            await assert.rejects(expectNoticeOfShare(server, "secret-place"), /no mail to bob/);
            await pause(1000);
            assert.deepEqual([server.attempts, server.mails.length], before);
        });
    });
}
