/**
 * Who gets in, and as what, where users live in Authelia: the matrix, and what else access consists of. Runs on every pair of
 * servers at hand.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as oidc from "openid-client";

import { isStandIn } from "../../operations/images";
import { OCIS, releaseOf } from "../../versions";
import { Cloud } from "./cloud";
import { ACCESS, CLIENTS, nextCode, outcome, PEOPLE, testMatrix } from "./matrix";
import { pairsOfThisRun } from "./pairs";
import { signIn, WEB } from "./relying-party";
import { docker } from "./stack";

/** Headers of HTTP's basic authentication. */
const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

for (const [index, { title, images }] of pairsOfThisRun().entries()) {
    describe(`access on ${title}`, { timeout: 20 * 60_000 }, () => {
        let cloud: Cloud;

        before(async () => {
            const user = ({ name, groups, role }: { name: string; groups: readonly string[]; role: string }) => [
                name,
                { displayName: name, email: `${name}@example.com`, groups, disabled: role === "disabled" },
            ];
            const newcomer = { name: "newcomer", groups: ["family"], role: "member" };
            cloud = await Cloud.up(`test-access-${index}`, {
                images,
                access: ACCESS,
                users: Object.fromEntries([...PEOPLE, newcomer].map(user)) as Record<string, object>,
            });
            await cloud.enrol(PEOPLE.map(({ name }) => name));
        });

        after(() => cloud.down());

        testMatrix("authelia", images, () => cloud);

        test("an administrator of the web client remains one in a native app", async () => {
            await nextCode();
            assert.equal(await outcome(cloud, "desktop", cloud.credentials("administrator-web")), "me 200, users 200");
        });

        test("who has no second factor gets no code", async () => {
            const actual = await outcome(cloud, "web", {
                username: "newcomer",
                password: cloud.passwords.newcomer!,
                code: () => "123456",
            });
            assert.match(actual, /^the code: 40[13]$/);
        });

        test("a code serves once", async () => {
            await nextCode();
            const code = cloud.credentials("administrator-ios").code();
            const once = { ...cloud.credentials("administrator-ios"), code: () => code };
            assert.equal(await outcome(cloud, "web", once), "me 200, users 200");
            assert.match(await outcome(cloud, "web", once), /^the code: 40[13]$/);
        });

        const tokens = releaseOf(OCIS, images.ocis).line.appTokens && !isStandIn(images.ocis);
        test(
            "an app token serves for WebDAV, the account's password does not",
            { skip: !tokens && "no app tokens here" },
            async () => {
                cloud.stack.configure({ ...cloud.settings, appTokens: true });
                await cloud.stack.up();
                await nextCode();
                const browser = cloud.open();
                const person = cloud.credentials("member-ios");
                const session = await signIn(browser, cloud.url, WEB, cloud.webRedirect, person);
                const made = await browser.request(`${cloud.url}/auth-app/tokens?expiry=1h`, {
                    method: "POST",
                    headers: { authorization: `Bearer ${session.tokens.access_token}` },
                });
                const { token } = (await made.json()) as { token: string };
                const list = async (password: string) => {
                    const headers = { ...basic(person.username, password), depth: "0" };
                    const response = await cloud
                        .open()
                        .request(`${cloud.url}/remote.php/webdav/`, { method: "PROPFIND", headers });
                    await response.body?.cancel();
                    return response.status;
                };
                assert.deepEqual([await list(token), await list(person.password)], [207, 401]);
            },
        );

        test(
            "the operator can act as the built-in administrator, whoever has signed in",
            { skip: !tokens && "no app tokens here" },
            async () => {
                const create = ["ocis", "auth-app", "create", "--user-name=admin", "--expiration=1h"];
                const said = await docker("exec", `${cloud.stack.prefix}ocis`, ...create);
                const token = said.split(/\s/).at(-1)!;
                const response = await cloud
                    .open()
                    .request(`${cloud.url}/graph/v1.0/users`, { headers: basic("admin", token) });
                assert.equal(response.status, 200, await response.text());
            },
        );

        test("an app whose access token is over refreshes it, without anybody at the device", async () => {
            cloud.stack.configure({ ...cloud.settings, lifespans: { accessToken: "5 seconds" } });
            await cloud.stack.up();
            await nextCode();
            const browser = cloud.open();
            const { client, redirectUri } = CLIENTS.desktop!;
            const person = cloud.credentials("member-android");
            const { configuration, tokens } = await signIn(browser, cloud.url, client, redirectUri(cloud.url), person);
            const me = async (token: string) => {
                const response = await browser.request(`${cloud.url}/graph/v1.0/me`, {
                    headers: { authorization: `Bearer ${token}` },
                });
                await response.body?.cancel();
                return response.status;
            };
            await pause(6_000);
            const over = await me(tokens.access_token);
            const refreshed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token!);
            assert.deepEqual([over, await me(refreshed.access_token)], [401, 200]);
        });
    });
}
