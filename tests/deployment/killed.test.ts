/**
 * A run of Pulumi that is killed at random points, and a state that was cut short: the next run mends what is left and goes on, and of what
 * people have stored nothing is lost. No server has a part in it, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { randomInt } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { DESKTOP, Session } from "../../client/relying-party";
import { Cloud, usersCalled, withDefaults } from "./cloud";
import { note } from "./drill";
import { describeOn } from "./pairs";
import { Stack } from "./stack";

const FILE = "/remote.php/webdav/letter.txt";

/** Milliseconds after its start at which a run is killed: from before its first step until after its last. */
const [EARLIEST, LATEST] = [2_000, 12_000];

const UP = ["up", "--yes", "--skip-preview", "--non-interactive"];

/** How often a run is killed before the stack was ever up, and afterwards. */
const KILLS = { first: 4, further: 6 };

describeOn({ tier: "drill", real: true }, "runs that are killed", (images) => {
    const stack = new Stack("test-killed");
    let settings: Record<string, unknown>;
    let cloud: Cloud;
    let desktop: Session;

    before(async () => {
        settings = await withDefaults({ images, users: usersCalled(["alice"]), keepData: true });
        await stack.create(settings);
    });
    after(async () => {
        await stack.succeed("state", "unprotect", "--all", "--yes");
        await stack.destroy();
    });

    const up = () => stack.command("pulumi", ...UP, ...stack.file);

    /** Begins to bring the stack up, and kills every process of that somewhere on the way. */
    async function kill(): Promise<number> {
        const { program, args, options } = stack.commandOf("pulumi", ...UP, ...stack.file);
        const child = spawn(program, args, { ...options, detached: true, stdio: "ignore" });
        const ended = once(child, "exit");
        const at = randomInt(EARLIEST, LATEST);
        await Promise.race([ended, pause(at)]);
        if (child.exitCode === null) {
            process.kill(-child.pid!, "SIGKILL");
        }
        await ended;
        return at;
    }

    async function expectEverything() {
        desktop = await desktop.refresh();
        assert.equal((await desktop.ask(FILE)).text, "kept");
        const { code, text } = await stack.operate("preview", ["--expect-no-changes"]);
        assert.equal(code, 0, text);
    }

    test("before the stack was ever up", async () => {
        for (let run = 0; run < KILLS.first; run++) {
            console.log(`killed after ${await kill()} ms`);
        }
        const { code, text } = await up();
        assert.equal(code, 0, text);
        cloud = await Cloud.of(stack, settings);
        await cloud.enrol(["alice"]);
        desktop = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        assert.equal((await desktop.ask(FILE, { method: "PUT", body: "kept" })).status, 201);
        await expectEverything();
    });

    test("while every server is changed", async () => {
        for (let run = 0; run < KILLS.further; run++) {
            const changes = {
                users: usersCalled(["alice", `person-${run}`]),
                accessTokens: run % 2 ? "opaque" : "signed",
                http3: run % 2 === 0,
            };
            stack.configure({ ...settings, ...changes });
            console.log(`killed after ${await kill()} ms`);
        }
        stack.configure(settings);
        const { code, text } = await up();
        assert.equal(code, 0, text);
        await expectEverything();
        note({
            fault: `\`up\` killed at ${KILLS.first + KILLS.further} random points, ${KILLS.first} of them before the stack was ever up`,
            client: "whatever server was being replaced is missing until the next `up`",
            operator: "runs `up` again, which mends what the killed one has left",
            lost: "nothing",
        });
    });

    test("a state that another run is writing is not whole for a moment, and is left alone", async () => {
        const [file, locks] = [stack.stateFile, stack.locks];
        const whole = readFileSync(file, "utf8");
        mkdirSync(locks, { recursive: true });
        writeFileSync(join(locks, "another.json"), JSON.stringify({ pid: process.pid, hostname: hostname() }));
        writeFileSync(file, whole.slice(0, 10_000));
        const { code, text } = await up();
        assert.notEqual(code, 0);
        assert.doesNotMatch(text, /is cut short/);
        assert.equal(readFileSync(file, "utf8").length, 10_000);
        rmSync(join(locks, "another.json"));
        writeFileSync(file, whole);
    });

    test("a state that was cut short", async () => {
        const file = stack.stateFile;
        writeFileSync(file, readFileSync(file, "utf8").slice(0, 10_000));
        const { code, text } = await up();
        assert.equal(code, 0, text);
        assert.match(text, /is cut short\. It is kept as /);
        await expectEverything();
        note({
            fault: "the state's file cut short",
            client: "nothing",
            operator: "runs `up` again, which takes Pulumi's copy of before the last change; the cut one is kept",
            lost: "nothing",
        });
    });

    test("a state that was cut short with its copy is left alone, and the message says what to do", async () => {
        const whole = readFileSync(stack.stateFile);
        const copy = readFileSync(`${stack.stateFile}.bak`);
        for (const file of [stack.stateFile, `${stack.stateFile}.bak`]) {
            writeFileSync(file, whole.subarray(0, 10_000));
        }
        const { code, text } = await up();
        assert.equal(code, 1);
        assert.match(text, /and so is Pulumi's copy of it\. Nothing was changed\.\nRestore a backup/);
        writeFileSync(stack.stateFile, whole);
        writeFileSync(`${stack.stateFile}.bak`, copy);
    });
});
