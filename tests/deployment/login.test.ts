/**
 * The program on a real engine: up, no change after it, people who sign in with ownCloud's clients, people who must not,
 * secrets that stay secret, and nothing left after destroy. Runs on every pair of servers at hand and says which.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Agent } from "node:https";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as oidc from "openid-client";
import { AuthType, createClient, WebDAVClient, WebDAVClientOptions } from "webdav";

import { NATIVE_CLIENTS } from "../../components/ocis/relying-parties";
import { isStandIn } from "../../operations/images";
import { AUTHELIA, releaseOf } from "../../versions";
import { Browser, Credentials, Refused, tlsOptions, totp } from "./browser";
import { Cloud } from "./cloud";
import { pairsOfThisRun } from "./pairs";
import { authorizationRequest, DESKTOP, discover, Session, signIn, WEB } from "./relying-party";
import { docker, dockerLines } from "./stack";

/** One person a test, because a code may be used once and each test wants one now. */
const PEOPLE = ["alice", "bob", "carol", "dave", "frank", "grace", "heidi", "ivan", "judy", "kim"];

/** Planted as a digest in the configuration; must not be seen anywhere outside the files. */
const CANARY_DIGEST = "$argon2id$v=19$m=65536,t=3,p=4$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E";

/** Waits until `check` holds, asking again every half second for `seconds`. */
async function eventually<T>(what: string, seconds: number, check: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const result = await check();
        if (result !== undefined) {
            return result;
        }
        assert.ok(Date.now() < end, `${what}, within ${seconds} s`);
        await pause(500);
    }
}

