/** Who gets in and with which role, as both servers are told. That they do as they are told the matrix of the deployment tests proves. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { accessPolicy, roleGroups, shutOut } from "../../components/access";
import { menderFor } from "../../components/diagnosis";
import { namesakes, refusal, remembered, UserNames } from "../../components/user-names";
import { COMMAND_LINE, settingsOf } from "../configuration";

const TABLE: [what: string, access: object, policy: object, roles: object | undefined][] = [
    ["everybody, with two factors, by default", {}, { policy: "two_factor", groups: undefined }, undefined],
    ["everybody, by password alone", { policy: "one_factor" }, { policy: "one_factor", groups: undefined }, undefined],
    [
        "members of some groups",
        { groups: ["b", "a", "b"] },
        { policy: "two_factor", groups: ["a", "b"] },
        { administrators: [], users: ["a", "b"] },
    ],
    [
        "administrators get in as well",
        { groups: ["family"], administrators: ["parents"] },
        { policy: "two_factor", groups: ["family", "parents"] },
        { administrators: ["parents"], users: ["family"] },
    ],
    [
        "administrators who are users too",
        { groups: ["family", "parents"], administrators: ["parents"] },
        { policy: "two_factor", groups: ["family", "parents"] },
        { administrators: ["parents"], users: ["family", "parents"] },
    ],
];

for (const [what, given, policy, roles] of TABLE) {
    test(what, () => {
        const { access } = settingsOf({ access: given });
        assert.deepEqual(accessPolicy(access), policy);
        for (const mode of ["authelia", "ldap"] as const) {
            assert.deepEqual(roleGroups(access, mode), roles, mode);
        }
        assert.equal(roleGroups(access, "ocis"), undefined, "its first administrator is in no group");
    });
}

/** Users with what is said of each. */
const users = (people: Record<string, object>) => {
    const entries = Object.entries(people).map(([name, more]) => [
        name,
        { displayName: name, email: `${name}@example.com`, ...more },
    ]);
    return settingsOf({ users: Object.fromEntries(entries) as object }).users;
};

test("who is disabled, in no group that gets in, or no user any more is shut out", () => {
    const people = users({
        anna: { groups: ["family"] },
        ben: { groups: ["family"], disabled: true },
        carl: { groups: ["neighbours"] },
        dora: { groups: ["parents"] },
    });
    const known = { anna: "user", ben: "user", eve: "removed" } as const;
    const { access } = settingsOf({ access: { groups: ["family"], administrators: ["parents"] } });
    assert.deepEqual(shutOut(people, access, known), ["ben", "carl", "eve"]);
    assert.deepEqual(shutOut(people, settingsOf().access, known), ["ben", "eve"], "without groups everybody gets in");
});

test("who is new and gets in changes nothing for oCIS, which would restart", () => {
    const { access } = settingsOf();
    assert.deepEqual(shutOut(users({ anna: {}, zoe: {} }), access, { anna: "user" }), []);
});

test("names are remembered, and one of a removed user is given again only to the same person", () => {
    const first = remembered({}, users({ anna: {}, ben: {} }));
    assert.deepEqual(first, { anna: "user", ben: "user" });
    const second = remembered(first, users({ anna: {} }));
    assert.deepEqual(second, { anna: "user", ben: "removed" });
    const names = (known: UserNames, people: Record<string, object>) => namesakes(known, users(people)).map(({ name }) => name);
    assert.deepEqual(names(second, { anna: {}, ben: {}, carl: {} }), ["ben"]);
    assert.deepEqual(names(second, { ben: { samePerson: true } }), []);
    const third = remembered(second, users({ anna: {}, ben: { samePerson: true } }));
    assert.deepEqual(names(third, { anna: {}, ben: {} }), [], "said once, it need not be said again");
    assert.deepEqual(names(first, { ben: { disabled: true } }), [], "who is only disabled stays who it is");
});

test("who gives a removed user's name again reads what that means, and both ways on", () => {
    const said = refusal(users({ "eve.b": {} }), menderFor(COMMAND_LINE));
    assert.match(said, /users\["eve\.b"\]: "eve\.b" cannot be used\. Allowed: another name/);
    assert.match(said, /^ *pulumi config rm --path 'users\["eve\.b"\]' --stack test$/m);
    assert.match(said, /^ *pulumi config set --path 'users\["eve\.b"\]\.samePerson' true --stack test$/m);
});
