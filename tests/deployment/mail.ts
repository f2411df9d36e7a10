/** What both servers send by mail, for tests: it has to arrive, and to serve. */
import assert from "node:assert/strict";

import { Browser, Question } from "../../client/browser";
import { Cloud } from "./cloud";
import { MailServer } from "./mail-server";
import { Session } from "../../client/relying-party";

/** Signs somebody in by password and asks for the code with which another second factor could be enrolled. */
export async function askForCode(
    cloud: Cloud,
    user: string,
    browser = cloud.open(),
): Promise<{ status: number; use: (code: string) => Promise<number> }> {
    const send = async (path: string, question: Question) => (await browser.ask(`${cloud.issuer}${path}`, question)).status;
    const { username, password } = cloud.credentials(user);
    const json = { username, password, keepMeLoggedIn: false };
    assert.equal(await send("/api/firstfactor", { json }), 200);
    const path = "/api/user/session/elevation";
    // Without a body, as Authelia's own page asks.
    const status = await send(path, { method: "POST" });
    return { status, use: (code) => send(path, { method: "PUT", json: { otc: code } }) };
}

/** The one-time code in a mail of Authelia. */
export function codeIn(mail: string): string {
    // On a line of its own, or at the end of the sentence that says what it is.
    const [, code] = /^(?:.*code: |\s*)([A-Z0-9]{8})\s*$/m.exec(mail) ?? [];
    assert.ok(code !== undefined, mail);
    return code;
}

/** Authelia's one-time code comes by mail, and serves. @returns The browser of somebody who has shown it with the password. */
export async function expectCode(cloud: Cloud, user: string, server: MailServer): Promise<Browser> {
    const browser = cloud.open();
    const { status, use } = await askForCode(cloud, user, browser);
    assert.equal(status, 200);
    const mail = await server.mailTo(`${user}@example.com`);
    assert.match(mail, /^From: .*Cloud.*<cloud@example\.com>/m);
    assert.equal(await use(codeIn(mail)), 200);
    return browser;
}

/** Whoever is given a folder by somebody gets ownCloud's notice. The recipient has to have signed in before. */
export async function expectNoticeOfShare(
    giver: Session,
    folder: string,
    recipient: string,
    server: MailServer,
): Promise<void> {
    const made = await giver.ask(`/remote.php/webdav/${folder}`, { method: "MKCOL" });
    assert.equal(made.status, 201, made.text);
    const shared = await giver.ask("/ocs/v2.php/apps/files_sharing/api/v1/shares", {
        method: "POST",
        headers: { "ocs-apirequest": "true" },
        body: new URLSearchParams({ path: `/${folder}`, shareType: "0", shareWith: recipient, permissions: "1" }),
    });
    assert.equal(shared.status, 200, shared.text);
    const mail = await server.mailTo(`${recipient}@example.com`);
    assert.match(mail, /^From: .*cloud@example\.com/m);
    assert.match(mail, new RegExp(folder));
}
