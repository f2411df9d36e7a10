/** Which releases are taken, for what, and what a person is told of those that were not run. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { AUTHELIA, describeUnrun, Line, OCIS, releaseOf, Releases } from "../../versions";

const SERVERS: readonly Releases<Line>[] = [AUTHELIA, OCIS];

test("every patch of a supported line is taken, with a digest or without", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    assert.equal(releaseOf(AUTHELIA, "authelia/authelia:4.39.99").version, "4.39.99");
    const pinned = releaseOf(OCIS, `mirror.example.com:5000/owncloud/ocis:8.2.7@${digest}`);
    assert.deepEqual([pinned.version, pinned.line.line], ["8.2.7", "8.2"]);
    assert.throws(() => releaseOf(OCIS, `owncloud/ocis@${digest}`), /its tag is missing/);
});

test("a newer line is taken only by who asks for it, even where the program is prepared for it", () => {
    for (const image of ["authelia/authelia:4.40.0", "authelia/authelia:4.41.0"]) {
        assert.throws(
            () => releaseOf(AUTHELIA, image),
            /must name a supported release of Authelia: 4\.38\.0 to .*, 4\.39\.21 and later$/,
        );
        assert.equal(releaseOf(AUTHELIA, image, true).line.endSession, true);
    }
    assert.equal(releaseOf(OCIS, "owncloud/ocis:8.3.0", true).line.line, "8.2");
});

test("a person is told which release was run in the place of one that was not", () => {
    const told = (server: Releases<Line>, version: string) =>
        describeUnrun(server, releaseOf(server, `image:${version}`, true));
    for (const server of SERVERS) {
        for (const version of server.run) {
            assert.equal(told(server, version), undefined, "a release that was run needs no words");
        }
    }
    const cases = [
        [AUTHELIA, "4.39.28", "4.39.21"],
        [AUTHELIA, "4.39.4", "4.39.20"],
        [AUTHELIA, "4.40.0", "4.39.21"],
        [OCIS, "8.2.7", "8.2.0"],
        [OCIS, "7.1.0", "7.0.0"],
        [OCIS, "5.0.1", "5.0.9"],
    ] as const;
    for (const [server, version, run] of cases) {
        assert.ok(
            told(server, version)!.startsWith(`${server.title} ${version} was not run by this program's tests. ${run} was,`),
        );
    }
});

test("the releases that were run stand in the order of their age, and each is supported", () => {
    for (const server of SERVERS) {
        const sorted = [...server.run].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
        assert.deepEqual(server.run, sorted);
        assert.ok(server.run.every((version) => releaseOf(server, `image:${version}`).run === version));
    }
});
