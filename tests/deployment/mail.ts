/** What both servers send by mail, for tests: it has to arrive, and to serve. */
import assert from "node:assert/strict";

import { Cloud } from "./cloud";
import { MailServer } from "./mail-server";
import { Session } from "./relying-party";

/** Signs somebody in by password and asks for the code with which another second factor could be enrolled. */
export async function askForCode(
    cloud: Cloud,
    user: string,
): Promise<{ status: number; use: (code: string) => Promise<number> }> {
    const browser = cloud.open();
    const send = async (method: string, path: string, json: object) =>
        (await browser.ask(`${cloud.issuer}${path}`, { method, json })).status;
    const { username, password } = cloud.credentials(user);
    assert.equal(await send("POST", "/api/firstfactor", { username, password, keepMeLoggedIn: false }), 200);
    const path = "/api/user/session/elevation";
    return { status: await send("POST", path, {}), use: (code) => send("PUT", path, { otc: code }) };
}

/** Authelia's one-time code comes by mail, and serves. */
export async function expectCode(cloud: Cloud, user: string, server: MailServer): Promise<void> {
    const { status, use } = await askForCode(cloud, user);
    assert.equal(status, 200);
    const mail = await server.mailTo(`${user}@example.com`);
    assert.match(mail, /^From: .*Cloud.*<cloud@example\.com>/m);
    // On a line of its own, or at the end of the sentence that says what it is.
    const [, code] = /^(?:.*code: |\s*)([A-Z0-9]{8})\s*$/m.exec(mail) ?? [];
    assert.ok(code !== undefined, mail);
    assert.equal(await use(code), 200);
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
