/**
 * Files are found by the words in them: what was there before, what people upload in several formats, and what they upload while Apache Tika
 * is away, which nobody notices but who searches.
 */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { WebDAVClient } from "webdav";

import { Session } from "../../client/relying-party";
import { hostAddress, docker } from "./stack";
import { Cloud, usersCalled } from "./cloud";
import { imageAtHand } from "./image-at-hand";
import { describeOn } from "./pairs";
import { eventually } from "./waiting";
import { put, readText, tokenClient } from "./webdav";
import { docxOf, pdfOf } from "./written-files";

const TIKA = imageAtHand("apache/tika");

const PEOPLE = ["alice", "bob"];

/** What documents say. */
const textAbout = (animal: string) =>
    `Minutes of the meeting in November. We spoke about the ${animal}, and nobody had anything to add.\n`;

/**
 * Milliseconds between two searches: oCIS keeps an answer until nobody has asked the same for a second. Source: oCIS 8.2.0,
 * services/search/pkg/service/grpc/v0/service.go, NewHandler.
 */
const AGAIN = 1500;

/** Seconds within which a file is found. */
const SOON = 60;

describeOn(
    { tier: "option", real: true, missing: TIKA === undefined ? "needs an image of Apache Tika" : undefined },
    "full-text search",
    (images) => {
        let cloud: Cloud;
        let alice: Session;
        let bob: Session;
        let files: WebDAVClient;

        const container = (server: string) => `${cloud.stack.prefix}${server}`;
        const inTika = (command: string) => docker("exec", container("tika"), "bash", "-c", command);

        /** The command of docs/search.md. A search within seconds after oCIS's start may get no answer for half a minute; this one waits. */
        const index = () => docker("exec", container("ocis"), "ocis", "search", "index", "--all-spaces");

        /** Names of the files that somebody finds by a word, as the web interface asks. */
        async function found(session: Session, word: string): Promise<string[]> {
            const pattern = `(name:&quot;*${word}*&quot; OR content:&quot;${word}&quot;)`;
            const { status, text } = await session.ask("/remote.php/dav/spaces/", {
                method: "REPORT",
                headers: { "content-type": "application/xml" },
                body:
                    '<oc:search-files xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:name/></d:prop>' +
                    `<oc:search><oc:pattern>${pattern}</oc:pattern><oc:limit>100</oc:limit></oc:search></oc:search-files>`,
            });
            assert.equal(status, 207, text);
            return [...text.matchAll(/<oc:name>([^<]*)</g)].map(([, name]) => name!).sort();
        }

        const finds = (session: Session, word: string, name: string) =>
            eventually(
                `${word} is found in ${name}`,
                SOON,
                async () => (await found(session, word)).includes(name) || undefined,
                AGAIN,
            );

        /** Uploads a file as all of ownCloud's clients do, with its length. */
        async function upload(name: string, content: Buffer): Promise<void> {
            const status = await put(cloud, alice, `/remote.php/webdav/${name}`, Readable.from([content]), content.length);
            assert.equal(status, 201, name);
        }

        /** The same with a text, which is read back. */
        async function uploadAndRead(name: string, text: string): Promise<void> {
            await upload(name, Buffer.from(text));
            assert.equal(await readText(files, name), text);
        }

        before(async () => {
            cloud = await Cloud.up("test-search-text", {
                images: { ...images, tika: TIKA } as typeof images,
                users: usersCalled(PEOPLE),
            });
            await cloud.enrol(PEOPLE);
            [alice, bob] = [await cloud.signIn(cloud.credentials("alice")), await cloud.signIn(cloud.credentials("bob"))];
            files = tokenClient(cloud, alice);
        });

        after(() => cloud?.down());

        test("without it files are found by their names; switching it on replaces oCIS alone", async () => {
            await uploadAndRead("earlier.txt", textAbout("aardvark"));
            await index();
            assert.deepEqual([await found(alice, "earlier"), await found(alice, "aardvark")], [["earlier.txt"], []]);
            const [authelia, edge, ocis] = await cloud.containerIds();
            await cloud.change({ fullTextSearch: true });
            const now = await cloud.containerIds();
            assert.deepEqual(now.slice(0, 2), [authelia, edge]);
            assert.notEqual(now[2], ocis);
            await cloud.expectNoChange();
            assert.equal(await readText(files, "earlier.txt"), textAbout("aardvark"));
        });

        test("what was there before is found once it was read, by the command of docs/search.md", async () => {
            await index();
            await finds(alice, "aardvark", "earlier.txt");
        });

        test("uploads are found by a word in them: text, PDF, a word processor's document", async () => {
            await upload("plain.txt", Buffer.from(textAbout("buffalo")));
            await upload("page.pdf", pdfOf(textAbout("chameleon")));
            await upload("letter.docx", docxOf(textAbout("dromedary")));
            await finds(alice, "buffalo", "plain.txt");
            await finds(alice, "chameleon", "page.pdf");
            await finds(alice, "dromedary", "letter.docx");
            assert.deepEqual(await found(bob, "buffalo"), []);
        });

        test("Tika reaches nobody but oCIS", async () => {
            assert.equal(await cloud.inspect("tika", "{{len .NetworkSettings.Networks}} {{len .Mounts}}"), "1 1");
            const network = `${cloud.stack.prefix}tika-network`;
            const members = await docker("network", "inspect", "--format", "{{.Internal}} {{len .Containers}}", network);
            assert.equal(members, "true 2");
            assert.match(await inTika("exec 3<>/dev/tcp/ocis/9200 && echo open"), /open/);
            for (const elsewhere of ["edge/80", "authelia/9091", `${await hostAddress()}/22`]) {
                await assert.rejects(inTika(`timeout 2 bash -c 'exec 3<>/dev/tcp/${elsewhere}'`), elsewhere);
            }
        });

        test("Tika hangs: people go on, and what they wrote is found afterwards", async () => {
            await docker("pause", container("tika"));
            try {
                await uploadAndRead("meanwhile.txt", textAbout("elephant"));
            } finally {
                await docker("unpause", container("tika"));
            }
            await finds(alice, "elephant", "meanwhile.txt");
        });

        test("a document ends Tika: it comes back by itself, and finds what came after", async () => {
            const pid = await cloud.inspect("tika", "{{.State.Pid}}");
            process.kill(Number(pid), "SIGKILL"); // `docker kill` would count as a stop by hand
            await uploadAndRead("killed.txt", textAbout("flamingo"));
            await cloud.untilHealthy("tika", SOON);
            await uploadAndRead("next.txt", textAbout("gorilla"));
            await finds(alice, "gorilla", "next.txt");
            await finds(alice, "flamingo", "killed.txt");
        });

        test("status and doctor know it", async () => {
            const [status, doctor] = await Promise.all([cloud.stack.command("status"), cloud.stack.command("doctor")]);
            assert.match(status.text, new RegExp(`tika +${TIKA} +healthy`));
            assert.match(
                doctor.text,
                /container \S+-tika: (tika runs and is healthy|runs, and was started again 1 times by itself)/,
            );
        });

        test("switched off, nothing of it is left, and files are there and found by their names", async () => {
            await cloud.change({});
            await assert.rejects(docker("inspect", container("tika")));
            assert.deepEqual(
                (await cloud.stack.remains()).filter((line) => line.includes("tika")),
                [],
            );
            assert.equal(await readText(files, "killed.txt"), textAbout("flamingo"));
            await uploadAndRead("last.txt", textAbout("hippopotamus"));
            await index();
            await finds(alice, "killed", "killed.txt");
            await finds(alice, "last", "last.txt");
            assert.deepEqual(await found(alice, "hippopotamus"), []);
            await cloud.expectNoChange();
        });
    },
);
