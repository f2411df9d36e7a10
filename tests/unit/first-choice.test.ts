/** What a cloud was made with: a stack that there was before a key has what all had at that time. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { firstValue } from "../../components/first-choice";

const STACK = "urn:pulumi:prod::ocis-authelia::ocis-authelia:index:Cloud$";
const STASH = `${STACK}ocis-authelia:index:FirstChoice$pulumi:index:Stash::cloud-database-mode`;
const VOLUME = `${STACK}ocis-authelia:index:Workload$docker:index/volume:Volume::cloud-authelia-data`;
const BEFORE = { value: "sqlite", volume: "cloud-authelia-data" };

test("a new stack has what it asks for", () => {
    assert.equal(firstValue({}, STASH, "postgres", BEFORE), "postgres");
});

test("one that has its data already has what it had, whatever is asked for at the same time as a newer program", () => {
    assert.equal(firstValue({ [VOLUME]: {} }, STASH, "postgres", BEFORE), "sqlite");
});

test("one that remembers is left to its memory, and another cloud in the same stack is none of its business", () => {
    assert.equal(firstValue({ [VOLUME]: {}, [STASH]: {} }, STASH, "postgres", BEFORE), "postgres");
    assert.equal(firstValue({ [VOLUME.replace("cloud-", "other-")]: {} }, STASH, "postgres", BEFORE), "postgres");
});
