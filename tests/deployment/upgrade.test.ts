/**
 * A stack with people and their data goes up from the releases of Authelia's guide to the newest ones, one step after the other on
 * the same volumes: nothing is lost, people stay signed in as far as the servers can, and what would lose data is refused. Real
 * servers only, of exactly these releases.
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { AUTHELIA, imageOf, OCIS, releaseOf } from "../../versions";
import { attempt } from "../../system/run";
import { basic } from "../../client/browser";
import { Cloud, usersCalled } from "./cloud";
import { acceptShare, share } from "./ocs";
import { NO_ENGINE, pairsOfThisRun } from "./pairs";
import { DESKTOP, Session } from "../../client/relying-party";
import { docker, dockerLines } from "./stack";
import { eventually } from "./waiting";
import { publicClient, readText } from "./webdav";

/** Releases, the first ones and then those of each step. */
const RELEASES = [
    { authelia: "4.38.0", ocis: "4.0.5" },
    { authelia: "4.38.0", ocis: "5.0.9" },
    { authelia: "4.39.20", ocis: "7.0.0" },
    { authelia: "4.39.20", ocis: "7.3.1" },
    { authelia: "4.39.21", ocis: "8.0.0" },
    { authelia: "4.39.21", ocis: "8.2.0" },
];
type Pair = (typeof RELEASES)[number];
const [FIRST, ...STEPS] = RELEASES as [Pair, ...Pair[]];

const describePair = ({ authelia, ocis }: Pair) => `Authelia ${authelia} with oCIS ${ocis}`;

const imagesOf = ({ authelia, ocis }: Pair) => ({
    authelia: imageOf(AUTHELIA.image, authelia),
    ocis: imageOf(OCIS.image, ocis),
    caddy: pairsOfThisRun()[0]!.caddy,
});

const hasAppTokens = ({ ocis }: Pair) => releaseOf(OCIS, imageOf(OCIS.image, ocis)).line.appTokens;

/**
 * What an app token of an earlier release may be answered with. Which it is was seen to differ between two builds of the same releases, and
 * in the next release again: only one that was made on the present release is sure to be taken.
 */
const EARLIER_APP_TOKEN = [207, 401];

/** Of each of the people of the steps the second factor is as old as the stack, and signs in once. */
const newcomer = (step: number) => `person-${step}`;

const FOLDER = "projects";

/** Contents by name: many that are small, and one that oCIS takes in parts. */
const FILES: Readonly<Record<string, Buffer>> = {
    ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`note-${index}.txt`, randomBytes(1000)])),
    "film.bin": randomBytes(48 * 1024 * 1024),
};

const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");

const LINK_PASSWORD = "Aa1!for-everyone";
const LINKED = "for everyone";

