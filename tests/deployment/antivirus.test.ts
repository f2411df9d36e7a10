/**
 * Uploads are scanned before anybody reads them: a virus reaches nobody, who has uploaded it is told, and while ClamAV is away nothing comes
 * through.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Session } from "../../client/relying-party";
import { VIRUS, VIRUS_NAME, withSignature } from "./clamav";
import { Cloud, usersCalled } from "./cloud";
import { imageAtHand } from "./image-at-hand";
import { share } from "./ocs";
import { describeOn } from "./pairs";
import { repositoryIn } from "./repository";
import { docker } from "./stack";
import { eventually } from "./waiting";
import { digestOf, put, readText, tokenClient, uploadByTus } from "./webdav";

const CLAMAV = imageAtHand("clamav/clamav");

const PEOPLE = ["alice", "bob"];

/** What is larger is not scanned; bytes. */
const LARGEST = 20e6;

/** Seconds within which an upload is there or gone. */
const SOON = 60;

/** Seconds within which an upload passes, where that is the choice: two minutes, and what it takes to notice. */
const LONG = 200;

/** Milliseconds for which somebody looks whether a file comes through: longer than oCIS's service may be silent before it is ended. */
const A_WHILE = 45_000;

/** Where both find what alice puts there. */
const [FOLDER, SHARED] = ["/remote.php/webdav/shared", "/remote.php/webdav/Shares/shared"];

