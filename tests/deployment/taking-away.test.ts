/**
 * Taking access away takes it away: what becomes of each way in when somebody is disabled, removed, taken out of the groups that get in,
 * given another password, or has lost a second factor or a phone; and that a removed user's name is given to nobody else unnoticed. The
 * table that docs/access.md shows.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oidc from "openid-client";

import { OCIS, releaseOf } from "../../versions";
import { ImageNames } from "../../operations/images";
import { Refused } from "../../client/browser";
import { Cloud, usersCalled } from "./cloud";
import { acceptShare, share } from "./ocs";
import { describeOn, isEarlyAuthelia, pairsOfThisRun } from "./pairs";
import { docker } from "./stack";
import { OPEN, Outcome, WaysIn } from "./ways-in";

const lineOf = ({ ocis }: ImageNames) => releaseOf(OCIS, ocis).line;

/** The newest pair, and the newest with Authelia 4.38. */
const CHOSEN = [() => true, isEarlyAuthelia].map((is) => JSON.stringify(pairsOfThisRun().find(is)));

/** Who keeps access, and sees what becomes of the others' shares. */
const WITNESS = "anna";

/**
 * Each way in of somebody whom oCIS is told to refuse. To an access token it answers 500, because it tries to make an account for somebody
 * whom it does not find.
 */
const SHUT_OUT: Outcome = {
    session: 0,
    accessToken: 500,
    refreshToken: "ownCloud 500",
    appToken: 401,
    signedUrl: 401,
    publicLink: 404,
};

/**
 * What is done to each person, and what becomes of the ways in. `up` starts Authelia anew, and so ends everybody's session there. Authelia
 * fails to refresh the tokens of somebody who is no user, and asks of nobody what groups they are in.
 */
const TABLE: Record<string, Outcome> = {
    disabled: { ...SHUT_OUT, refreshToken: "Authelia 500" },
    removed: { ...SHUT_OUT, refreshToken: "Authelia 500" },
    regrouped: SHUT_OUT,
    repassword: { ...OPEN, session: 0 },
    refactored: { ...OPEN, session: 0 },
    [WITNESS]: { ...OPEN, session: 0 },
};

/** By the command. */
const ENDED: Outcome = { ...SHUT_OUT, accessToken: 401, refreshToken: "Authelia 400", publicLink: 207 };

const LEAVERS = ["disabled", "removed", "regrouped"];
const PEOPLE = [...Object.keys(TABLE), "lost"];

const NEW_PASSWORD = "another-password";

const needs = { tier: "release", real: true, only: (images: ImageNames) => CHOSEN.includes(JSON.stringify(images)) } as const;