describe("upgrades with data", { skip: NO_ENGINE, timeout: 20 * 60_000 }, () => {
    let missing: string | undefined;
    let cloud: Cloud;
    let owner: Session;
    let recipient: Session;
    /** Signed in as the desktop app: its refresh token goes from release to release. */
    let desktop: Session;
    let link: string;
    const appTokens: string[] = [];
    /** By name. */
    let ids: Record<string, string>;

    before(async () => {
        for (const image of RELEASES.flatMap((pair) => Object.values(imagesOf(pair)))) {
            if ((await attempt("docker", ["image", "inspect", image])).code !== 0) {
                missing = `needs ${image}`;
                return;
            }
        }
        const people = ["owner", "recipient", "traveller", ...RELEASES.map((_, step) => newcomer(step))];
        cloud = await Cloud.up("test-upgrade", { images: imagesOf(FIRST), users: usersCalled(people) });
        await cloud.enrol(people);
    });

    after(() => missing ?? cloud.down());

    /** A test on the stack. */
    const step = (name: string, work: () => Promise<void>) =>
        void test(name, (context) => (missing === undefined ? work() : context.skip(missing)));

    /** Identifiers of what is in the folder, by name. */
    async function idsOf(session: Session, folder: string): Promise<Record<string, string>> {
        const body = '<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop></d:propfind>';
        const { status, text } = await session.ask(folder, { method: "PROPFIND", headers: { depth: "1" }, body });
        assert.equal(status, 207, text);
        const found = text.matchAll(/<d:href>[^<]*\/([^/<]+)\/?<\/d:href>.*?<oc:fileid>([^<]+)</gs);
        return Object.fromEntries([...found].map(([, name, id]) => [name!, id!]));
    }

    /** The digest of a file; oCIS answers 425 Too Early while it still processes an upload. */
    function digestAt(session: Session, path: string): Promise<string> {
        return eventually(`${path} can be read`, 60, async () => {
            const response = await session.request(path);
            const content = Buffer.from(await response.arrayBuffer());
            assert.ok([200, 425].includes(response.status), `${path}: ${response.status}`);
            return response.status === 200 ? digest(content) : undefined;
        });
    }

    async function signInAll(): Promise<void> {
        owner = await cloud.signIn(cloud.credentials("owner"));
        recipient = await cloud.signIn(cloud.credentials("recipient"));
        desktop = await cloud.signIn(cloud.credentials("traveller"), DESKTOP);
        assert.deepEqual(await Promise.all([owner, recipient, desktop].map((session) => session.status())), [200, 200, 200]);
    }

    /** @param tokensLost Whether what was signed in before has to sign in again. */
    async function expectEverything(number: number, tokensLost = false): Promise<void> {
        if (tokensLost) {
            // Authelia 4.39 cannot read the times in what 4.38 has stored of its tokens. Run with 4.38.0 and 4.39.20.
            assert.deepEqual(
                await Promise.all([owner, recipient, desktop].map((session) => session.status())),
                [401, 401, 401],
            );
            await assert.rejects(desktop.refresh(), (error: { cause?: unknown }) => (error.cause as Response).status === 500);
            await signInAll();
        } else {
            assert.deepEqual(
                await Promise.all([owner, recipient, desktop].map((session) => session.status())),
                [200, 200, 200],
            );
            desktop = await desktop.refresh();
            owner = await owner.refresh();
            recipient = await recipient.refresh();
        }
        const files = `/remote.php/webdav/${FOLDER}`;
        assert.deepEqual(await idsOf(owner, files), ids, "identifiers");
        for (const [session, folder] of [
            [owner, files],
            [recipient, `/remote.php/webdav/Shares/${FOLDER}`],
        ] as const) {
            for (const [name, content] of Object.entries(FILES)) {
                assert.equal(await digestAt(session, `${folder}/${name}`), digest(content), `${folder}/${name}`);
            }
        }
        assert.equal(await readText(publicClient(cloud, link, LINK_PASSWORD), "/public.txt"), LINKED);
        const session = await cloud.signIn(cloud.credentials(newcomer(number)));
        assert.equal((await session.me()).onPremisesSamAccountName, newcomer(number));
        assert.equal((await desktop.me()).onPremisesSamAccountName, "traveller");
        await cloud.expectNoChange();
    }

    /** Asks every tenth of a second until `work` ends, and returns what was answered otherwise than with 200. */
    async function refusedDuring(paths: readonly string[], work: Promise<unknown>): Promise<string[]> {
        const browser = cloud.open();
        const asked: Promise<string>[] = [];
        let over = false;
        const end = work.finally(() => (over = true));
        const start = Date.now();
        while (!over) {
            for (const path of paths) {
                const at = Date.now() - start;
                asked.push(
                    browser.ask(path).then(
                        ({ status }) => `${status} ${path} at ${at} for ${Date.now() - start - at}`,
                        (error: Error) => `${(error.cause as Error | undefined)?.message ?? error.message} ${path} at ${at}`,
                    ),
                );
            }
            await pause(100);
        }
        await end;
        const answers = await Promise.all(asked);
        return answers.filter((answer) => !answer.startsWith("200 "));
    }

    const edgeId = () => docker("inspect", "--format", "{{.Id}}", `${cloud.stack.prefix}edge`);

    step(`people fill ${describePair(FIRST)}`, async () => {
        await signInAll();
        const made = await owner.ask(`/remote.php/webdav/${FOLDER}`, { method: "MKCOL" });
        assert.equal(made.status, 201, made.text);
        for (const [path, body] of [
            ...Object.entries(FILES).map(([name, content]) => [`${FOLDER}/${name}`, content] as const),
            ["public.txt", LINKED] as const,
        ]) {
            const { status, text } = await owner.ask(`/remote.php/webdav/${path}`, { method: "PUT", body });
            assert.ok([201, 204].includes(status), text);
        }
        const { id } = await share(owner, `/${FOLDER}`, { shareType: "0", shareWith: "recipient" });
        await acceptShare(recipient, id!);
        link = (await share(owner, "/public.txt", { shareType: "3", password: LINK_PASSWORD })).token!;
        ids = await idsOf(owner, `/remote.php/webdav/${FOLDER}`);
        assert.equal(Object.keys(ids).length, Object.keys(FILES).length + 1, "the files, and the folder itself");
        await expectEverything(0);
    });

    step("a step left out is refused by preview and up, with the steps, and nothing is touched", async () => {
        const containers = () => dockerLines("ps", "--no-trunc", "--filter", `name=${cloud.stack.prefix}`, "--quiet");
        const running = await containers();
        cloud.stack.configure({ ...cloud.settings, images: imagesOf(STEPS.at(-1)!) });
        for (const operation of ["preview", "up"] as const) {
            const { code, text } = await cloud.stack.operate(operation);
            assert.notEqual(code, 0, text);
            assert.match(text, /images\.ocis: "owncloud\/ocis:8\.2\.0" cannot be used\. Allowed: oCIS 5\.0\.9 next, /);
            const way = STEPS.map(
                ({ ocis }) => `images\\.ocis owncloud/ocis:${ocis.replaceAll(".", "\\.")} --stack ${cloud.stack.name}`,
            );
            assert.match(text, new RegExp(way.join("[^]*")));
        }
        assert.deepEqual(await containers(), running);
        await cloud.change({});
        assert.deepEqual(await containers(), running, "after an up of what was there before");
    });

    STEPS.forEach((pair, index) => {
        step(`everything is there on ${describePair(pair)}`, async () => {
            const settings = { images: imagesOf(pair), ...(hasAppTokens(pair) ? { appTokens: true } : {}) };
            const paths = [`${cloud.url}/status.php`, `${cloud.issuer}/.well-known/openid-configuration`];
            const edge = await edgeId();
            const refused = await refusedDuring(paths, cloud.change(settings));
            // The edge holds requests while a server starts. It is itself replaced where its own configuration differs.
            if (edge === (await edgeId())) {
                const others = refused.filter((answer) => !answer.startsWith("502 "));
                assert.deepEqual(others, []);
            }
            const lineOf = ({ authelia }: Pair) => releaseOf(AUTHELIA, imageOf(AUTHELIA.image, authelia)).line.line;
            await expectEverything(index + 1, lineOf(pair) !== lineOf(RELEASES[index]!));
            if (hasAppTokens(pair)) {
                const made = await owner.ask("/auth-app/tokens?expiry=72h", { method: "POST" });
                assert.equal(made.status, 200, made.text);
                const { token } = JSON.parse(made.text) as { token: string };
                const answerTo = async (appToken: string) => {
                    const question = { method: "PROPFIND", headers: { ...basic("owner", appToken), depth: "0" } };
                    return (await cloud.open().ask(`${cloud.url}/remote.php/webdav/`, question)).status;
                };
                assert.equal(await answerTo(token), 207, "an app token of this release");
                for (const earlier of appTokens) {
                    assert.ok(EARLIER_APP_TOKEN.includes(await answerTo(earlier)), "an app token of an earlier release");
                }
                appTokens.push(token);
            }
        });
    });

    step("a step back of either server is refused, and what is allowed is named", async () => {
        const newest = STEPS.at(-1)!;
        for (const [server, version] of [
            ["ocis", "8.0.0"],
            ["authelia", "4.39.20"],
        ] as const) {
            cloud.stack.configure({ ...cloud.settings, images: imagesOf({ ...newest, [server]: version }) });
            const { code, text } = await cloud.stack.operate("preview");
            assert.notEqual(code, 0, text);
            const allowed = newest[server].replaceAll(".", "\\.");
            assert.match(
                text,
                new RegExp(`images\\.${server}: "\\S+:${version}" cannot be used\\. Allowed: \\S+ ${allowed} or later, `),
            );
        }
    });
});
