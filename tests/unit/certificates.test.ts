/** What a person is told of the ends of a private authority's certificates. That they are renewed is proved by edge.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { describeEnds } from "../../components/certificates";

const root = new Date("2036-11-22T10:00:00Z");

test("as a rule: when the sites' certificate ends, and from when on it is renewed", () => {
    const { text, urgent } = describeEnds({ root, sites: new Date("2029-02-22T10:00:00Z") }, new Date("2026-11-24T10:00:00Z"));
    assert.equal(text, "The sites' certificate ends on 2029-02-22. pulumi up renews it from 2028-01-19 on.");
    assert.equal(urgent, false);
});

test("before a certificate of the sites would outlive the root: that the root ends", () => {
    const sites = new Date("2036-12-01T10:00:00Z");
    assert.equal(describeEnds({ root, sites }, new Date("2034-08-24T10:00:00Z")).urgent, false);
    const { text, urgent } = describeEnds({ root, sites }, new Date("2034-08-26T10:00:00Z"));
    assert.match(text, /^The private authority ends on 2036-11-22/);
    assert.equal(urgent, true);
});
