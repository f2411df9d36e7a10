/** Who gets in and with which role, as both servers are told. That they do as they are told the matrix of the deployment tests proves. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { accessPolicy, roleGroups } from "../../components/access";
import { settingsOf } from "../configuration";

const TABLE: [what: string, access: object, policy: object, roles: object | undefined][] = [
    ["everybody, with two factors, by default", {}, { policy: "two_factor", groups: undefined }, undefined],
    ["everybody, by password alone", { policy: "one_factor" }, { policy: "one_factor", groups: undefined }, undefined],
    ["members of some groups", { groups: ["b", "a", "b"] }, { policy: "two_factor", groups: ["a", "b"] }, undefined],
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
        assert.deepEqual(roleGroups(access), roles);
    });
}
