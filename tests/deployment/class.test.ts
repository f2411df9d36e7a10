/**
 * A class behind one address: sixty people sign in at once, and again, with passwords that are costly to check; whoever guesses is
 * stopped by name; and a stranger at the same address keeps nobody out. The stand-in for Authelia counts nothing by address.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { NATIVE_CLIENTS } from "../../components/ocis/relying-parties";
import { ImageNames } from "../../operations/images";
import { basic, Refused } from "../../client/browser";
import { DESKTOP, ME, Session } from "../../client/relying-party";
import { Cloud, usersCalled } from "./cloud";
import { describeOn, isEarlyAuthelia } from "./pairs";
import { docker } from "./stack";

const PUPILS = Array.from({ length: 60 }, (_, index) => `pupil${index + 1}`);

/** More than any of Authelia's own limits. */
const MANY = 120;

/** Run with sixty people on 4.38.0, in memory: it answers 403 to the codes of some. */
const losesSessions = (images: ImageNames) =>
    isEarlyAuthelia(images) ? "Authelia 4.38 loses sessions when many begin at once" : undefined;

describeOn({ tier: "everything", real: true, missing: losesSessions }, "a class behind one address", (images) => {
    const password = randomBytes(12).toString("hex");
    let cloud: Cloud;
    let sessions: Session[];

    before(async () => {
        const hash = ["authelia", "crypto", "hash", "generate", "argon2", "--password", password];
        const [, digest] = /Digest: (\S+)/.exec(await docker("run", "--rm", images.authelia, ...hash))!;
        cloud = await Cloud.up("test-class", {
            images,
            users: { ...usersCalled(PUPILS, { passwordDigest: digest }), ...usersCalled(["mallory", "witness"]) },
            // oCIS asks Authelia about each of these, whoever shows it.
            accessTokens: "opaque",
        });
        for (const name of PUPILS) {
            cloud.passwords[name] = password;
        }
        await cloud.enrol([...PUPILS, "mallory", "witness"]);
    });

    after(() => cloud.down());

    /** Everybody signs in at once and asks ownCloud who asks. */
    async function everybody(): Promise<Session[]> {
        const entered = await Promise.all(PUPILS.map((name) => cloud.signIn(cloud.credentials(name))));
        const names = await Promise.all(entered.map((session) => session.me()));
        assert.deepEqual(
            names.map((me) => me.onPremisesSamAccountName),
            PUPILS,
        );
        return entered;
    }

    test("sixty people sign in at once", async () => void (await everybody()));

    test("and at once again", async () => void (sessions = await everybody()));

    test("Authelia has not been ended for want of memory", async () => {
        const format = "{{.State.OOMKilled}} {{.RestartCount}}";
        assert.equal(await docker("inspect", "--format", format, `${cloud.stack.prefix}authelia`), "false 0");
    });

    /** Many requests, a few at a time, none of which is let in. */
    async function insist(request: () => Promise<{ status: number }>): Promise<void> {
        for (let sent = 0; sent < MANY; sent += 20) {
            const statuses = (await Promise.all(Array.from({ length: 20 }, request))).map(({ status }) => status);
            assert.ok(
                statuses.every((status) => [400, 401, 429].includes(status)),
                statuses.join(" "),
            );
        }
    }

    test("whoever tries refresh tokens that are none keeps nobody at the same address from refreshing", async () => {
        const stranger = cloud.open();
        const { clientId, clientSecret } = NATIVE_CLIENTS.desktop;
        const headers = basic(clientId, clientSecret);
        const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: "authelia_rt_none" });
        await insist(() => stranger.ask(`${cloud.issuer}/api/oidc/token`, { method: "POST", headers, body }));
        assert.equal(await (await sessions[0]!.refresh()).status(), 200);
    });

    test("whoever shows ownCloud tokens that are none keeps nobody out", async () => {
        const stranger = cloud.open();
        await insist(() => {
            const authorization = `Bearer authelia_at_${randomBytes(32).toString("hex")}`;
            return stranger.ask(`${cloud.url}${ME}`, { headers: { authorization } });
        });
        assert.equal(await (await sessions[1]!.refresh()).status(), 200);
    });

    test("wrong passwords shut out the name that they are tried for, and no other", async () => {
        const right = cloud.credentials("mallory");
        const refused = { name: "Error", step: "the password", status: 401 } satisfies Partial<Refused>;
        for (let tries = 0; tries < 3; tries++) {
            await assert.rejects(cloud.signIn({ ...right, password: "not-the-password" }), refused);
        }
        await assert.rejects(cloud.signIn(right), refused, "the right one too, for five minutes");
        // Nobody of the pupils, who have shown this half minute's codes already where the machine is fast.
        assert.equal(await (await cloud.signIn(cloud.credentials("witness"), DESKTOP)).status(), 200);
    });
});
