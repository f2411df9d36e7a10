/**
 * An `up` ends when people can sign in, and not before: somebody signs in at the end of each of many in which every server was made anew. No
 * server has a part in it that differs by release, so it runs on the newest pair.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Cloud, usersCalled } from "./cloud";
import { note } from "./drill";
import { describeOn } from "./pairs";

/** How often. */
const TIMES = 50;

/** Enough that nobody has to wait for another code. */
const PEOPLE = Array.from({ length: 10 }, (_, index) => `person-${index}`);

describeOn({ tier: "drill", real: true }, "the end of an up", (images) => {
    let cloud: Cloud;

    before(async () => {
        cloud = await Cloud.up("test-ready", { images, users: usersCalled(PEOPLE) });
        await cloud.enrol(PEOPLE);
    });
    after(() => cloud.down());

    test(`${TIMES} times somebody signs in at once`, async () => {
        for (let turn = 0; turn < TIMES; turn++) {
            const is = turn % 2 === 0;
            // One key of Authelia, one of oCIS, one of the edge.
            await cloud.change({ peopleAtOneAddress: is ? 100 : 101, appTokens: is, http3: !is });
            const person = PEOPLE[turn % PEOPLE.length]!;
            const session = await cloud.signIn(cloud.credentials(person));
            const { status, text } = await session.ask("/remote.php/webdav/", { method: "PROPFIND", headers: { depth: "1" } });
            assert.equal(status, 207, `${turn}: ${text}`);
        }
        note({
            fault: `every server is made anew by an \`up\`, ${TIMES} times`,
            client: `whoever signs in at the end of it gets in, ${TIMES} of ${TIMES} times`,
            operator: "nothing",
            lost: "nothing",
        });
    });
});
