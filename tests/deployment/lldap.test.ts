/**
 * People in an LLDAP of the stack: made on its page, which opens to its administrators alone, they set their passwords themselves, by mail
 * and in the portal, and get in by their groups. It makes no difference by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { CLIENTS } from "../../client/relying-party";
import { ImageNames } from "../../operations/images";
import { VerifyReport } from "../../operations/verify/report";
import { OCIS, releaseOf } from "../../versions";
import { Authority } from "../authority";
import { Cloud } from "./cloud";
import { imageAtHand } from "./image-at-hand";
import { atPortal, LldapAdministrator, pageOf } from "./lldap";
import { MailServer } from "./mail-server";
import { outcome } from "./matrix";
import { describeOn, isEarlyAuthelia } from "./pairs";
import { repositoryIn } from "./repository";
import { docker } from "./stack";
import { eventually } from "./waiting";

const LLDAP = imageAtHand("lldap/lldap");

/** Who is in which groups, and what becomes of them: the error of the provider, or what ownCloud answers. */
const PEOPLE = {
    alice: { groups: ["parents"], expected: "me 200, users 200" },
    bob: { groups: ["family"], expected: "me 200, users 403" },
    carol: { groups: ["neighbours"], expected: "access_denied" },
    dora: { groups: ["family", "disabled"], expected: "the password: 401" },
} as const;

/** Why it cannot run. */
function missing(images: ImageNames): string | undefined {
    if (LLDAP === undefined) {
        return "needs an image of LLDAP";
    }
    return isEarlyAuthelia(images) ? "is refused with Authelia 4.38" : undefined;
}

const newPassword = () => `Aa1!canary-${randomBytes(12).toString("hex")}`;

