/** What of a stack is written for Prometheus. That Prometheus reads it, tests/deployment/watching.test.ts shows. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { figures, Seen } from "../../operations/figures";

const SEEN: Seen = {
    stack: "prod",
    now: new Date("2026-12-01T00:00:00Z"),
    data: [{ server: "ocis", used: 2048, free: 4096 }],
    backup: { time: "2026-11-30T00:00:00Z" },
    certificate: "2027-01-01T00:00:00.000Z",
};

/** The values without what describes them. */
const valuesOf = (change: Partial<Seen> = {}) =>
    figures({ ...SEEN, ...change })
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"));

test("times are seconds, sizes bytes, and every line names the stack", () => {
    assert.deepEqual(valuesOf(), [
        'ocis_authelia_status_timestamp_seconds{stack="prod"} 1796083200',
        'ocis_authelia_data_used_bytes{stack="prod",server="ocis"} 2048',
        'ocis_authelia_data_free_bytes{stack="prod",server="ocis"} 4096',
        'ocis_authelia_last_backup_timestamp_seconds{stack="prod"} 1795996800',
        'ocis_authelia_certificate_end_timestamp_seconds{stack="prod"} 1798761600',
    ]);
});

test("what is not there counts as long ago, and what is not to be seen is left out", () => {
    const nothing = valuesOf({ data: [], backup: undefined, certificate: "not to be trusted: expired" });
    assert.deepEqual(nothing.slice(1), [
        'ocis_authelia_last_backup_timestamp_seconds{stack="prod"} 0',
        'ocis_authelia_certificate_end_timestamp_seconds{stack="prod"} 0',
    ]);
    assert.doesNotMatch(figures({ ...SEEN, certificate: undefined }), /certificate/);
    assert.ok(figures(SEEN).endsWith("\n"), "node_exporter takes no last line without an end");
});