describeOn(needs, "taking access away", (images) => {
    const { appTokens } = lineOf(images);
    /**
     * What becomes of somebody's ways in, as this pair answers: without app tokens; oCIS 4.0, which fails at a public link of somebody whom
     * it does not find; Authelia 4.38, which refreshes tokens of somebody who is no user, and may lose a session when another begins.
     */
    async function expectOutcome(name: string, expected: Outcome): Promise<void> {
        const outcome = await ways[name]!.outcome();
        const { appToken, ...others } = expected;
        const early = isEarlyAuthelia(images);
        assert.deepEqual(
            outcome,
            {
                ...others,
                ...(appTokens ? { appToken } : {}),
                ...(others.publicLink === 404 && lineOf(images).line === "4.0" ? { publicLink: 500 } : {}),
                ...(early && others.refreshToken === "Authelia 500" ? { refreshToken: "ownCloud 500" } : {}),
                ...(early && others.session === 2 ? { session: outcome.session } : {}),
            },
            name,
        );
    }

    const users: Record<string, object> = usersCalled(PEOPLE, { groups: ["family"] });
    const ways: Record<string, WaysIn> = {};
    let cloud: Cloud;

    before(async () => {
        const everybody = { ...users, ...usersCalled(["newcomer"], { groups: ["family"] }) };
        const access = { groups: ["family"] };
        cloud = await Cloud.up("test-taking-away", { images, access, users: everybody, appTokens });
        await cloud.enrol([...PEOPLE, "newcomer"]);
        for (const name of PEOPLE) {
            ways[name] = await WaysIn.gather(cloud, name, appTokens);
        }
    });

    after(() => cloud.down());

    /** How Authelia or ownCloud answers to somebody who signs in. */
    async function signingIn(user: string, change = {}): Promise<string> {
        try {
            return `ownCloud ${await (await cloud.signIn({ ...cloud.credentials(user), ...change })).status()}`;
        } catch (error) {
            if (error instanceof Refused) {
                return `${error.step} ${error.status}`;
            }
            if (error instanceof oidc.AuthorizationResponseError) {
                return error.error;
            }
            throw error;
        }
    }

    /** The processes that run now, to see whether something has touched them. */
    const containers = () => docker("ps", "--no-trunc", "--quiet", "--filter", `name=${cloud.stack.prefix}`);

    const configured = (change: Record<string, object> = {}): { users: Record<string, object> } => ({
        users: { ...users, ...usersCalled(["newcomer"], { groups: ["family"] }), ...change },
    });

    test("before anything is taken away, every way is open to each", async () => {
        for (const name of PEOPLE) {
            await expectOutcome(name, OPEN);
        }
        for (const name of LEAVERS) {
            const { session } = ways[name]!;
            assert.equal((await session.ask(`/remote.php/webdav/from-${name}`, { method: "MKCOL" })).status, 201);
            const question = { method: "PUT", body: `from ${name}` };
            assert.equal((await session.ask(`/remote.php/webdav/from-${name}/gift.txt`, question)).status, 201);
            const { id } = await share(session, `/from-${name}`, { shareType: "0", shareWith: WITNESS });
            if (lineOf(images).line === "4.0") {
                await acceptShare(ways[WITNESS]!.session, id!);
            }
        }
    });

    test("who has no second factor any more does not sign in again, and keeps every way", async () => {
        const remove = ["authelia", "storage", "user", "totp", "delete", "refactored"];
        await docker("exec", `${cloud.stack.prefix}authelia`, ...remove);
        await expectOutcome("refactored", OPEN);
        assert.match(await signingIn("refactored"), /^the code 40[13]$/);
    });

    test("one up shuts out whoever is disabled, removed or in no group that gets in, and nobody else", async () => {
        const hash = ["authelia", "crypto", "hash", "generate", "argon2", "--password", NEW_PASSWORD];
        const [, passwordDigest] = /Digest: (\S+)/.exec(await docker("run", "--rm", images.authelia, ...hash))!;
        const kept = configured({
            disabled: { ...users.disabled, disabled: true },
            regrouped: { ...users.regrouped, groups: ["neighbours"] },
            repassword: { ...users.repassword, passwordDigest },
        }).users;
        delete kept.removed;
        await cloud.change({ users: kept });
        for (const [name, expected] of Object.entries(TABLE)) {
            await expectOutcome(name, expected);
        }
    });

    test("who signs in then is refused, or let in, for the same reason", async () => {
        const expected = { disabled: /^the password 401$/, removed: /^the password 401$/, regrouped: /^access_denied$/ };
        for (const [name, answer] of Object.entries(expected)) {
            assert.match(await signingIn(name), answer, name);
        }
        assert.equal(await signingIn("repassword"), "the password 401");
        assert.equal(await signingIn("repassword", { password: NEW_PASSWORD }), "ownCloud 200");
        assert.equal(await signingIn("newcomer"), "ownCloud 200", "an account is still made at the first sign-in");
    });

    test("everybody else keeps the shares of who left, and what is in them", async () => {
        const { session } = ways[WITNESS]!;
        for (const name of LEAVERS) {
            const { status, text } = await session.ask(`/remote.php/webdav/Shares/from-${name}/gift.txt`);
            assert.deepEqual([status, text], [200, `from ${name}`], name);
        }
    });

    test("one command ends everything of one person at once, and says what", async () => {
        const { code, text } = await cloud.stack.command("end-access", "lost", "--second-factor");
        assert.equal(code, 0, text);
        const said = {
            "refresh tokens": 1,
            "access tokens": 1,
            "second factors": 1,
            ...(appTokens ? { "app tokens": 1 } : {}),
        };
        for (const [what, count] of Object.entries(said)) {
            assert.match(text, new RegExp(`^ *${what} +${count}$`, "m"));
        }
        // oCIS 5.0 panics where there is no key, and the edge answers for it.
        const signedUrl = lineOf(images).line === "5.0" ? 502 : 401;
        await expectOutcome("lost", { ...ENDED, signedUrl });
        await expectOutcome(WITNESS, { ...OPEN, session: 0, signedUrl });
        assert.match(await signingIn("lost"), /^the code 40[13]$/);
        await cloud.enrol(["lost"]);
        assert.equal(await signingIn("lost"), "ownCloud 200");
    });

    test("it touches nothing for a name that nobody has", async () => {
        const before = await containers();
        const { code, text } = await cloud.stack.command("end-access", "nobody");
        assert.notEqual(code, 0);
        assert.match(text, /Nobody called nobody has ever signed in on the stack test-taking-away/);
        assert.equal(await containers(), before);
    });

    const elsewhere =
        JSON.stringify(images) !== CHOSEN[0] && "no release makes a difference here: it is shown on the newest pair";

    test("a removed user's name is given to nobody unnoticed", { skip: elsewhere }, async () => {
        const before = await containers();
        cloud.stack.configure({ ...cloud.settings, ...configured() });
        for (const operation of ["preview", "up"] as const) {
            const { code, text } = await cloud.stack.operate(operation);
            assert.notEqual(code, 0, text);
            assert.match(text, /users\.removed: "removed" cannot be used\. Allowed: another name/);
            assert.match(text, /config set --path users\.removed\.samePerson true --stack test-taking-away/);
        }
        assert.equal(await containers(), before);
    });

    test("the same person comes back to the same files, when the operator says so", { skip: elsewhere }, async () => {
        await cloud.change(configured({ removed: { ...users.removed, samePerson: true } }));
        cloud.stack.configure({ ...cloud.settings, ...configured() });
        await cloud.expectNoChange(); // said once, it need not be said again
        cloud.passwords.removed = (await cloud.stack.output<Record<string, string>>("initialPasswords")).removed!;
        const session = await cloud.signIn(cloud.credentials("removed"));
        assert.equal((await session.ask("/remote.php/webdav/note.txt")).text, "by removed");
    });
});
