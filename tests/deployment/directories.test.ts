/**
 * People who live in an LDAP directory, oCIS's own or one outside the stack: they sign in with what the directory says, whoever
 * it does not let in stays outside, and a stack with data is not moved to another directory. The
 * stand-ins know no LDAP; users in Authelia's file are tested in login.test.ts.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { Credentials, Refused } from "../../client/browser";
import { Cloud } from "./cloud";
import { describeOn } from "./pairs";
import { ME, Session } from "../../client/relying-party";
import { NO_SLAPD, Slapd } from "./slapd";
import { docker } from "./stack";
import { eventually } from "./waiting";

/** Different at each run, and long enough for oCIS's rules. */
const newPassword = () => `Aa1!${randomBytes(12).toString("hex")}`;

/** Enrols a second factor for somebody with that password, as an operator does. */
async function enrolled(cloud: Cloud, username: string, password: string): Promise<Credentials> {
    cloud.passwords[username] = password;
    await cloud.enrol([username]);
    return cloud.credentials(username);
}

/** Signs in as a member of the directory and uses the cloud. */
async function expectWelcome(cloud: Cloud, credentials: Credentials, expected: Record<string, unknown>): Promise<Session> {
    const session = await cloud.signIn(credentials);
    const found = await session.me();
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]])), expected);
    const put = await session.ask("/remote.php/webdav/note.txt", { method: "PUT", body: `by ${credentials.username}` });
    assert.ok([201, 204].includes(put.status), `${put.status} ${put.text}`);
    return session;
}

async function expectRefused(cloud: Cloud, credentials: Credentials): Promise<void> {
    await assert.rejects(
        cloud.signIn(credentials),
        (error) => error instanceof Refused && error.step === "the password" && error.status === 401,
    );
}

describeOn({ tier: "everything", real: true }, "oCIS's own directory", (images) => {
    let cloud: Cloud;
    let administrator: Session;
    const passwords: Record<string, string> = {};

    /** Makes a user as an administrator does in the web interface. */
    const makeUser = async (name: string) => {
        passwords[name] = newPassword();
        const made = await administrator.ask("/graph/v1.0/users", {
            json: {
                onPremisesSamAccountName: name,
                displayName: `${name} Example`,
                mail: `${name}@example.com`,
                passwordProfile: { password: passwords[name] },
            },
        });
        assert.ok([200, 201].includes(made.status), made.text);
        return { id: (JSON.parse(made.text) as { id: string }).id, credentials: await enrolled(cloud, name, passwords[name]) };
    };

    before(async () => {
        cloud = await Cloud.up("directory-ocis", { images, directory: { mode: "ocis" } });
        administrator = await cloud.signIn(await enrolled(cloud, "admin", cloud.passwords.admin!));
    });

    after(() => cloud.down());

    test("preview after up expects no change", async () => void (await cloud.expectNoChange()));

    test("a user whom the administrator makes signs in with password and code, and has files", async () => {
        const { credentials } = await makeUser("alice");
        await expectWelcome(cloud, credentials, {
            onPremisesSamAccountName: "alice",
            displayName: "alice Example",
            mail: "alice@example.com",
        });
    });

    test("a wrong password and an unknown user are refused", async () => {
        const { credentials } = await makeUser("bob");
        await expectRefused(cloud, { ...credentials, password: newPassword() });
        await expectRefused(cloud, { ...credentials, username: "nobody" });
    });

    test("a user who may no longer sign in is refused, and so is one who was removed", async () => {
        const carol = await makeUser("carol");
        const path = `/graph/v1.0/users/${carol.id}`;
        const session = await expectWelcome(cloud, carol.credentials, { onPremisesSamAccountName: "carol" });
        const disabled = await administrator.ask(path, { method: "PATCH", json: { accountEnabled: false } });
        assert.equal(disabled.status, 200, disabled.text);
        await expectRefused(cloud, carol.credentials);
        assert.equal(await session.status(), 401, "whoever is signed in is refused too");

        const enabled = await administrator.ask(path, { method: "PATCH", json: { accountEnabled: true } });
        assert.equal(enabled.status, 200, enabled.text);
        assert.equal(await session.status(), 200, "and is back without a new sign-in");

        const removed = await administrator.ask(path, { method: "DELETE" });
        assert.equal(removed.status, 204, removed.text);
        await expectRefused(cloud, carol.credentials);
        assert.equal(await session.status(), 401, "whoever is signed in is gone too");
    });

    test("a move to another directory is refused by the preview, and by an up that touches no container", async () => {
        const running = () => docker("ps", "--no-trunc", "--quiet", "--filter", `name=${cloud.stack.prefix}`);
        const before = await running();
        const users = { dave: { displayName: "Dave", email: "dave@example.com" } };
        cloud.stack.configure({ ...cloud.settings, directory: { mode: "authelia" }, users });
        for (const operation of ["preview", "up"] as const) {
            const { code, text } = await cloud.stack.operate(operation);
            assert.notEqual(code, 0, text);
            assert.match(
                text,
                /directory\.mode: "authelia" cannot be used\. Allowed: "ocis"[^]*config set --path directory\.mode ocis/,
            );
        }
        assert.equal(await running(), before);

        cloud.stack.configure(cloud.settings);
        await cloud.stack.up();
        assert.equal(await running(), before);
    });

    test("both servers come back whichever starts first", async () => {
        const [authelia, ocis] = ["authelia", "ocis"].map((name) => `${cloud.stack.prefix}${name}`);
        await docker("stop", authelia!, ocis!);
        await docker("start", authelia!);
        await docker("start", ocis!);
        // A code serves once, so each attempt enrols anew.
        const attempt = async () => cloud.signIn(await enrolled(cloud, "alice", passwords.alice!)).catch(() => undefined);
        await eventually("alice signs in", 120, () => attempt().catch(() => undefined));
    });
});

