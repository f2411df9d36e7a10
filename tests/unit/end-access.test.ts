/** What `npm run end-access` says where it cannot know whom is meant; what it ends tests/deployment/taking-away.test.ts shows. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ROOT } from "../../system/folders";
import { attempt } from "../../system/run";

const WRONG: [what: string, args: string[]][] = [
    ["nothing", []],
    ["no stack", ["alice"]],
    ["no user", ["--stack", "prod"]],
    ["two users", ["alice", "bob", "--stack", "prod"]],
    ["an unknown option", ["alice", "--stack", "prod", "--everything"]],
];

for (const [what, args] of WRONG) {
    test(`${what}: the command says how it is called`, async () => {
        const program = ["--require", "./system/typescript.cjs", "operations/end-access.ts"];
        const { code, stderr } = await attempt(process.execPath, [...program, ...args], { cwd: ROOT });
        assert.equal(code, 1);
        assert.match(stderr, /^Usage: npm run end-access -- \[options\] <user>$/m);
        assert.doesNotMatch(stderr, /^ +at /m);
    });
}
