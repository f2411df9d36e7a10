/**
 * Documents edited in the browser, with an office server that stands outside the stack: people open a document in ownCloud's page, the server
 * reads and writes it in their names and only with its proof, locks are kept, nothing of oCIS is opened for it but what it needs, and without
 * the key everything is as it was. The server is the test's own; see office-server.ts.
 */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Session } from "../../client/relying-party";
import { officeFindings } from "../../operations/doctor-stack";
import { StackOnEngine } from "../../operations/stack-on-engine";
import { ROOT } from "../../system/folders";
import { attempt } from "../../system/run";
import { OCIS, releaseOf } from "../../versions";
import { Chromium, NO_CHROMIUM, undisturbed } from "./chromium";
import { Cloud, usersCalled } from "./cloud";
import { share, unshare } from "./ocs";
import { EDITOR, OfficeServer, OpenDocument } from "./office-server";
import { describeOn } from "./pairs";
import { docker } from "./stack";
import { eventually } from "./waiting";
import { readText, tokenClient } from "./webdav";

const PICTURES = join(ROOT, ".cache", "tests", "pictures");

/** Eve has no share of anything. */
const PEOPLE = ["alice", "bob", "carol", "eve"];

const APP = "Collabora";

/** Seconds after which a document can be opened, once oCIS and the office server can serve. */
const SOON = 60;

/** Seconds after which there is another service, in the place of one that has ended or serves nothing any more. */
const ANOTHER = 90;

/** What oCIS speaks with itself by: its bus, its gateway, the service and its debug port. */
const INSIDE = [9233, 9142, 9301, 9304];

/** What a token says of itself. */
function claimsOf(token: string): { exp: number } {
    return JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as { exp: number };
}

/** A token like another one, which ends at another time (seconds since 1970). */
function signed(token: string, exp: number, secret: string): string {
    const claims = JSON.stringify({ ...claimsOf(token), exp: Math.round(exp) });
    const content = `${token.split(".")[0]!}.${Buffer.from(claims).toString("base64url")}`;
    return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}

const only = ({ ocis }: { ocis: string }) => releaseOf(OCIS, ocis).line.collaboration;

