/**
 * What differs by release, on every pair of servers at hand: up and no change after it, people who sign in with ownCloud's four
 * clients and stay in, the matrix of who gets in, app tokens, mail. One cloud for each pair has all of it configured, and what takes
 * minutes has something to overlap with.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import * as oidc from "openid-client";
import { Cookie } from "tough-cookie";

import { isStandIn } from "../../operations/images";
import { AUTHELIA, OCIS, releaseOf } from "../../versions";
import { Authority } from "../authority";
import { basic, Browser, CODE_PERIOD, Credentials, totp } from "../../client/browser";
import { Cloud, usersCalled } from "./cloud";
import { expectCode, expectNoticeOfShare } from "./mail";
import { MailServer } from "./mail-server";
import { ACCESS, outcome, PEOPLE, testMatrix } from "./matrix";
import { describeOn, pairsOfThisRun } from "./pairs";
import { DESKTOP, discover, ME, Session, signIn, WEB } from "../../client/relying-party";
import { docker } from "./stack";
import { meanwhile } from "./waiting";
import { readText, tokenClient, uploadByTus } from "./webdav";

/** Members besides those of the matrix. */
const MEMBERS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];

describeOn({ tier: "release" }, "release", (images) => {
    const authelia = releaseOf(AUTHELIA, images.authelia);
    const ocis = releaseOf(OCIS, images.ocis);

    const noMail = [images.authelia, images.ocis].some(isStandIn) && "the stand-ins send no mail";
    const noAppTokens =
        (isStandIn(images.ocis) && "the stand-in has no app tokens") ||
        (!ocis.line.appTokens && "this release has no app tokens");

    let cloud: Cloud;
    let authority: Authority;
    let server: MailServer;
    let alice: Session;
    // What takes minutes goes on beside the other tests.
    /** What ownCloud answers to alice, second by second. */
    let statuses: Promise<number[]>;
    /** For how long: on each further pair not much longer than the rest takes, or all of them together would wait for minutes. */
    const seconds = isDeepStrictEqual(images, pairsOfThisRun()[0]) ? 120 : 70;
    /** What Authelia answers to a code that is shown late. */
    let late: Promise<unknown>;

    before(async () => {
        authority = new Authority();
        server = await MailServer.start(authority, true);
        const matrix = PEOPLE.map(({ name, groups, role }) => usersCalled([name], { groups, disabled: role === "disabled" }));
        const members = usersCalled([...MEMBERS, "newcomer"], { groups: ACCESS.groups });
        // A group whose name matches that of the administrators, where it is taken for a regular expression.
        const lookalike = usersCalled(["lookalike"], { groups: [...ACCESS.groups, "the-parents"] });
        cloud = await Cloud.up("test-release", {
            images,
            access: ACCESS,
            users: Object.assign(members, lookalike, ...matrix) as Record<string, object>,
            ...(noMail ? {} : { smtp: { ...server.settings, authority: authority.root } }),
            ...(noAppTokens ? {} : { appTokens: true }),
        });
        await cloud.enrol([...MEMBERS, "lookalike", ...PEOPLE.map(({ name }) => name)]);
    });

    after(async () => {
        // First, because where the cloud has not come up there is none to take down, and a server would keep the run alive.
        await server.stop();
        authority.close();
        await cloud.down();
    });

    test("ownCloud publishes the issuer's discovery document over verified TLS", async () => {
        const found = (await discover(cloud.open(), cloud.url, WEB)).serverMetadata();
        assert.equal(found.issuer, cloud.issuer);
        // Where ownCloud's apps find one they register themselves, past the clients, lifespans and scopes that are registered here.
        assert.equal(found.registration_endpoint, undefined);
    });

    test("the web client signs in with password and code", async () => {
        alice = await cloud.signIn(cloud.credentials("alice"));
        const { onPremisesSamAccountName, mail } = await alice.me();
        assert.deepEqual({ onPremisesSamAccountName, mail }, { onPremisesSamAccountName: "alice", mail: "alice@example.com" });
        statuses = meanwhile(askEachSecond(alice));
    });

    test("a client is given a code", async () => {
        const { configuration, callback, checks } = await cloud.authorize(cloud.credentials("grace"));
        const minute = pause(61_000); // Authelia's default life of a code is one minute
        late = meanwhile(minute.then(() => oidc.authorizationCodeGrant(configuration, callback, checks)));
    });

    async function askEachSecond(session: Session): Promise<number[]> {
        const statuses: number[] = [];
        const start = Date.now();
        for (let second = 0; second < seconds; second++) {
            await pause(Math.max(0, start + second * 1000 - Date.now()));
            statuses.push(await session.status());
        }
        return statuses;
    }

    test("its token serves for WebDAV: a file is written, listed, read back and deleted", async () => {
        const webdav = tokenClient(cloud, alice);
        const content = `written at ${new Date().toISOString()}`;
        await webdav.putFileContents("/round-trip.txt", content);
        const listed = (await webdav.getDirectoryContents("/")) as { basename: string }[];
        assert.ok(listed.some(({ basename }) => basename === "round-trip.txt"));
        assert.equal(await readText(webdav, "/round-trip.txt"), content);
        await webdav.deleteFile("/round-trip.txt");
        assert.equal(await webdav.exists("/round-trip.txt"), false);
    });

    const noTus = isStandIn(images.ocis) && "the stand-in for oCIS knows no tus";
    test("a file in the requests of the tus protocol, which go on at the public URL", { skip: noTus }, async () => {
        const content = "in three requests. ".repeat(10_000);
        const file = { name: "steps.txt", content: Readable.from(Buffer.from(content)), size: content.length, chunk: 64_000 };
        await uploadByTus(cloud, alice, "/remote.php/webdav/", file);
        const webdav = tokenClient(cloud, alice);
        assert.equal(await readText(webdav, "/steps.txt"), content);
        await webdav.deleteFile("/steps.txt");
    });

    /** Signs in as the desktop app does: it listens on a port that the system chooses, and the browser is sent there. */
    async function signInOnDesktop(browser: Browser, person: Credentials): Promise<Session> {
        let received: (url: string) => void;
        const arrival = new Promise<string>((resolve) => (received = resolve));
        const listener = createServer((request, response) => {
            received(request.url!);
            response.end("You may close this window.");
        });
        await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
        const redirectUri = `http://127.0.0.1:${(listener.address() as { port: number }).port}`;
        try {
            const client = { ...DESKTOP, redirectUri: () => redirectUri };
            return await signIn(browser, cloud.url, client, person, async (callback) => {
                await browser.ask(callback);
                return new URL(await arrival, redirectUri);
            });
        } finally {
            listener.closeAllConnections();
            listener.close();
        }
    }

    test("the desktop client signs in on a random loopback port and refreshes", async () => {
        const session = await signInOnDesktop(cloud.open(), cloud.credentials("bob"));
        assert.equal(await session.status(), 200);
        const refreshed = await session.refresh();
        assert.notEqual(refreshed.tokens.access_token, session.tokens.access_token);
        assert.notEqual(refreshed.tokens.refresh_token, session.tokens.refresh_token);
        assert.equal(await refreshed.status(), 200);
        await assert.rejects(session.refresh(), { error: "invalid_grant" }, "a refresh token serves once");
    });

    test("the portal's session cookie is for the portal alone, over TLS alone, and no script reads it", async () => {
        const { username, password } = cloud.credentials("grace");
        const json = { username, password, keepMeLoggedIn: true };
        const { status, headers } = await cloud.open().ask(`${cloud.issuer}/api/firstfactor`, { json });
        assert.equal(status, 200);
        const cookies = headers.getSetCookie().map((line) => Cookie.parse(line)!);
        assert.ok(cookies.length > 0);
        for (const { domain, httpOnly, path, sameSite, secure } of cookies) {
            const expected = {
                domain: new URL(cloud.issuer).hostname,
                httpOnly: true,
                path: "/",
                sameSite: "lax",
                secure: true,
            };
            assert.deepEqual({ domain, httpOnly, path, sameSite, secure }, expected);
        }
    });

    test("who opens the portal by itself signs in and stays there", async () => {
        const browser = cloud.open();
        const { username, password, code } = cloud.credentials("frank");
        const answers = [
            await browser.ask(`${cloud.issuer}/api/firstfactor`, { json: { username, password, keepMeLoggedIn: false } }),
            await browser.ask(`${cloud.issuer}/api/secondfactor/totp`, { json: { token: await code() } }),
        ];
        assert.deepEqual(
            answers.map(({ text }) => JSON.parse(text) as object),
            [{ status: "OK" }, { status: "OK" }],
        );
        assert.equal(await browser.authenticationLevel(cloud.issuer), 2);
    });

    test("a browser that has kept a cookie for the whole domain, of earlier times, signs in", async () => {
        const browser = cloud.open();
        const domain = new URL(cloud.issuer).hostname.replace("auth.", "");
        await browser.remember(`authelia_session=kept; Domain=${domain}; Path=/; Secure; Max-Age=2592000`, cloud.issuer);
        const session = await cloud.signIn(cloud.credentials("erin"), WEB, browser);
        assert.equal(await session.status(), 200);
    });

    test("consent to the web client is remembered, as far as the release can", async () => {
        const browser = cloud.open();
        const person = cloud.credentials("carol");
        await cloud.signIn(person, WEB, browser);
        await cloud.signIn(person, WEB, browser);
        // From 4.39.11 on, whoever asks for offline_access is asked each time. Source: Authelia's FAQ on consent.
        const [, minor, patch] = authelia.version.split(".").map(Number);
        assert.equal(browser.consents, minor! < 39 || patch! < 11 ? 1 : 2);
    });

    test("passwords cannot be tried by forward authentication, which nothing here uses", async () => {
        for (const path of ["/api/verify", "/api/verify?auth=basic", "/api/authz/forward-auth", "/api/authz/ext-authz/"]) {
            const headers = { ...basic("frank", cloud.passwords.frank!), "x-forwarded-method": "GET" };
            const response = await cloud.open().request(`${cloud.issuer}${path}`, { headers });
            await response.body?.cancel();
            assert.equal(response.status, 404, path);
        }
    });

    test("three wrong passwords shut a name out, the right password too", async () => {
        const right = cloud.credentials("judy");
        const refused = { step: "the password", status: 401 };
        for (let tries = 0; tries < 3; tries++) {
            await assert.rejects(cloud.signIn({ ...right, password: "not-the-password" }), refused);
        }
        await assert.rejects(cloud.signIn(right), refused);
    });

    test("a group whose name only looks like the administrators' gives no role", async () => {
        const expected = ocis.line.line === "4.0" ? "me 200, users 401" : "me 200, users 403";
        assert.equal(await outcome(cloud, "web", cloud.credentials("lookalike")), expected);
    });

    /** The request by which a person changes the own account, and ways to write it. */
    const OWN_ACCOUNT = [ME, `${ME}/`, `${ME}//`, `${ME}?x`, "/graph/v1.0/%6De", "/graph/v1.0/ME", "/graph//v1.0/./me"];

    const noAccounts = isStandIn(images.ocis) && "the stand-in for oCIS lets nobody change an account";
    test(
        "nobody takes the name of somebody who has not signed in yet, and so the first sign-in",
        { skip: noAccounts },
        async () => {
            const heidi = await cloud.signIn(cloud.credentials("heidi"));
            const before = await heidi.me();
            const takeover = [
                { onPremisesSamAccountName: "ivan" },
                { preferredLanguage: "de", onPremisesSamAccountName: "ivan" },
            ];
            for (const path of [...OWN_ACCOUNT, `/graph/v1.0/users/${String(before.id)}`]) {
                for (const json of takeover) {
                    const { status, text } = await heidi.ask(path, { method: "PATCH", json });
                    assert.ok([400, 401, 403, 404, 405].includes(status), `${path}: ${status} ${text}`);
                }
            }
            const put = await heidi.ask("/ocs/v1.php/cloud/users/heidi", {
                method: "PUT",
                headers: { "ocs-apirequest": "true" },
                body: new URLSearchParams({ key: "username", value: "ivan" }),
            });
            assert.ok([401, 404, 405].includes(put.status), `OCS: ${put.status}`);
            const ivan = await (await cloud.signIn(cloud.credentials("ivan"))).me();
            assert.notEqual(ivan.id, before.id);
            const names = [ivan, await heidi.me()].map(({ onPremisesSamAccountName }) => onPremisesSamAccountName);
            assert.deepEqual(names, ["ivan", "heidi"]);
        },
    );

    const noLanguage = noAccounts || (ocis.line.line === "4.0" && "this release keeps no language");
    test("a person chooses a language, an administrator changes an account", { skip: noLanguage }, async () => {
        const heidi = await cloud.signIn(cloud.credentials("heidi"));
        const chosen = await heidi.ask(ME, { method: "PATCH", json: { preferredLanguage: "de" } });
        assert.equal(chosen.status, 200, chosen.text);
        const { id, preferredLanguage } = await heidi.me();
        assert.equal(preferredLanguage, "de");
        const administrator = await cloud.signIn(cloud.credentials("administrator-ios"));
        const json = { mail: "heidi@elsewhere.example.com" };
        const changed = await administrator.ask(`/graph/v1.0/users/${String(id)}`, { method: "PATCH", json });
        assert.equal(changed.status, 200, changed.text);
    });

    testMatrix("authelia", images, () => cloud);

    test("an administrator of the web client remains one in a native app", async () => {
        assert.equal(await outcome(cloud, "desktop", cloud.credentials("administrator-web")), "me 200, users 200");
    });

    test("who has no second factor gets no code", async () => {
        const newcomer = { username: "newcomer", password: cloud.passwords.newcomer!, code: () => "123456" };
        assert.match(await outcome(cloud, "web", newcomer), /^the code: 40[13]$/);
    });

    test("a code serves once", async () => {
        const person = cloud.credentials("dave");
        const code = await person.code();
        const once = { ...person, code: () => code };
        assert.match(await outcome(cloud, "web", once), /^me 200/);
        assert.match(await outcome(cloud, "web", once), /^the code: 40[13]$/);
    });

    test("an app token serves for WebDAV, the account's password does not", { skip: noAppTokens }, async () => {
        const person = cloud.credentials("erin");
        const session = await cloud.signIn(person);
        const made = await session.ask("/auth-app/tokens?expiry=1h", { method: "POST" });
        assert.equal(made.status, 200, made.text);
        const { token } = JSON.parse(made.text) as { token: string };
        const list = async (password: string) => {
            const question = { method: "PROPFIND", headers: { ...basic(person.username, password), depth: "0" } };
            return (await cloud.open().ask(`${cloud.url}/remote.php/webdav/`, question)).status;
        };
        assert.deepEqual([await list(token), await list(person.password)], [207, 401]);
    });

    test("the operator can act as the built-in administrator, whoever has signed in", { skip: noAppTokens }, async () => {
        const create = ["ocis", "auth-app", "create", "--user-name=admin", "--expiration=1h"];
        const said = await docker("exec", `${cloud.stack.prefix}ocis`, ...create);
        const headers = basic("admin", said.split(/\s/).at(-1)!);
        const { status, text } = await cloud.open().ask(`${cloud.url}/graph/v1.0/users`, { headers });
        assert.equal(status, 200, text);
    });

    /** Asks the portal for a new authenticator app: how it answers, and the secret if it gives one. */
    async function register(browser: Browser): Promise<{ status: number; secret?: string }> {
        const json = { algorithm: "SHA1", length: 6, period: CODE_PERIOD };
        const path = `${cloud.issuer}/api/secondfactor/totp/register`;
        const { status, text } = await browser.ask(path, { method: "PUT", json });
        return { status, secret: (JSON.parse(text) as { data?: { base32_secret?: string } }).data?.base32_secret };
    }

    test("with password and mailbox a second factor is neither replaced nor taken away", { skip: noMail }, async () => {
        const browser = await expectCode(cloud, "alice", server);
        assert.deepEqual(await register(browser), { status: 403, secret: undefined });
        const { status } = await browser.ask(`${cloud.issuer}/api/secondfactor/totp`, { method: "DELETE" });
        assert.equal(status, 403);
        const { text } = await browser.ask(`${cloud.issuer}/api/user/info`);
        assert.equal((JSON.parse(text) as { data: { has_totp: boolean } }).data.has_totp, true);
        // Whoever shows the second factor too, may.
        const { status: shown } = await browser.ask(`${cloud.issuer}/api/secondfactor/totp`, {
            json: { token: await cloud.credentials("alice").code() },
        });
        assert.equal(shown, 200);
        assert.equal((await register(browser)).status, 200);
    });

    test("who has no second factor enrols one in the portal, with the code that comes by mail", { skip: noMail }, async () => {
        const browser = await expectCode(cloud, "newcomer", server);
        const { secret } = await register(browser);
        const now = Math.floor(Date.now() / 1000);
        const path = `${cloud.issuer}/api/secondfactor/totp/register`;
        const { status, text } = await browser.ask(path, { json: { token: totp(secret!, now) } });
        assert.equal(status, 200, text);
        const code = () => totp(secret!, now + CODE_PERIOD);
        const person = { username: "newcomer", password: cloud.passwords.newcomer!, code };
        assert.match(await outcome(cloud, "web", person), /^me 200/);
    });

    test("whoever is given a share gets a notice", { skip: noMail }, async () => {
        await (await cloud.signIn(cloud.credentials("frank"))).me();
        await expectNoticeOfShare(alice, "holiday", "frank", server);
    });

    test("Authelia finds nothing to object to in its configuration", async () => {
        const validate = authelia.line.line === "4.38" ? ["validate-config"] : ["config", "validate"];
        const said = await docker("exec", `${cloud.stack.prefix}authelia`, "authelia", ...validate);
        assert.equal(said, "Configuration parsed and loaded successfully without errors.");
    });

    test("preview after up expects no change", async () => void (await cloud.expectNoChange()));

    test("a refresh finds nothing that differs from the state", async () => void (await cloud.expectNoChange("refresh")));

    test("the code is over after a minute", () => assert.rejects(late, { error: "invalid_grant" }));

    test(`the web client stays in for ${seconds} seconds of requests`, async () => {
        const refused = (await statuses).filter((status) => status !== 200);
        assert.deepEqual(refused, [], "refused requests");
        assert.equal((await statuses).length, seconds);
    });
});
