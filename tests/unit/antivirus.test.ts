/** What is rendered for the scan of uploads. That it finds something, tests/deployment/antivirus.test.ts shows. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { antivirusEnvironment, antivirusScripts } from "../../components/ocis/antivirus";
import { startBeside } from "../../components/ocis/beside";
import { serversOf } from "../../operations/stack-on-engine";
import { settingsOf } from "../configuration";
import { clamav } from "../wrong-inputs";

const GATEWAY = "http://127.0.0.1:9140";

const [on, off] = [settingsOf(clamav()).antivirus, settingsOf().antivirus];

test("without one nothing is rendered, and oCIS is started as it was", () => {
    assert.deepEqual([antivirusEnvironment(off, GATEWAY), antivirusScripts(off)], [{}, []]);
    const start = { command: ["server"] };
    assert.equal(startBeside(antivirusScripts(off), start), start);
});

test("oCIS is told where ClamAV is, and the size in bytes", () => {
    assert.equal(antivirusEnvironment(on, GATEWAY).ANTIVIRUS_MAX_SCAN_SIZE, String(2 ** 30));
    const { antivirus } = settingsOf(clamav({ maxScanSize: "20 MB" }));
    assert.equal(antivirusEnvironment(antivirus, GATEWAY).ANTIVIRUS_MAX_SCAN_SIZE, "20000000");
    assert.equal(antivirusEnvironment(on, GATEWAY).POSTPROCESSING_STEPS, "virusscan");
});

test("the service and what wakes it run beside oCIS, in a script that a shell understands", () => {
    const { entrypoint, command } = startBeside(antivirusScripts(on), { command: ["server"] });
    assert.deepEqual(entrypoint, ["/bin/sh", "-c"]);
    assert.match(command[0]!, /ocis antivirus server &\n[^]*\n\} &\n[^]*done &\nexec ocis server$/);
    execFileSync("/bin/sh", ["-n", "-c", command[0]!]);
});

test("a stack has ClamAV where its mode says so", () => {
    for (const [value, expected] of [
        [{ mode: "clamav" }, true],
        [{ mode: "none" }, false],
        [undefined, false],
    ] as const) {
        const servers = serversOf((key) => (key === "antivirus" ? value : undefined));
        assert.equal(servers.includes("clamav"), expected);
    }
});
