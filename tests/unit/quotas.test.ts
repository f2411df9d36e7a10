/** Quotas: sizes as people write them, and what oCIS is told of them. That it keeps to them, tests/deployment/quotas.test.ts shows. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { projectQuota, roleQuotas } from "../../components/ocis/quotas";
import { bytesOf } from "../../settings/quotas";
import { settingsOf } from "../configuration";

const SIZES: [size: string, bytes: number | undefined][] = [
    ["10 GB", 10_000_000_000],
    ["10GB", 10_000_000_000],
    ["500 MiB", 524_288_000],
    ["1.5 TB", 1_500_000_000_000],
    ["0.3 kB", 300],
    ["1.1 TiB", 1_209_462_790_554],
    ["1 B", 1],
    ["9000 TB", 9e15],
    ["9999 TB", undefined],
    ["10", undefined],
    ["GB", undefined],
    ["10  GB", undefined],
    ["10 gb", undefined],
    ["10 KB", undefined],
    ["1,5 GB", undefined],
    ["1e3 GB", undefined],
    ["+1 GB", undefined],
    ["0 GB", undefined],
    ["0.4 B", undefined],
    [" 1 GB", undefined],
    ["1 GB\n", undefined],
];

for (const [size, bytes] of SIZES) {
    test(`${JSON.stringify(size)} is ${bytes === undefined ? "no size" : `${bytes} bytes`}`, () => {
        assert.equal(bytesOf(size), bytes);
    });
}

test("without quotas oCIS is told nothing of them", () => {
    const { quotas } = settingsOf();
    assert.deepEqual([roleQuotas(quotas), projectQuota(quotas)], [{}, {}]);
});

test("that of everybody is said for each role, but for those that have another one", () => {
    const { quotas } = settingsOf({ quotas: { personal: "10 GB", roles: { administrators: "unlimited", users: "1 MiB" } } });
    assert.deepEqual(roleQuotas(quotas), {
        role_quotas: {
            "71881883-1768-46bd-a24d-a356a2afdf7f": 0,
            "2aadd357-682c-406b-8874-293091995fdd": 10_000_000_000,
            "d7beeea8-8ff4-406b-8fb6-ab2dd81e6b11": 1_048_576,
            "38071a68-456a-4553-846a-fa67bf5596cc": 10_000_000_000,
        },
    });
    assert.deepEqual(projectQuota(quotas), {});
});

test("a role alone is said alone, and a space of several people has a variable", () => {
    const { quotas } = settingsOf({ quotas: { roles: { users: "1 GB" }, projects: "unlimited" } });
    assert.deepEqual(roleQuotas(quotas), { role_quotas: { "d7beeea8-8ff4-406b-8fb6-ab2dd81e6b11": 1_000_000_000 } });
    assert.deepEqual(projectQuota(quotas), { GRAPH_SPACES_DEFAULT_QUOTA: "0" });
});