describeOn(
    { tier: "option", real: true, missing: CLAMAV === undefined ? "needs an image of ClamAV" : undefined },
    "antivirus",
    (images) => {
        let cloud: Cloud;
        let alice: Session;
        let bob: Session;

        const container = (server: string) => `${cloud.stack.prefix}${server}`;
        const antivirus = { mode: "clamav", maxScanSize: `${LARGEST / 1e6} MB` };

        async function upload(name: string, content: string | Buffer, expected = 201): Promise<void> {
            const bytes = Buffer.from(content);
            const status = await put(cloud, alice, `${FOLDER}/${name}`, Readable.from([bytes]), bytes.length);
            assert.equal(status, expected, name);
        }

        /** What bob gets of a file: its text, or the status without one. */
        async function bobGets(name: string): Promise<string | number> {
            const answer = await bob.request(`${SHARED}/${name}`);
            const text = await answer.text();
            return answer.status === 200 ? text : answer.status;
        }

        /** Waits until bob has that of a file, and says what there was until then. */
        async function until(name: string, expected: string | number, seconds = SOON): Promise<Set<string | number>> {
            const seen = new Set<string | number>();
            await eventually(`${name} is ${expected}`, seconds, async () => {
                const now = await bobGets(name);
                if (now === expected) {
                    return true;
                }
                seen.add(now);
                return undefined;
            });
            return seen;
        }

        /** What somebody was told, as text. */
        async function notices(session: Session): Promise<string> {
            return (await session.ask("/ocs/v2.php/apps/notifications/api/v1/notifications?format=json")).text;
        }

        /** Waits until alice was told so often of a virus, and returns what she was told. */
        const told = (times: number) =>
            eventually("alice is told", SOON, async () => {
                const text = await notices(alice);
                return text.split(`Virus: ${VIRUS_NAME}`).length > times ? text : undefined;
            });

        const startedAt = () => cloud.inspect("ocis", "{{.State.StartedAt}}");

        /** The process of oCIS's service. */
        const service = async () =>
            (await docker("top", container("ocis"), "-eo", "pid,args"))
                .split("\n")
                .filter((line) => /^ *\d+ +ocis antivirus server$/.test(line));

        before(async () => {
            cloud = await Cloud.up("test-antivirus", {
                images: { ...images, clamav: CLAMAV } as typeof images,
                users: usersCalled(PEOPLE),
            });
            await cloud.enrol(PEOPLE);
            [alice, bob] = [await cloud.signIn(cloud.credentials("alice")), await cloud.signIn(cloud.credentials("bob"))];
            await bob.me(); // by which oCIS knows him
            await tokenClient(cloud, alice).createDirectory("/shared");
            await share(alice, "/shared", { shareType: "0", shareWith: "bob" });
            await upload("earlier.txt", "earlier");
            await until("earlier.txt", "earlier");
        });

        after(() => cloud?.down());

        test("switched on, it replaces oCIS alone, and comes up once there are signatures", async () => {
            const [authelia, edge, ocis] = await cloud.containerIds();
            await withSignature(cloud.stack, cloud.change({ antivirus }));
            const now = await cloud.containerIds();
            assert.deepEqual(now.slice(0, 2), [authelia, edge]);
            assert.notEqual(now[2], ocis);
            await cloud.expectNoChange();
            assert.equal(await bobGets("earlier.txt"), "earlier");
        });

        test("what is clean comes through", async () => {
            await upload("clean.txt", "clean");
            await until("clean.txt", "clean");
        });

        test("a virus never reaches anybody, and who has uploaded it is told", async () => {
            await upload("infected.txt", `before ${VIRUS} after`);
            const seen = await until("infected.txt", 404);
            assert.ok(
                [...seen].every((each) => each === 425),
                String([...seen]),
            );
            assert.match(await told(1), /infected\.txt/);
            const content = Buffer.from(VIRUS);
            const file = { name: "by-tus.txt", content, size: content.length, chunk: 20 };
            await uploadByTus(cloud, alice, "/remote.php/webdav/shared/", file);
            await told(2);
            assert.equal(await bobGets("by-tus.txt"), 404);
            assert.doesNotMatch(await notices(bob), /infected/);
        });

        test("a virus in the place of a file leaves what was there", async () => {
            await upload("clean.txt", VIRUS, 204);
            const seen = await until("clean.txt", "clean");
            await told(3);
            assert.ok(!seen.has(VIRUS));
            assert.equal(await bobGets("clean.txt"), "clean");
            await upload("clean.txt", "cleaner", 204);
            await until("clean.txt", "cleaner");
        });

        test("ClamAV is away: nothing comes through until it is back, and oCIS's service waits too", async () => {
            const before = await service();
            assert.equal(before.length, 1);
            await docker("stop", container("clamav"));
            await upload("waiting.txt", "patience");
            await upload("virus.txt", VIRUS);
            const end = Date.now() + A_WHILE;
            for (; Date.now() < end; await pause(500)) {
                assert.deepEqual([await bobGets("waiting.txt"), await bobGets("virus.txt")], [425, 425]);
            }
            assert.equal(await bobGets("earlier.txt"), "earlier");
            await docker("start", container("clamav"));
            await until("waiting.txt", "patience");
            assert.ok(!(await until("virus.txt", 404)).has(VIRUS));
            assert.deepEqual(await service(), before);
        });

        test("oCIS starts anew meanwhile: what waits is scanned all the same", async () => {
            await docker("stop", container("clamav"));
            await upload("restarted.txt", "still here");
            await upload("again.txt", VIRUS);
            await cloud.restart("ocis", SOON);
            assert.equal(await bobGets("restarted.txt"), 425);
            await docker("start", container("clamav"));
            await until("restarted.txt", "still here");
            assert.ok(!(await until("again.txt", 404)).has(VIRUS));
        });

        test("ClamAV is killed while it scans: it comes back, oCIS goes on, and the file comes through", async () => {
            const before = await startedAt();
            const content = randomBytes(LARGEST - 1e6);
            const pid = Number(await cloud.inspect("clamav", "{{.State.Pid}}"));
            const uploading = upload("large.bin", content);
            process.kill(pid, "SIGSTOP"); // so that the scan is under way for sure
            await uploading;
            await pause(3000);
            process.kill(pid, "SIGKILL"); // `docker kill` would count as a stop by hand
            const digest = await digestOf(bob, `${SHARED}/large.bin`);
            assert.match(digest, /^[0-9a-f]{64}$/);
            assert.equal(await startedAt(), before);
            await upload("after.txt", VIRUS);
            await until("after.txt", 404);
        });

        test("what is larger than maxScanSize comes through", async () => {
            await upload("larger.bin", Buffer.concat([Buffer.from(VIRUS), Buffer.alloc(LARGEST)]));
            await digestOf(bob, `${SHARED}/larger.bin`);
            const least = Buffer.concat([Buffer.from(VIRUS), Buffer.alloc(LARGEST - VIRUS.length)]);
            await upload("largest.bin", least);
            await eventually("the largest is scanned", SOON, async () => {
                const { status } = await bob.request(`${SHARED}/largest.bin`);
                assert.notEqual(status, 200);
                return status === 404 || undefined;
            });
        });

        test("nobody reaches ClamAV but oCIS", async () => {
            assert.equal(await cloud.inspect("clamav", "{{len .NetworkSettings.Networks}}"), "1");
            const network = `${cloud.stack.prefix}clamav-network`;
            assert.equal(await docker("network", "inspect", "--format", "{{len .Containers}}", network), "2");
        });

        test("status and doctor know it", async () => {
            const [status, doctor] = await Promise.all([cloud.stack.command("status"), cloud.stack.command("doctor")]);
            assert.match(status.text, new RegExp(`clamav +${CLAMAV} +healthy`));
            assert.match(doctor.text, /container \S+-clamav: (clamav runs and is healthy|runs, and was started again)/);
        });

        test("a backup is made of the rest, and rehearsed without ClamAV", async () => {
            const folder = mkdtempSync(join(tmpdir(), "antivirus-test-"));
            const where = repositoryIn(folder);
            const backup = await cloud.stack.command("backup", "--init", ...where);
            assert.equal(backup.code, 0, backup.text);
            const rehearsal = await cloud.stack.command("restore", "--rehearse", ...where);
            assert.equal(rehearsal.code, 0, rehearsal.text);
            rmSync(folder, { recursive: true });
            assert.equal(await bobGets("clean.txt"), "cleaner");
        });

        test("where that is the choice, uploads pass while ClamAV is away, and are scanned again once it is back", async () => {
            await cloud.change({ antivirus: { ...antivirus, whenAway: "pass" } });
            await docker("stop", container("clamav"));
            await upload("passes.txt", VIRUS);
            await until("passes.txt", VIRUS, LONG);
            await docker("start", container("clamav"));
            await eventually("a virus is found again", SOON, async () => {
                const name = `${randomBytes(8).toString("hex")}.txt`;
                await upload(name, VIRUS);
                const became = await eventually(`${name} is there or gone`, SOON, async () => {
                    const now = await bobGets(name);
                    return now === 425 ? undefined : now;
                });
                return became === 404 || undefined;
            });
        });

        test("switched off, nothing of it is left; what still waited comes through by the command of docs/antivirus.md", async () => {
            await docker("stop", container("clamav"));
            await upload("held.txt", "held");
            await cloud.change({});
            assert.deepEqual(
                (await cloud.stack.remains()).filter((line) => line.includes("clamav")),
                [],
            );
            await cloud.expectNoChange();
            assert.equal(await bobGets("held.txt"), 425);
            await docker(
                "exec",
                container("ocis"),
                "ocis",
                "storage-users",
                "uploads",
                "sessions",
                "--processing",
                "--restart",
            );
            await until("held.txt", "held");
            assert.equal(await readText(tokenClient(cloud, alice), "/shared/clean.txt"), "cleaner");
            await upload("last.txt", VIRUS);
            await until("last.txt", VIRUS);
        });
    },
);
