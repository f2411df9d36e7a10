/** Which release may follow which on the same data, and what a person reads who asks for another one. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { menderFor } from "../../components/diagnosis";
import { refusal } from "../../components/release-memory";
import { ROOT } from "../../system/folders";
import { AUTHELIA, Line, OCIS, releaseOf, Releases, upgradePath } from "../../versions";
import { COMMAND_LINE } from "../configuration";

const PATHS: [server: Releases<Line>, before: string, after: string, path: string[] | undefined][] = [
    [OCIS, "4.0.5", "8.2.0", ["5.0.9", "7.0.0", "7.3.1", "8.0.0", "8.2.0"]],
    [OCIS, "4.0.5", "5.0.0", ["5.0.0"]],
    [OCIS, "4.0.7", "7.0.1", ["5.0.9", "7.0.1"]],
    [OCIS, "5.0.9", "7.3.1", ["7.0.0", "7.3.1"]],
    [OCIS, "7.0.0", "7.3.2", ["7.3.2"]],
    [OCIS, "7.1.0", "8.0.0", ["7.3.1", "8.0.0"]],
    [OCIS, "8.0.0", "8.2.0", ["8.2.0"]],
    [OCIS, "8.2.0", "8.2.0", ["8.2.0"]],
    [OCIS, "8.2.0", "9.0.0", ["9.0.0"]], // untested, and taken for the newest line
    [OCIS, "7.3.1", "9.0.0", ["8.0.0", "9.0.0"]],
    [OCIS, "8.2.0", "8.1.9", undefined],
    [OCIS, "8.0.10", "8.0.9", undefined],
    [AUTHELIA, "4.38.0", "4.39.21", ["4.39.21"]],
    [AUTHELIA, "4.39.21", "4.39.20", undefined],
    [AUTHELIA, "4.39.20", "4.38.16", undefined],
];
for (const [server, before, after, path] of PATHS) {
    test(`${server.title} ${before} to ${after}: ${path === undefined ? "refused" : path.join(", ")}`, () => {
        assert.deepEqual(upgradePath(server, before, after), path);
    });
}

test("every supported release can be reached from every earlier one", () => {
    for (const server of [AUTHELIA, OCIS] as Releases<Line>[]) {
        const releases = server.lines.map(({ line, first }) => `${line}.${first}`);
        releases.forEach((after, index) => {
            for (const before of releases.slice(0, index)) {
                assert.ok(upgradePath(server, before, after), `${server.title} ${before} to ${after}`);
            }
        });
    }
});

test("docs/production.md shows the steps of oCIS", () => {
    const lineOf = (version: string) => version.replace(/\.\d+$/, "");
    const [first, last] = [OCIS.run[0]!, OCIS.run.at(-1)!];
    const steps = [first, ...upgradePath(OCIS, first, last)!].map(lineOf).join(" → ");
    assert.ok(readFileSync(join(ROOT, "docs", "production.md"), "utf8").includes(`| oCIS | ${steps}, `), steps);
});

/** What is said to who asks for an image of oCIS on data of `before`. */
function said(before: string, image: string, mender = menderFor(COMMAND_LINE)) {
    return refusal("ocis", { server: OCIS, release: releaseOf(OCIS, image) }, before, mender);
}

test("a release that may follow is not refused", () => {
    assert.equal(said("8.0.0", "owncloud/ocis:8.2.0"), undefined);
});

test("a step too far is refused with all steps, from where the image comes from", () => {
    const [fault, ...rest] = said("5.0.9", `registry.example.com:5000/ocis:8.0.0@sha256:${"0".repeat(64)}`)!.split("\n");
    assert.match(fault!, /^images\.ocis: "registry\S+" cannot be used\. Allowed: oCIS 7\.0\.0 next, because .* of 5\.0\.9 /);
    assert.deepEqual(
        rest.slice(0, -1).map((line) => line.trim()),
        ["7.0.0", "7.3.1", "8.0.0"].map(
            (version) => `pulumi config set --path images.ocis registry.example.com:5000/ocis:${version} --stack test`,
        ),
    );
    assert.match(rest.at(-1)!, /docs\/production\.md, "Upgrades"/);
});

test("a step back is refused with the release that the data are of, and the way back", () => {
    const text = said("8.2.0", "owncloud/ocis:8.0.0")!;
    assert.match(text, /^images\.ocis: "owncloud\/ocis:8\.0\.0" cannot be used\. Allowed: oCIS 8\.2\.0 or later, because /);
    assert.match(text, /\n {4}pulumi config set --path images\.ocis owncloud\/ocis:8\.2\.0 --stack test\n/);
    assert.match(text, /restore the backup/);
});

test("another program reads the argument in the place of commands", () => {
    const text = said("8.2.0", "owncloud/ocis:8.0.0", menderFor(undefined))!;
    assert.match(text, /\n {4}images\.ocis: "owncloud\/ocis:8\.2\.0"\n/);
});
