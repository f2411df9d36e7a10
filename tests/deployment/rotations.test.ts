/**
 * Secrets rotate as the configuration declares, on a stack whose data are protected: a preview shows what is made, everybody who was
 * signed in still is or is asked once, and files, shares and second factors are there. The table that docs/rotations.md shows.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oidc from "openid-client";

import { AUTHELIA, OCIS, releaseOf } from "../../versions";
import { Browser, Refused } from "../../client/browser";
import { DESKTOP, discover, Session } from "../../client/relying-party";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { docker } from "./stack";
import { OPEN, Outcome, WaysIn } from "./ways-in";

/** The secrets by which oCIS's services know each other. */
const AMONG_SERVICES = ["jwt", "machineAuth", "systemUserApi", "transfer", "thumbnails", "wopi", "serviceAccount"];

/** A step as `pulumi preview --json` shows it. */
interface Step {
    readonly op: string;
    readonly urn: string;
}

const kidOf = ({ tokens }: Session) =>
    (JSON.parse(Buffer.from(tokens.access_token.split(".")[0]!, "base64url").toString()) as { kid: string }).kid;

describeOn({ tier: "everything", real: true }, "rotations", (images) => {
    const { appTokens } = releaseOf(OCIS, images.ocis).line;
    const { refreshesByNewestKey: rotatesIssuerKey, takesKeyFromTerminal: rotatesStorageKey } = releaseOf(
        AUTHELIA,
        images.authelia,
    ).line;
    const issuerKey = (generation: number): Record<string, number> => (rotatesIssuerKey ? { issuerKey: generation } : {});
    /** Each way in but those that are not open any more; a session at Authelia ends whenever that is started anew. */
    const without = (closed: Partial<Outcome> = {}): Outcome => ({
        ...OPEN,
        ...(appTokens ? {} : { appToken: undefined }),
        ...closed,
    });
    /** Those of the stack so far. */
    let rotations: Record<string, number> = {};
    let cloud: Cloud;
    let ways: WaysIn;
    let desktop: Session;

    before(async () => {
        cloud = await Cloud.up("test-rotations", { images, users: usersCalled(["alice"]), appTokens });
        await cloud.enrol(["alice"]);
        ways = await WaysIn.gather(cloud, "alice", appTokens);
        desktop = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
    });

    after(async () => {
        await cloud.stack.succeed("state", "unprotect", "--all", "--yes");
        await cloud.down();
    });

    /** What a preview of further rotations shows, without what stays: operation and resource. */
    async function preview(further: Record<string, number>): Promise<string[]> {
        cloud.stack.configure({ ...cloud.settings, keepData: true, rotations: { ...rotations, ...further } });
        const { code, stdout, text } = await cloud.stack.operate("preview", ["--json"]);
        assert.equal(code, 0, text);
        const { steps } = JSON.parse(stdout) as { steps: Step[] };
        return steps.filter(({ op }) => op !== "same").map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`);
    }

    async function rotate(further: Record<string, number>): Promise<void> {
        rotations = { ...rotations, ...further };
        await cloud.change({ keepData: true, rotations });
        await cloud.expectNoChange();
    }

    /** What becomes of alice's ways in. */
    async function expectOutcome(expected: Outcome): Promise<void> {
        assert.deepEqual({ appToken: undefined, ...(await ways.outcome()) }, expected);
    }

    /** The file that alice has, by whichever session. */
    async function expectFile(session: Session): Promise<void> {
        assert.equal((await session.ask("/remote.php/webdav/note.txt")).text, "by alice");
    }

    test("secrets that only oCIS's services show each other: nobody notices", async () => {
        await rotate(Object.fromEntries(AMONG_SERVICES.map((secret) => [secret, 2])));
        await expectOutcome(without());
        desktop = await desktop.refresh();
        await expectFile(desktop);
    });

    test("the issuer's key and the session secret: tokens of the old key are good, new ones are of the new one", async () => {
        const before = kidOf(ways.session);
        const further = { ...issuerKey(2), session: 2 };
        // What is among the secrets of a server is made anew with it, and nothing else; least of all a volume.
        const shown = (await preview(further)).filter((step) => !/(replace|replaced) cloud-authelia(-secrets)?$/.test(step));
        assert.deepEqual(
            shown.sort(),
            [...(rotatesIssuerKey ? ["issuer"] : []), "session"].map((use) => `create cloud-secrets-authelia-${use}-2`),
        );
        await rotate(further);
        await expectOutcome(without({ session: 0 }));
        assert.equal(kidOf(ways.session) !== before, rotatesIssuerKey);
        desktop = await desktop.refresh();
        await expectFile(desktop);
    });

    test("a counter that goes down would delete a secret that is protected, and is refused", async () => {
        cloud.stack.configure({ ...cloud.settings, keepData: true, rotations: { ...rotations, session: 1 } });
        const { code, text } = await cloud.stack.operate("preview");
        assert.notEqual(code, 0);
        assert.match(text, /cloud-secrets-authelia-session-2[^]*protect/);
    });

    test("HMAC and generated passwords: everybody signs in once more, with another password and the same second factor", async () => {
        const old = cloud.passwords.alice!;
        await rotate({ hmac: 2, initialPasswords: 2 });
        await expectOutcome(without({ session: 0, refreshToken: "Authelia 400" }));
        // Authelia takes the token for a malformed one; by either answer the desktop app asks for a sign-in.
        await assert.rejects(
            desktop.refresh(),
            (error) => error instanceof oidc.ResponseBodyError && /^invalid_(grant|request)$/.test(error.error),
        );

        await assert.rejects(
            cloud.signIn({ ...cloud.credentials("alice"), password: old }),
            (error) => error instanceof Refused && error.step === "the password",
        );
        cloud.passwords.alice = (await cloud.stack.output<Record<string, string>>("initialPasswords")).alice!;
        assert.notEqual(cloud.passwords.alice, old);
        ways.session = await cloud.signIn(cloud.credentials("alice"));
        desktop = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        await expectFile(desktop);
    });

    test(
        "the key of Authelia's database: second factors and tokens are there, and nobody notices",
        { skip: !rotatesStorageKey && "not on 4.38" },
        async () => {
            await rotate({ storageEncryption: 2 });
            desktop = await desktop.refresh();
            await expectFile(desktop);
            assert.equal((await (await cloud.signIn(cloud.credentials("alice"))).me()).onPremisesSamAccountName, "alice");
            const database = async (file: string) => {
                const check = [
                    "authelia",
                    "storage",
                    "encryption",
                    "check",
                    "--config",
                    `/run/configuration/configuration.yml,/run/secrets/${file}`,
                ];
                return (await docker("exec", `${cloud.stack.prefix}authelia`, ...check)).includes("SUCCESS");
            };
            assert.ok(await database("secrets.yml"));
            assert.ok(!(await database("storage-key-1.yml")), "the old key opens it still");
        },
    );

    test("the same over several generations at once", { skip: !rotatesStorageKey && "not on 4.38" }, async () => {
        await rotate({ storageEncryption: 4 });
        desktop = await desktop.refresh();
        await expectFile(desktop);
    });

    test("the private authority, and the issuer's key twice at once: devices import the new root and get new tokens", async () => {
        await rotate({ privateAuthority: 2, ...issuerKey(4) });
        await assert.rejects(desktop.status(), { message: "fetch failed" });
        const browser = new Browser(await cloud.stack.output<string>("caCertificate"));
        const importing = new Session(browser, cloud.url, await discover(browser, cloud.url, DESKTOP), desktop.tokens);
        assert.equal(await importing.status(), rotatesIssuerKey ? 401 : 200, "the key that signed the access token is no more");
        await expectFile(await importing.refresh());
        await browser.close();
    });
});
