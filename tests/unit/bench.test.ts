/** What the benchmark makes of its numbers, and of the document. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { tableOf, withResults } from "../../operations/bench-table";
import { alone, compare, meets, Result, Row } from "../bench/measure";

const ROW: Row = { key: "life:up", what: "an `up`", unit: "s", ours: "pulumi up", beside: "compose up", aim: { atMost: 1.5 } };

const NUMBERS: Result = { row: ROW, ours: [3, 6, 4], beside: [2, 3, 4] };

test("both are measured in turn, and neither always first", async () => {
    const order: string[] = [];
    const side = (name: string, value: number) => ({
        name,
        measure: () => {
            order.push(name);
            return Promise.resolve(value);
        },
    });
    const { key, what, unit, aim } = ROW;
    const comparison = alone({ key, what, unit, aim, ours: side("a", 1), beside: side("b", 2), rounds: 3 });
    const results = await compare(comparison, () => undefined);
    assert.deepEqual(order, ["a", "b", "b", "a", "a", "b"]);
    assert.deepEqual(results, [{ row: { key, what, unit, aim, ours: "a", beside: "b" }, ours: [1, 1, 1], beside: [2, 2, 2] }]);
});

test("the ratio of each round counts, and the aim is of their median", () => {
    assert.equal(meets(NUMBERS), true);
    assert.equal(meets({ ...NUMBERS, ours: [3, 6, 8] }), false);
    assert.equal(meets({ ...NUMBERS, row: { ...ROW, aim: { atLeast: 1.6 } } }), false);
    assert.equal(meets({ ...NUMBERS, row: { ...ROW, aim: { oursAtMost: 4 } } }), true);
    assert.equal(meets({ ...NUMBERS, row: { ...ROW, aim: undefined } }), undefined);
});

test("the document keeps what a person has written around the table", () => {
    const row = "| an `up` (`life:up`) | pulumi up: 4.0 s | compose up: 3.0 s | 1.50 (1.00 to 2.00) | ≤ 1.5 | met |";
    assert.ok(tableOf([NUMBERS]).endsWith(row));
    const nothing = { ...NUMBERS, row: { ...ROW, unit: "failed requests" as const }, ours: [2, 2, 2], beside: [0, 0, 0] };
    assert.match(tableOf([nothing]), /\| compose up: 0 failed requests \|  \|/);
    const document = (table: string) => `before\n<!-- npm run bench writes from here -->${table}<!-- to here -->\nafter\n`;
    assert.equal(withResults(document("old"), "Here.", [NUMBERS]), document(`\nHere.\n\n${tableOf([NUMBERS])}\n`));
});
