/**
 * What a change of each key of the configuration costs: the containers that are made anew, and what somebody sees who goes on asking. The
 * second table of docs/reliability.md.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DESKTOP, Session } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { Cloud, usersCalled } from "./cloud";
import { askBoth, describeSeen, noteChange, whileAsked } from "./drill";
import { describeOn } from "./pairs";
import { docker } from "./stack";

const FILE = "/remote.php/webdav/letter.txt";

const SERVERS = ["authelia", "ocis", "edge"] as const;

const FAMILY = usersCalled(["alice", "bob"], { groups: ["family"] });

/** Each change as a person calls it, made on top of those before it. */
const CHANGES: [what: string, settings: () => Promise<Record<string, unknown>> | Record<string, unknown>][] = [
    ["`users`: somebody more", () => ({ users: { ...FAMILY, ...usersCalled(["carol"], { groups: ["family"] }) } })],
    [
        "`users`: another display name",
        () => ({ users: { ...FAMILY, ...usersCalled(["carol"], { groups: ["family"], displayName: "Carol" }) } }),
    ],
    ["`access.groups`, `access.administrators`", () => ({ access: { groups: ["family"], administrators: ["parents"] } })],
    ["`lifespans.accessToken`", () => ({ lifespans: { accessToken: "1 day" } })],
    ["`peopleAtOneAddress`", () => ({ peopleAtOneAddress: 300 })],
    ["`smtp`", () => ({ smtp: { address: "submissions://mail.example.com", sender: "cloud@example.com" } })],
    ["`rotations.session`", () => ({ rotations: { session: 2 } })],
    ["`rotations.jwt`", () => ({ rotations: { session: 2, jwt: 2 } })],
    ["`appTokens`", () => ({ appTokens: true })],
    ["`accessTokens`", () => ({ accessTokens: "opaque" })],
    ["`http3`", () => ({ http3: false })],
    ["`httpPort`", async () => ({ httpPort: await freePort() })],
];

/** Changes for which the edge itself is made anew: what it publishes. */
const OF_THE_EDGE = /http/;

describeOn({ tier: "drill", real: true }, "changes", (images) => {
    let cloud: Cloud;
    let desktop: Session;
    let settings: Record<string, unknown>;

    before(async () => {
        cloud = await Cloud.up("test-changes", { images, users: FAMILY, http3: true });
        settings = cloud.settings;
        await cloud.enrol(["alice"]);
        desktop = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        assert.equal((await desktop.ask(FILE, { method: "PUT", body: "kept" })).status, 201);
    });
    after(() => cloud.down());

    const idsOf = () =>
        Promise.all(SERVERS.map((server) => docker("inspect", "--format", "{{.Id}}", `${cloud.stack.prefix}${server}`)));

    const ask = () => askBoth(cloud, desktop, FILE);

    for (const [what, change] of CHANGES) {
        test(`a change of ${what}`, async () => {
            settings = { ...settings, ...(await change()) };
            const before = await idsOf();
            const seen = await whileAsked(ask, cloud.change(settings));
            const after = await idsOf();
            const replaced = SERVERS.filter((_, index) => before[index] !== after[index]);
            noteChange(what, replaced, seen);
            console.log(`${what}: ${replaced.join(", ")}; ${describeSeen(seen)}`);
            if (!replaced.includes("edge") && !replaced.includes("ocis")) {
                assert.equal(seen.failed, 0, describeSeen(seen));
            }
            assert.equal(replaced.includes("edge"), OF_THE_EDGE.test(what), "whether the edge is made anew");
            assert.equal((await (desktop = await desktop.refresh()).ask(FILE)).text, "kept");
        });
    }
});