for (const [index, { title, images }] of pairsOfThisRun().entries()) {
    describe(title, { timeout: 20 * 60_000 }, () => {
        let cloud: Cloud;

        const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
        const me = (browser: Browser, token: string) => browser.request(`${cloud.url}/graph/v1.0/me`, bearer(token));

        before(async () => {
            const users = Object.fromEntries(
                PEOPLE.map((name) => [name, { displayName: `${name} Example`, email: `${name}@example.com` }]),
            );
            const erin = { displayName: "Erin", email: "erin@example.com", passwordDigest: CANARY_DIGEST };
            cloud = await Cloud.up(`test-${index}`, { images, users: { ...users, erin } });
            await cloud.enrol(PEOPLE);
        });

        after(() => cloud.down());

        test("preview after up expects no change, and says where one-time codes are and that nobody administers", async () => {
            const { code, text } = await cloud.stack.operate("preview", ["--expect-no-changes"]);
            assert.equal(code, 0, text);
            assert.match(text, /Mail is off/);
            assert.match(text, /Nobody administers ownCloud/);
        });

        test("a refresh finds nothing that differs from the state", async () => {
            const { code, text } = await cloud.stack.operate("refresh", ["--expect-no-changes"]);
            assert.equal(code, 0, text);
        });

        test("Authelia finds nothing to object to in its configuration", async () => {
            const validate =
                releaseOf(AUTHELIA, images.authelia).line.line === "4.38" ? ["validate-config"] : ["config", "validate"];
            const said = await docker("exec", `${cloud.stack.prefix}authelia`, "authelia", ...validate);
            assert.equal(said, "Configuration parsed and loaded successfully without errors.");
        });

        test("ownCloud publishes the issuer's discovery document over verified TLS", async () => {
            const found = await discover(cloud.open(), cloud.url, WEB);
            assert.equal(found.serverMetadata().issuer, cloud.issuer);
        });

        test("the web client signs in with password and code, and stays in for two minutes of requests", async () => {
            const browser = cloud.open();
            const { tokens } = await signIn(browser, cloud.url, WEB, cloud.webRedirect, cloud.credentials("alice"));
            const token = tokens.access_token;
            const answer = await me(browser, token);
            assert.equal(answer.status, 200, await answer.clone().text());
            const { onPremisesSamAccountName, mail } = (await answer.json()) as Record<string, string>;
            assert.deepEqual(
                { onPremisesSamAccountName, mail },
                { onPremisesSamAccountName: "alice", mail: "alice@example.com" },
            );

            await webdavRoundTrip(token);

            const statuses: number[] = [];
            const start = Date.now();
            for (let second = 0; second < 120; second++) {
                await pause(Math.max(0, start + second * 1000 - Date.now()));
                const response = await me(browser, token);
                await response.body?.cancel();
                statuses.push(response.status);
            }
            assert.deepEqual(
                statuses.filter((status) => status !== 200),
                [],
                "refused requests",
            );
        });

        /** ownCloud's WebDAV at a path, as an independent library speaks it. */
        const webdavClient = (path: string, options: WebDAVClientOptions) =>
            createClient(`${cloud.url}${path}`, {
                ...options,
                httpsAgent: new Agent({ ...tlsOptions(cloud.ca), keepAlive: false }),
            });

        /** Reads a file that was just written: oCIS 7 answers 425 Too Early while it still processes the upload. */
        const readText = (webdav: WebDAVClient, path: string) =>
            eventually("the file can be read", 30, async () => {
                try {
                    return await webdav.getFileContents(path, { format: "text" });
                } catch (error) {
                    if ((error as { status?: number }).status === 425) {
                        return undefined;
                    }
                    throw error;
                }
            });

        /** A file written, listed, read back and deleted by a WebDAV library. */
        async function webdavRoundTrip(token: string): Promise<void> {
            const webdav = webdavClient("/remote.php/webdav/", {
                authType: AuthType.Token,
                token: { access_token: token, token_type: "Bearer" },
            });
            const content = `written at ${new Date().toISOString()}`;
            await webdav.putFileContents("/round-trip.txt", content);
            const listed = (await webdav.getDirectoryContents("/")) as { basename: string }[];
            assert.ok(listed.some(({ basename }) => basename === "round-trip.txt"));
            assert.equal(await readText(webdav, "/round-trip.txt"), content);
            await webdav.deleteFile("/round-trip.txt");
            assert.equal(await webdav.exists("/round-trip.txt"), false);
        }

        /** Signs in as the desktop app does: it listens on a port that the system chooses, and the browser is sent there. */
        async function signInOnDesktop(browser: Browser, person: Credentials): Promise<Session> {
            let received: (url: string) => void;
            const arrival = new Promise<string>((resolve) => (received = resolve));
            const server = createServer((request, response) => {
                received(request.url!);
                response.end("You may close this window.");
            });
            await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
            const redirectUri = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
            try {
                return await signIn(browser, cloud.url, DESKTOP, redirectUri, person, async (callback) => {
                    await (await browser.request(callback)).text();
                    return new URL(await arrival, redirectUri);
                });
            } finally {
                server.closeAllConnections();
                server.close();
            }
        }

        test("the desktop client signs in on a random loopback port and refreshes", async () => {
            const browser = cloud.open();
            const { configuration, tokens } = await signInOnDesktop(browser, cloud.credentials("bob"));
            assert.equal((await me(browser, tokens.access_token)).status, 200);
            const refreshed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token!);
            assert.notEqual(refreshed.access_token, tokens.access_token);
            assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
            assert.equal((await me(browser, refreshed.access_token)).status, 200);
            await assert.rejects(
                oidc.refreshTokenGrant(configuration, tokens.refresh_token!),
                { error: "invalid_grant" },
                "a refresh token serves once",
            );
        });

        test("a wrong password is refused", async () => {
            const wrong = { ...cloud.credentials("carol"), password: "not-the-password" };
            await assert.rejects(
                signIn(cloud.open(), cloud.url, WEB, cloud.webRedirect, wrong),
                (error) => error instanceof Refused && error.step === "the password" && error.status === 401,
            );
        });

        test("a wrong code is refused", async () => {
            const wrong = { ...cloud.credentials("carol"), code: () => totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") };
            await assert.rejects(
                signIn(cloud.open(), cloud.url, WEB, cloud.webRedirect, wrong),
                (error) => error instanceof Refused && error.step === "the code" && [401, 403].includes(error.status),
            );
        });

        test("a password alone gives no access", async () => {
            const without = { ...cloud.credentials("dave"), code: () => "" };
            await assert.rejects(
                signIn(cloud.open(), cloud.url, WEB, cloud.webRedirect, without),
                (error) => error instanceof Refused && error.step === "the code",
            );
        });

        test("consent to the web client is remembered, as far as the release can", async () => {
            const browser = cloud.open();
            const person = cloud.credentials("ivan");
            await signIn(browser, cloud.url, WEB, cloud.webRedirect, person);
            await signIn(browser, cloud.url, WEB, cloud.webRedirect, person);
            // From 4.39.11 on, whoever asks for offline_access is asked each time. Source: Authelia's FAQ on consent.
            const [, minor, patch] = releaseOf(AUTHELIA, images.authelia).version.split(".").map(Number);
            assert.equal(browser.consents, minor! < 39 || patch! < 11 ? 1 : 2);
        });

        test("signing out of Authelia ends its session, and no client's", async () => {
            const browser = cloud.open();
            const { configuration, tokens } = await signIn(
                browser,
                cloud.url,
                WEB,
                cloud.webRedirect,
                cloud.credentials("judy"),
            );
            assert.equal(configuration.serverMetadata().end_session_endpoint, undefined, "then the web interface could use it");
            assert.equal(await browser.authenticationLevel(cloud.issuer), 2);
            await browser.signOut(cloud.issuer);
            assert.equal(await browser.authenticationLevel(cloud.issuer), 0);
            assert.equal((await me(browser, tokens.access_token)).status, 200);
            await oidc.refreshTokenGrant(configuration, tokens.refresh_token!);
        });

        test(
            "a public link opens without a sign-in, and by its password alone",
            { skip: isStandIn(images.ocis) && "a stand-in" },
            async () => {
                const owner = cloud.open();
                const { tokens } = await signIn(owner, cloud.url, WEB, cloud.webRedirect, cloud.credentials("kim"));
                const put = { method: "PUT", body: "for all", ...bearer(tokens.access_token) };
                assert.ok([201, 204].includes((await owner.request(`${cloud.url}/remote.php/webdav/public.txt`, put)).status));
                const password = "Aa1!for-everyone";
                const shared = await owner.request(`${cloud.url}/ocs/v1.php/apps/files_sharing/api/v1/shares?format=json`, {
                    method: "POST",
                    headers: { ...bearer(tokens.access_token).headers, "ocs-apirequest": "true" },
                    body: new URLSearchParams({ path: "/public.txt", shareType: "3", permissions: "1", password }),
                });
                const said = await shared.text();
                assert.equal(shared.status, 200, said);
                const { token } = (JSON.parse(said) as { ocs: { data: { token: string } } }).ocs.data;
                const visitor = (word: string) =>
                    webdavClient(`/remote.php/dav/public-files/${token}`, {
                        authType: AuthType.Password,
                        username: "public",
                        password: word,
                    });
                assert.equal(await readText(visitor(password), "/public.txt"), "for all");
                await assert.rejects(readText(visitor("not-the-password"), "/public.txt"), { status: 401 });
            },
        );

        const withoutS256 = {
            "without PKCE": { person: "frank", change: { code_challenge: undefined, code_challenge_method: undefined } },
            "with plain PKCE": { person: "grace", change: { code_challenge_method: "plain" } },
        };
        for (const [what, { person, change }] of Object.entries(withoutS256)) {
            test(`a request ${what} gets no code, even after a good sign-in`, async () => {
                const browser = cloud.open();
                const configuration = await discover(browser, cloud.url, WEB);
                const { url } = await authorizationRequest(configuration, WEB, cloud.webRedirect, change);
                const answer = await browser.authorize(url, cloud.credentials(person), cloud.webRedirect);
                assert.equal(answer.searchParams.get("error"), "invalid_request", answer.href);
                assert.equal(answer.searchParams.get("code"), null);
            });
        }

        for (const foreign of ["https://evil.example.com/oidc-callback.html", "http://localhost:8080"]) {
            test(`a foreign redirect URI is refused and not redirected to: ${foreign}`, async () => {
                const client = foreign.startsWith("https") ? WEB : DESKTOP;
                const browser = cloud.open();
                const configuration = await discover(browser, cloud.url, client);
                const { url } = await authorizationRequest(configuration, client, foreign);
                const answer = await browser.redirect(url);
                assert.ok(answer === undefined || answer.origin === cloud.issuer, answer?.href);
                assert.equal(answer?.searchParams.get("flow_id") ?? null, null, "nobody is asked to sign in");
            });
        }

        test("a wrong client secret is refused", async () => {
            const browser = cloud.open();
            const imposter = { ...DESKTOP, authentication: oidc.ClientSecretBasic("wrong") };
            const configuration = await discover(browser, cloud.url, imposter);
            await assert.rejects(oidc.refreshTokenGrant(configuration, "authelia_rt_none"), { error: "invalid_client" });
        });

        test("a random bearer and no bearer are refused by ownCloud", async () => {
            const browser = cloud.open();
            assert.equal((await me(browser, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln")).status, 401);
            assert.equal((await me(browser, "random")).status, 401);
            assert.equal((await browser.request(`${cloud.url}/graph/v1.0/me`)).status, 401);
        });

        test("a client that trusts no private authority refuses the connection", async () => {
            const stranger = new Browser();
            await assert.rejects(stranger.request(`${cloud.url}/status.php`), { message: "fetch failed" });
            await stranger.close();
        });

        test("containers are unprivileged, read-only and limited; only the edge publishes a port", async () => {
            for (const name of ["authelia", "ocis", "edge"]) {
                const [container] = JSON.parse(await docker("inspect", `${cloud.stack.prefix}${name}`)) as {
                    State: { Health: { Status: string } };
                    Config: { User: string };
                    HostConfig: {
                        ReadonlyRootfs: boolean;
                        CapDrop: string[];
                        SecurityOpt: string[];
                        Memory: number;
                        PortBindings: Record<string, { HostIp: string }[]> | null;
                        LogConfig: { Config: Record<string, string> };
                        Binds: string[] | null;
                    };
                }[];
                const { State, Config, HostConfig } = container!;
                assert.equal(State.Health.Status, "healthy", name);
                assert.equal(Config.User, "1000:1000", name);
                assert.equal(HostConfig.ReadonlyRootfs, true, name);
                assert.deepEqual(HostConfig.CapDrop, ["ALL"], name);
                assert.ok(HostConfig.SecurityOpt.includes("no-new-privileges:true"), name);
                assert.ok(HostConfig.Memory > 0, name);
                assert.ok(HostConfig.LogConfig.Config["max-size"], name);
                assert.ok(!HostConfig.Binds?.some((bind) => bind.includes("docker.sock")), name);
                const published = Object.values(HostConfig.PortBindings ?? {}).flat();
                const addresses = [...new Set(published.map(({ HostIp }) => HostIp))];
                assert.deepEqual(addresses, name === "edge" ? ["127.0.0.1"] : [], name);
            }
        });

        test("no secret shows in docker inspect, in a log or in a preview", async () => {
            // Whole files are secret in the state: their words count, without the keys and the paths among them.
            const secrets = (await cloud.stack.secrets())
                .flatMap((secret) => secret.split(/[\s"']+/))
                .filter((word) => word.length >= 16 && !/^-----|^\/|:$|@/.test(word));
            assert.ok(secrets.includes(cloud.passwords.alice!) && secrets.includes(CANARY_DIGEST));
            const containers = await dockerLines(
                "ps",
                "--all",
                "--filter",
                `name=${cloud.stack.prefix}`,
                "--format",
                "{{.Names}}",
            );
            assert.equal(containers.length, 9);
            const places: Record<string, string> = {
                "preview --diff": (await cloud.stack.operate("preview", ["--diff", "--refresh"])).text,
            };
            for (const container of containers) {
                const image = await docker("inspect", "--format", "{{.Image}}", container);
                places[`inspect ${container}`] = await docker("inspect", container, image);
                places[`logs ${container}`] = await docker("logs", container);
            }
            for (const [place, text] of Object.entries(places)) {
                for (const secret of secrets) {
                    assert.ok(!text.includes(secret), `${place} shows ${secret.slice(0, 4)}…`);
                }
            }
        });

        test("a changed setting is shown in the preview, replaces what it concerns, and loses no file", async () => {
            const browser = cloud.open();
            const session = await signIn(browser, cloud.url, WEB, cloud.webRedirect, cloud.credentials("heidi"));
            const file = `${cloud.url}/remote.php/webdav/kept.txt`;
            const put = { method: "PUT", body: "kept", ...bearer(session.tokens.access_token) };
            assert.ok([201, 204].includes((await browser.request(file, put)).status));

            cloud.stack.configure({ ...cloud.settings, accessTokens: "opaque" });
            const preview = await cloud.stack.operate("preview", ["--diff"]);
            assert.match(preview.text, /access_token_signed_response_alg: "RS256" => "none"/);
            await cloud.stack.up();
            const { code, text } = await cloud.stack.operate("preview", ["--expect-no-changes"]);
            assert.equal(code, 0, text);

            // Sessions live in Authelia's memory, grants in its database: the refresh token still serves.
            const refreshed = await oidc.refreshTokenGrant(session.configuration, session.tokens.refresh_token!);
            assert.match(refreshed.access_token, /^authelia_at_/);
            const read = await browser.request(file, bearer(refreshed.access_token));
            assert.equal(await read.text(), "kept");
        });

        test("every native client's id is among the outputs", async () => {
            const ids = (await cloud.stack.output<{ clientId: string }[]>("clientIds")).map(({ clientId }) => clientId);
            assert.deepEqual(ids, ["ocis", ...Object.values(NATIVE_CLIENTS).map(({ clientId }) => clientId)]);
        });
    });
}