describeOn({ tier: "option", real: true, missing }, "LLDAP in the stack", (images) => {
    let cloud: Cloud;
    let authority: Authority;
    let mail: MailServer;
    let lldap: LldapAdministrator;
    const folder = mkdtempSync(join(tmpdir(), "lldap-test-"));

    before(async () => {
        authority = new Authority();
        mail = await MailServer.start(authority, true);
        cloud = await Cloud.up("test-lldap", {
            images: { ...images, lldap: LLDAP } as typeof images,
            directory: { mode: "lldap" },
            // By password alone, so that nobody waits for codes: those are the page's and the portal's here.
            access: { policy: "one_factor", groups: ["family"], administrators: ["parents"] },
            smtp: { ...mail.settings, authority: authority.root },
        });
        await cloud.enrol(["admin"]);
        lldap = await LldapAdministrator.signIn(cloud);
        for (const [name, { groups }] of Object.entries(PEOPLE)) {
            await lldap.addPerson(name, groups);
        }
        await cloud.enrol(Object.keys(PEOPLE));
    });

    after(async () => {
        await cloud?.down();
        await mail.stop();
        authority.close();
        rmSync(folder, { recursive: true });
    });

    // oCIS 4.0 says 401 to who may not list all users, later ones 403.
    const refusal = releaseOf(OCIS, images.ocis).line.line === "4.0" ? "users 401" : "users 403";
    const expected = (user: keyof typeof PEOPLE) => PEOPLE[user].expected.replace("users 403", refusal);

    const container = (server: string) => `${cloud.stack.prefix}${server}`;

    /** What the portal answers: 200 stands for no success by itself, and some successes say nothing more. */
    const portal = async (path: string, json: object, browser = cloud.open()): Promise<string> => {
        const { status, text } = await browser.ask(`${cloud.issuer}/api${path}`, { json });
        return `${status} ${text === "" ? "OK" : (JSON.parse(text) as { status: string }).status}`;
    };

    /** The next mail to somebody, as text. */
    const mailTo = async (user: string) =>
        (await mail.mailTo(`${user}@example.com`)).replaceAll("=\r\n", "").replaceAll("=3D", "=");

    /** Sets a password by the link that comes by mail, as somebody does who has forgotten it or never had one. */
    async function setByMail(user: string, password: string): Promise<string> {
        const browser = cloud.open();
        mail.mails.length = 0; // Authelia sends a notice of each change
        assert.equal(await portal("/reset-password/identity/start", { username: user }, browser), "200 OK");
        const text = await mailTo(user);
        const [, token] = /token=([\w.-]+)/.exec(text) ?? assert.fail(text);
        assert.equal(await portal("/reset-password/identity/finish", { token }, browser), "200 OK");
        return portal("/reset-password", { password }, browser);
    }

    test("the page opens to nobody without a session, and to no member of other groups", async () => {
        const page = pageOf(cloud);
        const stranger = cloud.open();
        const html = { headers: { accept: "text/html" } };
        const answer = await stranger.ask(`${page}/`, html);
        assert.equal(answer.status, 302);
        assert.ok(answer.headers.get("location")!.startsWith(`${cloud.issuer}/?rd=`), answer.text);
        for (const path of ["/api/graphql", "/auth/simple/login", "/health"]) {
            const { status } = await stranger.ask(page + path, { json: {} });
            assert.ok([302, 303, 401].includes(status), `${path}: ${status}`);
        }
        // Nor by a password alone, whose digest would be checked for anybody who asks.
        const basic = Buffer.from(`admin:${cloud.passwords.admin}`).toString("base64");
        const asked = await stranger.ask(`${page}/`, { headers: { ...html.headers, authorization: `Basic ${basic}` } });
        assert.equal(asked.status, 302);
        cloud.passwords.bob = newPassword();
        assert.equal(await setByMail("bob", cloud.passwords.bob), "200 OK");
        const bob = await atPortal(cloud, "bob");
        assert.equal((await bob.ask(`${page}/`, html)).status, 403);
    });

    test("to its administrators it does", async () => {
        const administrator = await atPortal(cloud, "admin");
        const { status, text } = await administrator.ask(`${pageOf(cloud)}/`);
        assert.equal(status, 200);
        assert.match(text, /LLDAP/i);
        const { users } = await lldap.ask<{ users: { id: string }[] }>("{ users { id } }");
        assert.deepEqual(users.map(({ id }) => id).sort(), ["admin", "authelia", "ocis", ...Object.keys(PEOPLE)].sort());
    });

    test("people get in by all clients, as what their groups say", async () => {
        for (const user of ["alice", "carol"] as const) {
            cloud.passwords[user] = newPassword();
            assert.equal(await setByMail(user, cloud.passwords[user]), "200 OK", user);
        }
        cloud.passwords.dora = newPassword();
        for (const user of ["alice", "bob"] as const) {
            for (const client of Object.keys(CLIENTS)) {
                assert.equal(await outcome(cloud, client, cloud.credentials(user)), expected(user), `${user} ${client}`);
            }
        }
        for (const user of ["carol", "dora"] as const) {
            assert.equal(await outcome(cloud, "web", cloud.credentials(user)), expected(user), user);
        }
        const found = await (await cloud.signIn(cloud.credentials("bob"))).me();
        assert.deepEqual([found.displayName, found.mail], ["bob Example", "bob@example.com"]);
    });

    test("the servers' accounts are no people", async () => {
        const password = await docker("exec", container("lldap"), "cat", "/run/secrets/authelia");
        assert.match(await portal("/firstfactor", { username: "authelia", password }), /^401/);
        const alice = await cloud.signIn(cloud.credentials("alice"));
        const { text } = await alice.ask("/graph/v1.0/users");
        assert.doesNotMatch(text, /authelia@|ocis@/);
        assert.match(text, /bob@example\.com/);
    });

    test("somebody changes the password in the portal, and then only the new one serves", async () => {
        const { password: before } = cloud.credentials("bob");
        const browser = await atPortal(cloud, "bob");
        const change = { username: "bob", old_password: before, new_password: newPassword() };
        assert.doesNotMatch(await portal("/change-password", change, browser), /OK/, "without the code that comes by mail");
        mail.mails.length = 0;
        const elevation = `${cloud.issuer}/api/user/session/elevation`;
        assert.equal((await browser.ask(elevation, { method: "POST" })).status, 200);
        const [, otc] = /^(?:.*code: |\s*)([A-Z0-9]{8})\s*$/m.exec(await mailTo("bob"))!;
        assert.equal((await browser.ask(elevation, { method: "PUT", json: { otc } })).status, 200);
        assert.doesNotMatch(await portal("/change-password", { ...change, new_password: "Aa1!" }, browser), /OK/);
        assert.equal(await portal("/change-password", change, browser), "200 OK");
        assert.equal(await outcome(cloud, "web", { ...cloud.credentials("bob"), password: before }), "the password: 401");
        cloud.passwords.bob = change.new_password;
        assert.equal(await outcome(cloud, "desktop", cloud.credentials("bob")), expected("bob"));
    });

    test("no administrator's password can be set from the portal", async () => {
        await lldap.ask('mutation { updateUser(user: { id: "admin", email: "admin@example.com" }) { ok } }');
        assert.doesNotMatch(await setByMail("admin", newPassword()), /OK/);
        const { admin: password } = cloud.passwords;
        assert.equal(await portal("/firstfactor", { username: "admin", password }), "200 OK");
    });

    test("nothing secret is to be seen, and preview expects no change", async () => {
        const servers = ["authelia", "ocis", "lldap"];
        // Of lists that are secret in whole, that is what was made.
        const secrets = (await cloud.stack.secrets()).filter((each) => /^[A-Za-z0-9]{32,}$|PRIVATE KEY/.test(each));
        const said = await Promise.all([
            docker("inspect", ...servers.flatMap((server) => [server, `${server}-files`, `${server}-secrets`]).map(container)),
            cloud.expectNoChange(),
            ...servers.map((server) => docker("logs", container(server))),
            docker("exec", container("lldap"), "sh", "-c", "cat /run/configuration/*.sh; busybox ps -o args; env"),
        ]);
        const own = [...Object.values(cloud.passwords), ...secrets];
        assert.ok(secrets.length > 20);
        for (const secret of own) {
            assert.equal(
                said.findIndex((text) => text.includes(secret)),
                -1,
                "a secret is to be seen",
            );
        }
    });

    test("a backup has them: who was removed since comes back, with the password; removed, they get in nowhere", async () => {
        const where = repositoryIn(folder, "canary-of-the-repository\n");
        const command = async (name: string, ...args: string[]) => {
            const { code, text } = await cloud.stack.command(name, ...where, ...args);
            assert.equal(code, 0, text);
        };
        const session = await cloud.signIn(cloud.credentials("bob"));
        assert.equal(await session.status(), 200);
        await command("backup", "--init");
        await lldap.removePerson("bob");
        assert.equal(await outcome(cloud, "web", cloud.credentials("bob")), "the password: 401");
        await eventually("the token opens nothing", 30, async () => (await session.status()) === 401 || undefined);
        await command("restore", "--yes");
        assert.equal(await outcome(cloud, "web", cloud.credentials("bob")), expected("bob"));
    });

    test("accounts of the servers that are lost are made again, and everybody else stays", async () => {
        const everybody = () => lldap.ask<{ users: { id: string }[] }>("{ users { id } }");
        lldap = await LldapAdministrator.signIn(cloud); // the portal has started anew
        const { users } = await everybody();
        await lldap.removePerson("authelia");
        await docker("exec", container("lldap"), "rm", "/data/accounts-made");
        await docker("restart", container("lldap"));
        await cloud.untilHealthy("lldap", 60);
        assert.equal((await everybody()).users.length, users.length);
        assert.equal(await outcome(cloud, "web", cloud.credentials("bob")), expected("bob"));
        await cloud.expectNoChange();
    });

    test("status and doctor say how it is", async () => {
        const [status, doctor] = await Promise.all([cloud.stack.command("status"), cloud.stack.command("doctor")]);
        assert.match(status.text, new RegExp(`lldap +${LLDAP} +healthy`));
        assert.match(status.text, /test-lldap-lldap-data +\d/);
        assert.match(doctor.text, /lldap runs and is healthy/);
    });

    test("verify looks at its page as a stranger, and at its name as at the others", async () => {
        const { code, stdout, text } = await cloud.stack.command("verify", "--json");
        assert.equal(code, 0, text);
        const { lines } = JSON.parse(stdout) as VerifyReport;
        const { hostname } = new URL(pageOf(cloud));
        const portal = new URL(cloud.issuer).hostname;
        const about = (name: string) =>
            lines.filter(({ what }) => what.endsWith(` ${name}`)).map(({ what, state }) => [what, state]);
        const others = about(portal).map(([what, state]) => [what!.replace(portal, hostname), state]);
        assert.deepEqual(about(hostname), others);
        assert.deepEqual(
            lines.filter(({ what }) => what === "LLDAP's page").map(({ state }) => state),
            ["ok"],
        );
    });
});