describeOn({ tier: "option", real: true, only }, "an office server", (images) => {
    let office: OfficeServer;
    let cloud: Cloud;
    let sessions: Record<string, Session>;
    let letter: string;
    let note: string;
    /** What carol has open. */
    let carols: OpenDocument;
    /** Every token that was given out: none of them belongs into a log. */
    const tokens: string[] = [];

    before(async () => {
        office = await OfficeServer.start();
        cloud = await Cloud.up("test-office", { images, users: usersCalled(PEOPLE) });
        await cloud.enrol(PEOPLE);
        const signedIn = PEOPLE.map(async (name) => [name, await cloud.signIn(cloud.credentials(name))] as const);
        sessions = Object.fromEntries(await Promise.all(signedIn));
        await Promise.all(PEOPLE.map((name) => sessions[name]!.me()));
        await files("alice").putFileContents("/letter.odt", "Dear family");
        await files("alice").putFileContents("/note.odt", "nothing");
        letter = await idOf("letter.odt");
        note = await idOf("note.odt");
        await share(sessions.alice!, "/letter.odt", { shareType: "0", shareWith: "bob" });
        await share(sessions.alice!, "/letter.odt", { shareType: "0", shareWith: "carol", permissions: "3" });
        assert.deepEqual(await apps(), []);
        await cloud.change({ office: office.settings });
        await expectApp();
    });

    after(async () => {
        await cloud?.down();
        await office?.stop();
    });

    const files = (name: string) => tokenClient(cloud, sessions[name]!);
    const ocis = () => `${cloud.stack.prefix}ocis`;
    const edge = () => `${cloud.stack.prefix}edge`;

    /** Whatever a container has logged, in either stream. */
    const logged = async (container: string) => (await attempt("docker", ["logs", container])).text;

    /** The id of a file of alice's, as the web interface gives it to whoever opens the file. */
    async function idOf(name: string): Promise<string> {
        const path = `/remote.php/webdav/${name}`;
        const { text } = await sessions.alice!.ask(path, { method: "PROPFIND", headers: { depth: "0" } });
        return /<oc:id>([^<]+)<\/oc:id>/.exec(text)![1]!;
    }

    /** What documents of this kind are opened by. */
    async function apps(): Promise<string[]> {
        const { text } = await sessions.alice!.ask("/app/list");
        const types = (JSON.parse(text) as { "mime-types"?: { ext?: string; app_providers: { name: string }[] }[] })[
            "mime-types"
        ];
        return (types ?? []).filter(({ ext }) => ext === "odt").flatMap((type) => type.app_providers.map(({ name }) => name));
    }

    const expectApp = () =>
        eventually("oCIS knows the office server", SOON, async () => (await apps()).includes(APP) || undefined);

    /** A document that somebody may open. */
    async function opened(name: string, file = letter): Promise<OpenDocument> {
        const document = await office.open(sessions[name]!, file, APP);
        assert.ok(typeof document === "object", `${name} is refused`);
        tokens.push(document.token);
        return document;
    }

    const text = (name: string) => readText(files("alice"), `/${name}`);

    /** The service's processes, of which there is one; oCIS itself is the first process. */
    const services = async () => {
        const { text: found } = await attempt("docker", ["exec", ocis(), "busybox", "pidof", "ocis"]);
        return found
            .trim()
            .split(/\s+/)
            .filter((pid) => pid !== "1");
    };

    /** What doctor says of it. */
    const finding = async () => {
        const url = office.url;
        const found = await officeFindings(new StackOnEngine(cloud.stack.name), { mode: "collabora", url });
        return found.map(({ state }) => state);
    };

    test("a preview sees no change, and documents of this kind are opened by it", async () => {
        await cloud.expectNoChange();
        assert.deepEqual([await apps(), await finding()], [[APP], ["ok"]]);
    });

    test("what somebody writes in the office server stands in the file, and is locked meanwhile", async () => {
        const document = await opened("alice");
        assert.ok(document.source.startsWith(`${cloud.url}/wopi/files/`), document.source);
        const properties = await document.properties();
        assert.deepEqual(
            [properties.BaseFileName, properties.UserCanWrite, properties.PostMessageOrigin],
            ["letter.odt", true, cloud.url],
        );
        assert.equal((await document.read()).text, "Dear family");
        assert.equal((await document.lock("LOCK", "first")).status, 200);
        const saved = await document.write("Dear all", "first");
        assert.equal(saved.status, 200, saved.text);
        assert.equal(await text("letter.odt"), "Dear all");
        assert.equal((await document.read()).text, "Dear all");

        // Another program, and another person who may write.
        const put = await sessions.alice!.ask("/remote.php/webdav/letter.odt", { method: "PUT", body: "over it" });
        assert.equal(put.status, 423, put.text);
        const carol = await opened("carol");
        for (const answer of [await carol.lock("LOCK", "second"), await carol.write("over it", "second")]) {
            assert.equal(answer.status, 409, answer.text);
            assert.equal(answer.headers.get("x-wopi-lock"), "first");
        }
        assert.equal((await document.lock("UNLOCK", "first")).status, 200);
        assert.equal((await carol.lock("LOCK", "second")).status, 200);
        assert.equal((await carol.write("Carol was here", "second")).status, 200);
        assert.equal((await carol.lock("UNLOCK", "second")).status, 200);
        assert.equal(await text("letter.odt"), "Carol was here");
    });

    test("who may read and no more cannot write, whatever the office server asks for", async () => {
        const document = await opened("bob");
        assert.equal((await document.properties()).UserCanWrite, false);
        assert.equal((await document.read()).text, "Carol was here");
        // Newer releases answer that the file is locked, because ONLYOFFICE asks for it, and lock nothing.
        await document.lock("LOCK", "third");
        const unlocked = await document.write("over it", "third");
        const alice = await opened("alice");
        assert.equal((await alice.lock("LOCK", "fourth")).status, 200);
        const inHerPlace = await document.write("over it", "fourth");
        assert.ok(unlocked.status >= 400 && inHerPlace.status >= 400, `${unlocked.status} ${inHerPlace.status}`);
        assert.equal((await alice.lock("UNLOCK", "fourth")).status, 200);
        assert.equal(await text("letter.odt"), "Carol was here");
    });

    test("strangers are refused: people, tokens, and servers without the proof", async () => {
        assert.equal(await office.open(sessions.eve!, letter, APP), 404);
        const document = await opened("alice");
        const other = await opened("alice", note);
        const eve = await sessions.eve!.ask("/app/list");
        assert.equal(eve.status, 200);
        const forged = `${document.token.slice(0, -4)}AAAA`;
        for (const [what, status, answer] of [
            ["the token of another document", 401, await document.but({ token: other.token }).info()],
            ["a forged token", 401, await document.but({ token: forged }).info()],
            ["the token that opens ownCloud", 401, await document.but({ token: sessions.alice!.tokens.access_token }).info()],
            ["no proof", 500, await document.unproved()],
            ["the proof of another server", 500, await document.but({ key: office.otherKey() }).info()],
            ["no token", 401, await cloud.open().ask(document.source)],
        ] as const) {
            assert.equal(answer.status, status, `${what}: ${answer.text}`);
        }
        assert.equal((await document.info()).status, 200);
    });

    test("nothing of oCIS is opened on the network but WOPI itself", async () => {
        const reached = async (port: number) => {
            const { code } = await attempt("docker", [
                "exec",
                edge(),
                "busybox",
                "nc",
                "-w",
                "2",
                "ocis",
                String(port),
                "-e",
                "true",
            ]);
            return code === 0;
        };
        assert.deepEqual(await Promise.all([...INSIDE, 9300, 9200].map(reached)), [...INSIDE.map(() => false), true, true]);
    });

    test("a person at a browser opens a document within ownCloud's page", async (context) => {
        const missing =
            NO_CHROMIUM ??
            ((await cloud.open().ask(`${cloud.url}/`)).text.includes("<script") ? undefined : "no web interface");
        if (missing !== undefined) {
            return context.skip(missing);
        }
        mkdirSync(PICTURES, { recursive: true });
        const start = () => Chromium.start(cloud.ca, "en-US", office.root);
        await undisturbed(start, async (page) => {
            await page.goto(cloud.url);
            await page.waitForURL((url) => url.origin === cloud.issuer);
            const { username, password, code } = cloud.credentials("alice");
            await page.locator("#username-textfield").fill(username);
            await page.locator("#password-textfield").fill(password);
            await page.locator("#sign-in-button").click();
            await page.locator("#otp-input input").first().click();
            await page.keyboard.type(await code());
            await page.locator("#openid-consent-accept").click();
            await page.waitForURL(/\/files\/spaces\/personal\//);
            await page.locator("#files-space-table").getByText("letter").first().click();
            await page.frameLocator("iframe").getByText(EDITOR).waitFor();
            await page.screenshot({ path: join(PICTURES, "office.png") });
        });
    });

    for (const [what, signal] of [
        ["is killed, as where the memory is used up", "KILL"],
        ["is asked to end", "TERM"],
    ] as const) {
        test(`the service ${what}: another one takes its place`, async () => {
            const document = await opened("alice");
            const [before] = await services();
            await docker("exec", ocis(), "kill", "-s", signal, before!);
            await eventually("there is another one", ANOTHER, async () => {
                const now = await services();
                return (now.length === 1 && now[0] !== before) || undefined;
            });
            // A request waits for it. oCIS itself has heard that it is gone, and looks for it again after a while.
            assert.equal((await document.info()).status, 200);
            await eventually("documents can be opened again", SOON, async () => {
                return typeof (await office.open(sessions.alice!, letter, APP)) === "object" || undefined;
            });
        });
    }

    /** What the office server is told about a document, and what of it is there afterwards. */
    async function worked(document: OpenDocument): Promise<{ statuses: number[]; saved: boolean }> {
        const content = `agreed at ${Date.now()}`;
        const answers = [await document.info(), await document.read(), await document.lock("LOCK", "fifth")];
        answers.push(await document.write(content, "fifth"), await document.lock("UNLOCK", "fifth"));
        return { statuses: answers.map(({ status }) => status), saved: (await text("contract.odt")) === content };
    }

    const ALL = { statuses: [200, 200, 200, 200, 200], saved: true };

    test("a share taken away ends at once in a document that is open, and a token after a day", async () => {
        await files("alice").putFileContents("/contract.odt", "agreed");
        const contract = await idOf("contract.odt");
        const toCarol = { shareType: "0", shareWith: "carol", permissions: "3" };
        const { id } = await share(sessions.alice!, "/contract.odt", toCarol);
        carols = await opened("carol", contract);
        assert.deepEqual(await worked(carols), ALL);
        await unshare(sessions.alice!, id!);
        assert.deepEqual(await worked(carols), { statuses: [404, 500, 500, 500, 500], saved: false });
        assert.equal(await office.open(sessions.carol!, contract, APP), 404);
        await share(sessions.alice!, "/contract.odt", toCarol);
        assert.deepEqual(await worked(carols), ALL);

        const { exp } = claimsOf(carols.token);
        const hours = (exp - Date.now() / 1000) / 3600;
        assert.ok(hours > 23.9 && hours <= 24, `${hours} hours`);
        // The same token with another end, which oCIS's secret signs.
        const secret = /^collaboration:\s+wopi:\s+secret: (\S+)$/m.exec(
            await docker("exec", ocis(), "cat", "/run/secrets/ocis.yaml"),
        )![1]!;
        const ending = (seconds: number) => carols.but({ token: signed(carols.token, Date.now() / 1000 + seconds, secret) });
        assert.deepEqual([(await ending(60).info()).status, (await ending(-60).info()).status], [200, 401]);
    });

    test("a document that is open stays so for somebody who is disabled", async () => {
        const users = cloud.settings.users as Record<string, object>;
        await cloud.change({ office: office.settings, users: { ...users, carol: { ...users.carol, disabled: true } } });
        await expectApp();
        assert.notEqual((await sessions.carol!.ask("/graph/v1.0/me")).status, 200);
        assert.deepEqual(await worked(carols), ALL);
    });

    test("the office server is away while oCIS starts, with another secret: people work, and open documents once it is back", async () => {
        const document = await opened("alice");
        await office.leave();
        await cloud.change({ office: office.settings, rotations: { wopi: 2 } });
        assert.equal(await text("letter.odt"), "Carol was here");
        assert.deepEqual([await apps(), await finding()], [[], ["failed"]]);
        assert.equal((await document.info()).status, 502);
        await office.serve();
        await expectApp();
        for (const [whose, open] of Object.entries({ "alice's": document, "carol's": carols })) {
            assert.equal((await open.info()).status, 401, `${whose}: the secret has rotated`);
        }
        assert.equal((await (await opened("alice")).read()).text, "Carol was here");
    });

    test("no token is in a log", async () => {
        const [ofEdge, ofOcis] = await Promise.all([logged(edge()), logged(ocis())]);
        assert.match(ofEdge, /"uri":"\/wopi\/[^"?]*"/);
        for (const token of tokens) {
            assert.ok(!ofEdge.includes(token) && !ofOcis.includes(token));
        }
    });

    test("without the key everything is as it was, and the files are there", async () => {
        await cloud.change({ office: { mode: "none" }, rotations: { wopi: 2 } });
        assert.deepEqual(await apps(), []);
        assert.equal(await text("letter.odt"), "Carol was here");
        assert.equal(typeof (await office.open(sessions.alice!, letter, APP)), "number");
        await cloud.expectNoChange();
    });
});
