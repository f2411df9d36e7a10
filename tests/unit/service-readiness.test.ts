/** When a service that is not ready is waited for, and when not. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { hopelessness, isServed, Service, Task } from "../../components/workload/service-readiness";

const service = (UpdateStatus?: Service["UpdateStatus"]): Service => ({
    Spec: { Mode: { Replicated: { Replicas: 2 } } },
    UpdateStatus,
});

/** A process that should run. */
const task = (CurrentState: string, Error = ""): Task => ({ ID: CurrentState, CurrentState, DesiredState: "Running", Error });

/** As many that have ended, and were given up. */
const failed = (count: number): Task[] =>
    Array.from({ length: count }, (_, index) => ({
        ID: `failed-${index}`,
        CurrentState: "Failed 3 seconds ago",
        DesiredState: "Shutdown",
        Error: "task: non-zero exit (1)",
    }));

const RUNNING = [task("Running 1 second ago"), task("Running 2 seconds ago")];

test("a service is served once all run, and none is being replaced", () => {
    assert.ok(isServed(service(), RUNNING));
    assert.ok(isServed(service({ State: "completed" }), [...RUNNING, ...failed(4)]));
    assert.ok(!isServed(service(), RUNNING.slice(1)));
    assert.ok(!isServed(service(), [...RUNNING.slice(1), task("Starting 3 seconds ago")]));
    assert.ok(!isServed(service({ State: "updating" }), RUNNING), "those of before run too");
    assert.ok(!isServed(service(), [RUNNING[0]!, { ...RUNNING[1]!, DesiredState: "Shutdown" }]), "one that is to end");
});

const CASES: [
    what: string,
    update: Service["UpdateStatus"],
    tasks: Task[],
    first: Task[],
    waited: number,
    why: RegExp | undefined,
][] = [
    ["one that starts", undefined, [task("Starting 9 minutes ago")], [], 600_000, undefined],
    ["one that ended and was started again", undefined, failed(4), [], 5_000, undefined],
    ["one that ends again and again", undefined, failed(5), [], 5_000, /ended 5 times \(task: non-zero exit \(1\)\)/],
    ["one that did so before this run", undefined, failed(5), failed(5), 5_000, undefined],
    ["one without a machine yet", undefined, [task("Pending 3 seconds ago", "no suitable node")], [], 5_000, undefined],
    [
        "one without a machine",
        undefined,
        [task("Pending 1 minute ago", "no suitable node")],
        [],
        60_000,
        /\(no suitable node\)/,
    ],
    ["one that went back", { State: "rollback_completed", Message: "rollback completed" }, RUNNING, [], 0, /went back/],
    ["one that stopped half way", { State: "paused", Message: "update paused" }, RUNNING, [], 0, /update paused/],
];
for (const [what, update, tasks, first, waited, why] of CASES) {
    test(`${why === undefined ? "waited for" : "given up"}: ${what}`, () => {
        const said = hopelessness(service(update), tasks, first, waited);
        assert.ok(why === undefined ? said === undefined : why.test(said!), said);
    });
}