describeOn({ tier: "everything", real: true, missing: NO_SLAPD }, "an LDAP server outside", (images) => {
    let slapd: Slapd;
    let cloud: Cloud;
    const passwords = Object.fromEntries(["alice", "bob", "carol"].map((uid) => [uid, newPassword()]));
    const credentials = (uid: string) => enrolled(cloud, uid, passwords[uid]!);

    before(async () => {
        slapd = await Slapd.start();
        await slapd.addPerson({ uid: "alice", password: passwords.alice! });
        await slapd.addPerson({ uid: "bob", password: passwords.bob!, more: { employeeType: "former" } });
        await slapd.addPerson({ uid: "carol", password: passwords.carol! });
        await slapd.addGroup("family", ["alice", "bob"]);
        cloud = await Cloud.up("directory-ldap", { images, directory: slapd.settings });
    });

    after(async () => {
        await cloud.down();
        await slapd.stop();
    });

    test("preview after up expects no change", async () => void (await cloud.expectNoChange()));

    test("a person of the directory signs in with password and code, is in its groups, and has files", async () => {
        const session = await expectWelcome(cloud, await credentials("alice"), {
            onPremisesSamAccountName: "alice",
            displayName: "alice Example",
            mail: "alice@example.com",
        });
        const { memberOf } = JSON.parse((await session.ask(`${ME}?$expand=memberOf`)).text) as {
            memberOf: { displayName: string }[];
        };
        assert.deepEqual(
            memberOf.map(({ displayName }) => displayName),
            ["family"],
        );
    });

    test("nobody can be changed through ownCloud", async () => {
        const session = await cloud.signIn(await credentials("carol"));
        const changed = await session.ask(ME, { method: "PATCH", json: { displayName: "Somebody Else" } });
        assert.ok(changed.status >= 400, `${changed.status} ${changed.text}`);
        assert.equal((await session.me()).displayName, "carol Example");
    });

    test("a wrong password and an unknown user are refused", async () => {
        const carol = await credentials("carol");
        await expectRefused(cloud, { ...carol, password: newPassword() });
        await expectRefused(cloud, { ...carol, username: "nobody" });
    });

    test("a person whom the filter leaves out is refused, and so is one who was removed", async () => {
        await expectRefused(cloud, await credentials("bob"));
        await slapd.change("bob", "employeeType", "staff");
        await expectWelcome(cloud, await credentials("bob"), { onPremisesSamAccountName: "bob" });
        await slapd.removePerson("bob");
        await expectRefused(cloud, await credentials("bob"));
    });

    test("the bind password shows in no environment and in no plain file", async () => {
        for (const name of ["authelia", "ocis"]) {
            const container = `${cloud.stack.prefix}${name}`;
            assert.ok(!(await docker("inspect", container)).includes(slapd.readerPassword), name);
            const files = await docker("exec", container, "sh", "-c", "cat /run/configuration/*");
            assert.ok(!files.includes(slapd.readerPassword), name);
        }
    });

    test("Authelia does not speak to a server whose certificate it cannot verify", async () => {
        // The same configuration, without the authority.
        const config = "sed 's#^certificates_directory: .*##' /run/configuration/configuration.yml > /tmp/untrusting.yml";
        const start = "timeout 30 authelia --config /tmp/untrusting.yml,/run/secrets/secrets.yml 2>&1";
        const said = await docker("exec", `${cloud.stack.prefix}authelia`, "sh", "-c", `${config}; ${start}; true`);
        assert.match(said, /certificate signed by unknown authority/);
    });
});
