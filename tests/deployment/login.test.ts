/**
 * The stack on a real engine: people who must not get in and what must not be taken from clients, containers that may do little,
 * secrets that stay secret, a setting that is changed. What differs by release is in release.test.ts.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oidc from "openid-client";

import { NATIVE_CLIENTS } from "../../components/ocis/relying-parties";
import { isStandIn } from "../../operations/images";
import { Browser, Refused, totp } from "../../client/browser";
import { Cloud, usersCalled } from "./cloud";
import { share } from "./ocs";
import { describeOn } from "./pairs";
import { authorizationRequest, DESKTOP, discover, ME, WEB } from "../../client/relying-party";
import { docker, dockerLines } from "./stack";
import { publicClient, readText } from "./webdav";

const PEOPLE = ["carol", "dave", "frank", "grace", "heidi", "judy", "kim"];

/** Planted as a digest in the configuration; must not be seen anywhere outside the files. */
const CANARY_DIGEST = "$argon2id$v=19$m=65536,t=3,p=4$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E";

describeOn({ tier: "everything" }, "login", (images) => {
    let cloud: Cloud;

    before(async () => {
        const erin = { displayName: "Erin", email: "erin@example.com", passwordDigest: CANARY_DIGEST };
        cloud = await Cloud.up("test-login", { images, users: { ...usersCalled(PEOPLE), erin } });
        await cloud.enrol(PEOPLE);
    });

    after(() => cloud.down());

    test("preview after up expects no change, and says where one-time codes are and that nobody administers", async () => {
        const text = await cloud.expectNoChange();
        assert.match(text, /Mail is off/);
        assert.match(text, /Nobody administers ownCloud/);
    });

    test("a wrong password is refused", async () => {
        const wrong = { ...cloud.credentials("carol"), password: "not-the-password" };
        await assert.rejects(
            cloud.signIn(wrong),
            (error) => error instanceof Refused && error.step === "the password" && error.status === 401,
        );
    });

    test("a wrong code is refused", async () => {
        const wrong = { ...cloud.credentials("carol"), code: () => totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") };
        await assert.rejects(
            cloud.signIn(wrong),
            (error) => error instanceof Refused && error.step === "the code" && [401, 403].includes(error.status),
        );
    });

    test("a password alone gives no access", async () => {
        const without = { ...cloud.credentials("dave"), code: () => "" };
        await assert.rejects(cloud.signIn(without), (error) => error instanceof Refused && error.step === "the code");
    });

    test("signing out of Authelia ends its session, and no client's", async () => {
        const browser = cloud.open();
        const session = await cloud.signIn(cloud.credentials("judy"), WEB, browser);
        const { end_session_endpoint: ends } = session.configuration.serverMetadata();
        assert.equal(ends, undefined, "then the web interface could use it");
        assert.equal(await browser.authenticationLevel(cloud.issuer), 2);
        await browser.signOut(cloud.issuer);
        assert.equal(await browser.authenticationLevel(cloud.issuer), 0);
        assert.equal(await session.status(), 200);
        await session.refresh();
    });

    const noShares = isStandIn(images.ocis) && "the stand-in has no shares";
    test("a public link opens without a sign-in, and by its password alone", { skip: noShares }, async () => {
        const owner = await cloud.signIn(cloud.credentials("kim"));
        const put = await owner.ask("/remote.php/webdav/public.txt", { method: "PUT", body: "for all" });
        assert.ok([201, 204].includes(put.status), put.text);
        const password = "Aa1!for-everyone";
        const { token } = await share(owner, "/public.txt", { shareType: "3", password });
        assert.equal(await readText(publicClient(cloud, token!, password), "/public.txt"), "for all");
        await assert.rejects(readText(publicClient(cloud, token!, "not-the-password"), "/public.txt"), { status: 401 });
    });

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
        const bearers = ["Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "Bearer random", undefined];
        for (const authorization of bearers) {
            const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
            assert.equal((await cloud.open().ask(`${cloud.url}${ME}`, { headers })).status, 401, authorization);
        }
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
        assert.ok(secrets.includes(cloud.passwords.carol!) && secrets.includes(CANARY_DIGEST));
        const containers = await dockerLines("ps", "--all", "--filter", `name=${cloud.stack.prefix}`, "--format", "{{.Names}}");
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
        const session = await cloud.signIn(cloud.credentials("heidi"));
        const file = "/remote.php/webdav/kept.txt";
        const put = await session.ask(file, { method: "PUT", body: "kept" });
        assert.ok([201, 204].includes(put.status), put.text);

        cloud.stack.configure({ ...cloud.settings, accessTokens: "opaque" });
        const preview = await cloud.stack.operate("preview", ["--diff"]);
        assert.match(preview.text, /access_token_signed_response_alg: "RS256" => "none"/);
        await cloud.stack.up();
        await cloud.expectNoChange();

        // Sessions live in Authelia's memory, grants in its database: the refresh token still serves.
        const refreshed = await session.refresh();
        assert.match(refreshed.tokens.access_token, /^authelia_at_/);
        assert.equal((await refreshed.ask(file)).text, "kept");
    });

    test("every native client's id is among the outputs", async () => {
        const ids = (await cloud.stack.output<{ clientId: string }[]>("clientIds")).map(({ clientId }) => clientId);
        assert.deepEqual(ids, ["ocis", ...Object.values(NATIVE_CLIENTS).map(({ clientId }) => clientId)]);
    });
});
