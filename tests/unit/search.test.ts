/** What is rendered for the search in the text of files. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { busStart } from "../../components/ocis/bus";
import { searchEnvironment, searchScript } from "../../components/ocis/search";
import { serversOf } from "../../operations/stack-on-engine";

/** What oCIS would be started with, where Tika answers or does not; the clock goes on by a minute at each look. */
function started(tikaAnswers: boolean): string {
    const folder = mkdtempSync(join(tmpdir(), "search-test-"));
    const programs = {
        busybox: `exit ${tikaAnswers ? 0 : 1}`,
        sleep: "",
        date: `echo x >> ${folder}/looks; echo $(($(wc -l < ${folder}/looks) * 60))`,
    };
    try {
        for (const [name, script] of Object.entries(programs)) {
            writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
            chmodSync(join(folder, name), 0o755);
        }
        const env = { ...searchEnvironment(true, "/var/lib/ocis"), PATH: `${folder}:${process.env.PATH}` };
        return execFileSync("/bin/sh", ["-c", `${searchScript(true)}env`], { env, encoding: "utf8" });
    } finally {
        rmSync(folder, { recursive: true });
    }
}

test("without the switch nothing is rendered, and oCIS is started as it was", () => {
    assert.deepEqual(searchEnvironment(false, "/data"), {});
    assert.deepEqual(busStart({ mode: "own" }, searchScript(false)), { command: ["server"] });
});

test("oCIS is told of Tika, and keeps an index of its own for words", () => {
    assert.match(started(true), /^SEARCH_EXTRACTOR_TYPE=tika$/m);
    assert.match(started(true), /^SEARCH_ENGINE_BLEVE_DATA_PATH=\/var\/lib\/ocis\/search-text$/m);
    assert.match(busStart({ mode: "own" }, searchScript(true)).command[0]!, /done\nexec ocis server$/);
});

test("where Tika does not answer oCIS starts all the same, with the index of names", () => {
    const environment = started(false);
    assert.match(environment, /^SEARCH_EXTRACTOR_TYPE=basic$/m);
    assert.match(environment, /^FRONTEND_FULL_TEXT_SEARCH_ENABLED=false$/m);
    assert.doesNotMatch(environment, /BLEVE_DATA_PATH/);
});

test("a stack has Tika where the switch is on, as a truth or as Pulumi writes it", () => {
    for (const [value, expected] of [
        [true, true],
        ["true", true],
        ["false", false],
        [undefined, false],
    ] as const) {
        const servers = serversOf((key) => (key === "fullTextSearch" ? value : undefined));
        assert.equal(servers.includes("tika"), expected);
    }
});
