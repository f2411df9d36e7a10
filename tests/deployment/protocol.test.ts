/** What the OpenID Connect provider and ownCloud have to refuse of clients, codes, tokens and requests. */
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as oidc from "openid-client";

import { NATIVE_CLIENTS } from "../../components/ocis/relying-parties";
import { AUTHELIA, releaseOf } from "../../versions";
import { tlsOptions } from "../../client/browser";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { authorizationRequest, Client, DESKTOP, discover, ME, WEB } from "../../client/relying-party";

const DESKTOP_SECRET = NATIVE_CLIENTS.desktop.clientSecret;

const PEOPLE = ["alice", "bob", "carol", "erin", "frank", "grace", "heidi", "ivan"] as const;

describeOn({ tier: "everything" }, "protocol", (images) => {
    let cloud: Cloud;
    // From 4.39.21 on Authelia words two refusals in another way. Run with it.
    const { line, first } = releaseOf(AUTHELIA, images.authelia).line;
    const later = line === "4.39" && first >= 21;
    /** How a refresh token is answered whose session has ended before. */
    const ended = later
        ? ({ cause }: Error) => (cause as Response).status === 500
        : ({ error }: Error & { error?: string }) => error === "invalid_grant";

    before(async () => {
        cloud = await Cloud.up("test-protocol", { images, users: usersCalled(PEOPLE) });
        await cloud.enrol(PEOPLE);
    });

    after(() => cloud.down());

    test("a code serves once", async () => {
        const { configuration, callback, checks } = await cloud.authorize(cloud.credentials("alice"));
        await oidc.authorizationCodeGrant(configuration, callback, checks);
        await assert.rejects(oidc.authorizationCodeGrant(configuration, callback, checks), { error: "invalid_grant" });
    });

    test("a code serves only the client that it was made for", async () => {
        const { browser, callback, checks } = await cloud.authorize(cloud.credentials("bob"));
        const other = await discover(browser, cloud.url, DESKTOP);
        await assert.rejects(oidc.authorizationCodeGrant(other, callback, checks), { error: "invalid_grant" });
    });

    test("a code serves only with the verifier of its request", async () => {
        const { configuration, callback, checks } = await cloud.authorize(cloud.credentials("carol"));
        const stolen = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
        await assert.rejects(oidc.authorizationCodeGrant(configuration, callback, stolen), { error: "invalid_grant" });
    });

    test("a refresh token that is used twice ends the whole session", async () => {
        const session = await cloud.signIn(cloud.credentials("erin"), DESKTOP);
        const first = session.tokens.refresh_token!;
        const { refresh_token: second } = await oidc.refreshTokenGrant(session.configuration, first);
        await assert.rejects(oidc.refreshTokenGrant(session.configuration, first), { error: "invalid_grant" });
        await assert.rejects(oidc.refreshTokenGrant(session.configuration, second!), ended);
    });

    test("a revoked refresh token is refused", async () => {
        const session = await cloud.signIn(cloud.credentials("frank"), DESKTOP);
        const token = session.tokens.refresh_token!;
        await oidc.tokenRevocation(session.configuration, token);
        await assert.rejects(oidc.refreshTokenGrant(session.configuration, token), ended);
    });

    test("who has shown the password alone is sent to the second factor, with no code", async () => {
        const browser = cloud.open();
        const configuration = await discover(browser, cloud.url, WEB);
        const { url } = await authorizationRequest(configuration, WEB, cloud.webRedirect);
        const withoutCode = { ...cloud.credentials("grace"), code: () => "" };
        await assert.rejects(browser.authorize(url, withoutCode, cloud.webRedirect), { step: "the code" });
        const next = await browser.redirect(url);
        assert.equal(next?.origin, cloud.issuer, next?.href);
        assert.equal(next?.searchParams.get("code"), null);
    });

    const unknown: Client = { ...WEB, id: "nobody" };
    const imposters: Record<string, Client> = {
        "an unknown client": unknown,
        "a client that sends its secret in the body, although it is registered for Basic": {
            ...DESKTOP,
            authentication: oidc.ClientSecretPost(DESKTOP_SECRET),
        },
        "a confidential client without its secret": { ...DESKTOP, authentication: oidc.None() },
    };
    for (const [what, client] of Object.entries(imposters)) {
        test(`${what} gets no token`, async () => {
            const configuration = await discover(cloud.open(), cloud.url, client);
            await assert.rejects(oidc.refreshTokenGrant(configuration, "authelia_rt_none"), { error: "invalid_client" });
        });
    }

    /** Desktop before 5.3: the secret by Basic and in the body. */
    const older: Client = {
        ...DESKTOP,
        authentication: (server, client, body, headers) => {
            oidc.ClientSecretBasic(DESKTOP_SECRET)(server, client, body, headers);
            oidc.ClientSecretPost(DESKTOP_SECRET)(server, client, body, headers);
        },
    };

    test("a client secret sent in two ways at once gets no token", async () => {
        const configuration = await discover(cloud.open(), cloud.url, older);
        const error = later ? "invalid_client" : "invalid_request";
        await assert.rejects(oidc.refreshTokenGrant(configuration, "authelia_rt_none"), { error });
    });

    test("an unknown client is not redirected to", async () => {
        const browser = cloud.open();
        const configuration = await discover(browser, cloud.url, unknown);
        const { url } = await authorizationRequest(configuration, unknown, cloud.webRedirect);
        const next = await browser.redirect(url);
        assert.ok(next === undefined || next.origin === cloud.issuer, next?.href);
    });

    test("a redirect URI without TLS is refused", async () => {
        const browser = cloud.open();
        const configuration = await discover(browser, cloud.url, WEB);
        const plain = cloud.webRedirect.replace("https:", "http:");
        const { url } = await authorizationRequest(configuration, WEB, plain);
        const next = await browser.redirect(url);
        assert.ok(next === undefined || next.origin === cloud.issuer, next?.href);
    });

    test("only ownCloud's own page may call the provider from a browser", async () => {
        const browser = cloud.open();
        const allowed = async (origin: string) => {
            const headers = { origin, "access-control-request-method": "POST" };
            const answer = await browser.ask(`${cloud.issuer}/api/oidc/token`, { method: "OPTIONS", headers });
            return answer.headers.get("access-control-allow-origin");
        };
        assert.equal(await allowed(cloud.url), cloud.url);
        assert.notEqual(await allowed("https://evil.example.com"), "https://evil.example.com");
        assert.notEqual(await allowed("https://evil.example.com"), "*");
    });

    /** The status and body that the edge answers to headers that no browser sends. */
    function forged(url: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
        return new Promise((resolve, reject) => {
            const { hostname } = new URL(url);
            const request = httpsRequest(url, { ...tlsOptions(cloud.ca), servername: hostname, headers }, (response) => {
                let text = "";
                response.on("data", (chunk) => (text += String(chunk)));
                response.on("end", () => resolve({ status: response.statusCode!, text }));
            });
            request.on("error", reject).end();
        });
    }

    test("forged headers change no URL of the provider", async () => {
        const discovery = `${cloud.issuer}/.well-known/openid-configuration`;
        const headers = {
            "x-forwarded-host": "evil.example.com",
            "x-forwarded-proto": "http",
            "x-forwarded-for": "203.0.113.1",
            forwarded: "host=evil.example.com;proto=http",
        };
        const { status, text } = await forged(discovery, headers);
        assert.equal(status, 200);
        assert.equal((JSON.parse(text) as { issuer: string }).issuer, cloud.issuer);
        assert.ok(!text.includes("evil"));
        const other = await forged(discovery, { host: "evil.example.com" });
        assert.ok(!other.text.includes("evil") && !other.text.includes("issuer"), other.text);
    });

    test("a token that another signed is refused by ownCloud, whatever it says", async () => {
        const browser = cloud.open();
        const { keys } = JSON.parse((await browser.ask(`${cloud.issuer}/jwks.json`)).text) as { keys: { kid: string }[] };
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
        const now = Math.floor(Date.now() / 1000);
        const claims = {
            iss: cloud.issuer,
            sub: "alice",
            preferred_username: "alice",
            iat: now,
            exp: now + 600,
            aud: ["ocis"],
        };
        const content = `${part({ alg: "RS256", typ: "at+jwt", kid: keys[0]!.kid })}.${part(claims)}`;
        const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
        const token = `${content}.${sign("sha256", Buffer.from(content), privateKey).toString("base64url")}`;
        const headers = { authorization: `Bearer ${token}` };
        assert.equal((await browser.ask(`${cloud.url}${ME}`, { headers })).status, 401);
    });

    describe("with changed settings", () => {
        const { multipleAuthMethods } = releaseOf(AUTHELIA, images.authelia).line;

        before(() =>
            cloud.change({
                lifespans: { accessToken: "5 seconds" },
                ...(multipleAuthMethods ? { olderDesktopClients: true } : {}),
            }),
        );

        const skip = !multipleAuthMethods && "this release cannot";
        test("an older desktop app signs in where the configuration lets it", { skip }, async () => {
            const { tokens } = await cloud.signIn(cloud.credentials("heidi"), older);
            assert.ok(tokens.refresh_token !== undefined);
        });

        test("an app whose access token is over refreshes it, without anybody at the device", async () => {
            const session = await cloud.signIn(cloud.credentials("ivan"), DESKTOP);
            await pause(6_000);
            assert.deepEqual([await session.status(), await (await session.refresh()).status()], [401, 200]);
        });
    });
});
