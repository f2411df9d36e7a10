/** `npm run verify` on a stack that is well, and with faults of which each makes exactly its lines fail; nothing is left behind. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ImageNames } from "../../operations/images";
import { VerifyReport } from "../../operations/verify/report";
import { OCIS, releaseOf } from "../../versions";
import { Authority } from "../authority";
import { Cloud, usersCalled } from "./cloud";
import { MailServer } from "./mail-server";
import { describeOn } from "./pairs";
import { docker } from "./stack";

const lineOf = ({ ocis }: ImageNames) => releaseOf(OCIS, ocis).line;

describeOn({ tier: "everything", real: true }, "verify", (images) => {
    let authority: Authority;
    let server: MailServer;
    let cloud: Cloud;

    before(async () => {
        authority = new Authority();
        server = await MailServer.start(authority, true);
        cloud = await Cloud.up("test-verify", {
            images,
            users: usersCalled(["alice", "bob", "carol"]),
            appTokens: lineOf(images).appTokens,
            smtp: { ...server.settings, authority: authority.root },
        });
        await cloud.enrol(["alice"]);
    });
    after(async () => {
        try {
            await cloud?.down();
        } finally {
            await server.stop(); // or this process would not end
            authority.close();
        }
    });

    const factors = () =>
        docker("exec", `${cloud.stack.prefix}authelia`, "authelia", "storage", "user", "totp", "export", "uri");

    /** Runs it, and returns what it found, what it printed and how it ended. */
    async function verify(...args: string[]) {
        const { code, stdout, text } = await cloud.stack.command("verify", "--json", ...args);
        assert.match(stdout, /^\{/, text);
        const report = JSON.parse(stdout) as VerifyReport;
        return { code, text, report, failed: report.lines.filter(({ state }) => state === "failed") };
    }

    test("every line is well for who has a second factor and who has none, and no secret is printed", async () => {
        const before = await factors();
        for (const user of ["alice", "bob"]) {
            const { code, text, report } = await verify("--user", user);
            assert.equal(code, 0, text);
            assert.deepEqual(
                report.lines.filter(({ state }) => state !== "ok"),
                [],
                text,
            );
            const secret = /secret=([A-Z2-7]+)/.exec(before)![1]!;
            for (const canary of [secret, ...(await cloud.stack.secrets()).filter((value) => value.length > 8)]) {
                assert.ok(!text.includes(canary), "a secret is printed");
            }
        }
        assert.equal(await factors(), before);
    });

    test("nothing is left behind", async () => {
        await cloud.enrol(["bob"]);
        for (const user of ["alice", "bob"]) {
            // The command may just have used up the code of this half minute, which Authelia remembers by user, whatever the secret.
            await cloud.credentials(user).code();
            const session = await cloud.signIn(cloud.credentials(user));
            const question = { method: "PROPFIND", headers: { depth: "1" } };
            const files = await session.ask("/remote.php/webdav/", question);
            assert.equal(files.status, 207, files.text);
            assert.doesNotMatch(files.text, /verify-/);
            const { id } = JSON.parse((await session.ask("/graph/v1.0/me/drive")).text) as { id: string };
            const bin = await session.ask(`/remote.php/dav/spaces/trash-bin/${id}/`, question);
            assert.equal(bin.status, 207, bin.text);
            assert.doesNotMatch(bin.text, /verify-/);
            if (lineOf(images).appTokens) {
                const tokens = await session.ask("/auth-app/tokens");
                assert.equal(tokens.status, 200, tokens.text);
                assert.deepEqual(JSON.parse(tokens.text) ?? [], []);
            }
        }
    });

    test("without --user it says what it does not check", async () => {
        const { code, report } = await verify();
        assert.equal(code, 0);
        assert.deepEqual(
            report.lines.filter(({ state }) => state !== "ok").map(({ seen }) => seen),
            ["not checked: needs --user"],
        );
    });

    test("mail is sent to the person, and found out where it is not", async () => {
        assert.match(await server.mailTo("alice@example.com"), /Confirm your identity/);
        await server.stop();
        // Of her no code was used.
        const { code, failed, text } = await verify("--user", "carol");
        assert.equal(code, 1);
        assert.deepEqual(
            failed.map(({ what }) => what),
            ["mail"],
            text,
        );
    });

    const FAULTS = {
        ocis: { failed: ["discovery at ownCloud"], cause: /oCIS behind it/ },
        authelia: { failed: ["discovery at Authelia"], cause: /Authelia behind it/ },
        edge: { failed: ["TLS of auth.test.localhost", "TLS of owncloud.test.localhost"], cause: /nothing listens/ },
    };
    for (const [server, expected] of Object.entries(FAULTS)) {
        test(`${server} does not run`, async () => {
            const container = cloud.stack.prefix + server;
            await docker("stop", container);
            try {
                const { code, failed, text } = await verify("--user", "alice");
                assert.equal(code, 1);
                assert.deepEqual(
                    failed.map(({ what }) => what),
                    expected.failed,
                    text,
                );
                failed.forEach(({ cause }) => assert.match(cause ?? "", expected.cause));
            } finally {
                await docker("start", container);
            }
        });
    }
});
