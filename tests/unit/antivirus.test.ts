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

test("the service runs beside oCIS, in a script that a shell understands", () => {
    for (const whenAway of ["hold", "pass"]) {
        const { antivirus } = settingsOf(clamav({ whenAway }));
        const { entrypoint, command } = startBeside(antivirusScripts(antivirus), { command: ["server"] });
        assert.deepEqual(entrypoint, ["/bin/sh", "-c"]);
        assert.match(command[0]!, /ocis antivirus server &[^]*\n\} &\nexec ocis server$/);
        execFileSync("/bin/sh", ["-n", "-c", command[0]!]);
    }
});

/**
 * What is started and asked for while ClamAV is there for some looks, away for many, and there again.
 *
 * @param ends The look at which the service ends by itself, if it does.
 */
function happens(whenAway: string, ends = 0): string[] {
    const { antivirus } = settingsOf(clamav({ whenAway }));
    const stand = `
looks=0
sleep() { looks=$((looks + 1)); test $looks -le 100 || exit 0; }
kill() { test $looks != ${ends}; }
wait() { :; }
ocis() { if test "$1" = antivirus; then echo "starts\${ANTIVIRUS_MAX_SCAN_SIZE:+ \$ANTIVIRUS_MAX_SCAN_SIZE}"; else echo resumes; fi; }
busybox() { test $looks -lt 20 || test $looks -ge 60; }
{
${antivirusScripts(antivirus)[0]!
    .replaceAll(/ocis antivirus server &/g, "ocis antivirus server;")
    .replace(/&$/, "")}
}`;
    return execFileSync("/bin/sh", ["-c", stand], { encoding: "utf8" }).trim().split("\n");
}

test("what waits is scanned whenever ClamAV is back, and passes only where it is meant to", () => {
    assert.deepEqual(happens("hold"), ["starts", "resumes", "resumes"]);
    assert.deepEqual(happens("pass"), ["starts", "resumes", "starts 1", "resumes", "starts", "resumes"]);
    assert.deepEqual(happens("hold", 10), ["starts", "resumes", "starts", "resumes", "resumes"]);
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
