/** When a container that is not ready is waited for, and when not. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { hopelessness, Seen } from "../../components/workload/container-readiness";

const AT_WORK: Seen = { status: "running", health: "starting", ends: 0, exitCode: 0 };

const CASES: [what: string, seen: Partial<Seen>, first: Partial<Seen>, why: RegExp | undefined][] = [
    ["one that works", {}, {}, undefined],
    ["one whose health check has failed, as it does while a server migrates", { health: "unhealthy" }, {}, undefined],
    ["one that ended and was started again", { ends: 4, exitCode: 1 }, {}, undefined],
    ["one between two starts", { status: "restarting", ends: 1, exitCode: 1 }, {}, undefined],
    ["one that ends again and again", { status: "restarting", ends: 5, exitCode: 1 }, {}, /ended 5 times \(exit code 1\)/],
    ["one that did so before this run, and may have been mended", { ends: 8 }, { ends: 8 }, undefined],
    ["one that does so still", { ends: 9, exitCode: 1 }, { ends: 8 }, /ended 9 times/],
    ["one that was stopped", { status: "exited", exitCode: 137 }, {}, /is not running \(exit code 137\)/],
    ["one that was never started", { status: "created" }, {}, /is not running/],
];
for (const [what, seen, first, why] of CASES) {
    test(`${why === undefined ? "waited for" : "given up"}: ${what}`, () => {
        const said = hopelessness({ ...AT_WORK, ...seen }, { ...AT_WORK, ...first });
        assert.ok(why === undefined ? said === undefined : why.test(said!), said);
    });
}
