/**
 * What goes wrong over the years, on a stack with people at work: what they see of it, what an operator has to do, and that nothing is lost.
 * docs/reliability.md shows its figures. They differ little by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Finding } from "../../operations/finding";
import { DESKTOP, Session } from "../../client/relying-party";
import { Cloud, usersCalled, withDefaults } from "./cloud";
import { askBoth, describeSeen, note, Seen, whileAsked } from "./drill";
import { describeOn } from "./pairs";
import { docker, Stack } from "./stack";
import { eventually } from "./waiting";

const FILE = "/remote.php/webdav/letter.txt";

const SERVERS = ["authelia", "ocis", "edge"] as const;

/** Sizes of the volumes, MiB: so small that they are full at once. */
const SIZES = { authelia: 32, ocis: 256, edge: 16 } as const;

/** One for each sign-in, because a code serves once. */
const PEOPLE = ["alice", "bob", "carol", "dave", "erin"];

const notRoot = process.getuid?.() === 0 ? undefined : "needs root, to make small disks and to kill processes of containers";

describeOn({ tier: "drill", real: true, missing: notRoot }, "drills", (images) => {
    const folder = mkdtempSync(join(tmpdir(), "drills-"));
    const disk = (server: string) => join(folder, server);
    const stack = new Stack("test-drills");
    let cloud: Cloud;
    let desktop: Session;

    before(async () => {
        const settings = await withDefaults({ images, users: usersCalled(PEOPLE) });
        await stack.create(settings);
        for (const server of SERVERS) {
            mkdirSync(disk(server));
            execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZES[server]}m`, "tmpfs", disk(server)]);
            const options = ["type=none", "o=bind", `device=${disk(server)}`].flatMap((option) => ["--opt", option]);
            await docker("volume", "create", ...options, `${stack.prefix}${server}-data`);
        }
        await stack.up();
        cloud = await Cloud.of(stack, settings);
        await cloud.enrol(PEOPLE);
        desktop = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        assert.equal((await desktop.ask(FILE, { method: "PUT", body: "kept" })).status, 201);
    });
    after(async () => {
        await stack.destroy();
        for (const server of SERVERS.filter((name) => existsSync(disk(name)))) {
            execFileSync("umount", [disk(server)]);
        }
        rmSync(folder, { recursive: true });
    });

    const ask = () => askBoth(cloud, desktop, FILE);

    const allHealthy = () =>
        eventually("all servers are ready again", 60, async () => {
            const names = SERVERS.map((server) => `${stack.prefix}${server}`);
            const states = await docker("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", ...names).catch(
                () => "",
            );
            return states === Array(3).fill("running healthy").join("\n") || undefined;
        });

    async function expectKept(): Promise<void> {
        desktop = await desktop.refresh();
        assert.equal((await desktop.ask(FILE)).text, "kept");
    }

    for (const server of SERVERS) {
        test(`the process of ${server} is killed`, async () => {
            const kill = async () => {
                await pause(300);
                process.kill(
                    Number(await docker("inspect", "--format", "{{.State.Pid}}", `${stack.prefix}${server}`)),
                    "SIGKILL",
                );
                await pause(2000);
                await allHealthy();
            };
            const seen = await whileAsked(ask, kill());
            await expectKept();
            note({
                fault: `the process of ${server} is killed`,
                client: describeSeen(seen),
                operator: "nothing",
                lost: "nothing",
            });
            // The edge holds requests for a server that is gone. oCIS answers 502 itself until all its services are back.
            if (server === "authelia") {
                assert.equal(seen.failed, 0, describeSeen(seen));
            }
            assert.ok(seen.out < 15, describeSeen(seen));
        });
    }

    const up = async (...args: string[]) => {
        const { code, text } = await stack.operate("up", args);
        assert.equal(code, 0, text);
    };

    for (const [what, command] of [
        ["stopped by hand", ["stop"]],
        ["removed", ["rm", "--force", "--volumes"]],
    ] as const) {
        test(`a container is ${what}`, async () => {
            await docker(...command, `${stack.prefix}ocis`);
            const seen: Seen = await whileAsked(ask, up("--refresh").then(allHealthy));
            await expectKept();
            note({
                fault: `oCIS's container is ${what}`,
                client: `requests wait or fail until it is mended: ${seen.out.toFixed(1)} s of \`up --refresh\``,
                operator: "`up --refresh`",
                lost: "nothing",
            });
        });
    }

    test("somebody is added while people work", async () => {
        stack.configure({ ...cloud.settings, users: usersCalled([...PEOPLE, "frank"]) });
        const seen = await whileAsked(ask, up());
        assert.equal(seen.failed, 0, describeSeen(seen));
        note({ fault: "somebody is added", client: describeSeen(seen), operator: "`npm run users -- add`", lost: "nothing" });
        await cloud.enrol(["alice"]);
    });

    test("another stack on the same engine is made, changed and destroyed", async () => {
        const other = async () => {
            const beside = await Cloud.up("test-drills-beside", { images, users: usersCalled(["alice"]) });
            await beside.change({ users: usersCalled(["alice", "bob"]) });
            await beside.down();
        };
        const seen = await whileAsked(ask, other());
        assert.equal(seen.failed, 0, describeSeen(seen));
        const { code, text } = await stack.operate("preview", ["--expect-no-changes", "--refresh"]);
        assert.equal(code, 0, text);
        note({
            fault: "another stack on the same engine is made, changed and destroyed",
            client: describeSeen(seen),
            operator: "nothing",
            lost: "nothing",
        });
    });

    /** Fills a disk to its last byte. @returns What makes room again. */
    function fill(server: keyof typeof SIZES): () => void {
        const filler = join(disk(server), "filler");
        const file = openSync(filler, "w");
        for (let size = 1024 * 1024; size >= 1; size = size === 1 ? 0 : Math.floor(size / 32)) {
            try {
                for (;;) {
                    writeSync(file, Buffer.alloc(size));
                }
            } catch (error) {
                assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
            }
        }
        closeSync(file);
        return () => rmSync(filler);
    }

    /** What doctor says of a volume. */
    async function diagnosis(server: string): Promise<Finding> {
        const { stdout } = await stack.command("doctor", "--json");
        const findings = Object.values(JSON.parse(stdout) as Record<string, Finding[]>).flat();
        return findings.find(({ what }) => what === `volume ${stack.prefix}${server}-data`)!;
    }

    const put = (name: string, size: number) =>
        desktop.ask(`/remote.php/webdav/${name}`, { method: "PUT", body: Buffer.alloc(size, "x") });

    test("oCIS's disk is full", async () => {
        const room = fill("ocis");
        const { status } = await put("too-much.bin", 1_000_000);
        assert.ok(status >= 500, String(status));
        assert.equal((await desktop.ask(FILE)).text, "kept");
        assert.equal((await diagnosis("ocis")).state, "failed");
        room();
        await eventually(
            "files are taken again",
            60,
            async () => (await put("after.bin", 1_000_000)).status < 300 || undefined,
        );
        await expectKept();
        const consistent = await docker(
            "exec",
            `${stack.prefix}ocis`,
            "ocis",
            "backup",
            "consistency",
            "-p",
            "/var/lib/ocis/storage/users",
        ).catch(({ message }: Error) => message);
        assert.ok(!consistent.includes("🚨"), consistent);
        note({
            fault: "oCIS's disk is full",
            client: `uploads are answered with ${status}; what is there is read`,
            operator: "makes room; `doctor` names the disk before",
            lost: "nothing that was stored",
        });
    });

    test("Authelia's disk is full", async () => {
        const room = fill("authelia");
        const signedIn = await cloud.signIn(cloud.credentials("bob")).then(
            () => true,
            () => false,
        );
        assert.equal((await desktop.ask(FILE)).text, "kept", "who is signed in works on");
        assert.equal((await diagnosis("authelia")).state, "failed");
        room();
        const carol = await cloud.signIn(cloud.credentials("carol"));
        assert.equal((await carol.me()).onPremisesSamAccountName, "carol");
        await expectKept();
        for (const part of ["", "-wal", "-shm"]) {
            const from = join(disk("authelia"), `db.sqlite3${part}`);
            if (existsSync(from)) {
                copyFileSync(from, join(folder, `copy.sqlite3${part}`));
            }
        }
        const database = new DatabaseSync(join(folder, "copy.sqlite3"));
        assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
        database.close();
        note({
            fault: "Authelia's disk is full",
            client: `${signedIn ? "people sign in" : "nobody signs in"}; who is signed in works on`,
            operator: "makes room; `doctor` names the disk before",
            lost: "nothing",
        });
    });

    test("the edge's disk is full", async () => {
        const room = fill("edge");
        const seen = await whileAsked(ask, pause(3000));
        room();
        assert.equal(seen.failed, 0, describeSeen(seen));
        note({
            fault: "the edge's disk is full",
            client: `${describeSeen(seen)}; certificates by ACME are not renewed`,
            operator: "makes room",
            lost: "nothing",
        });
    });
});
