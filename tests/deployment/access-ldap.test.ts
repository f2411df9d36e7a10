/**
 * Who gets in, and as what, where people live in an LDAP directory: the matrix for oCIS's own, which its administrator fills through
 * oCIS, and for one outside the stack. Runs on every pair of real servers at hand; the stand-ins know no LDAP.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { Cloud } from "./cloud";
import { ACCESS, PEOPLE, testMatrix } from "./matrix";
import { realPairs } from "./pairs";
import { signIn, WEB } from "./relying-party";
import { NO_SLAPD, Slapd } from "./slapd";

const pairs = realPairs();

if (pairs.length === 0) {
    test("access by LDAP directories", { skip: "needs real servers" });
}

const GROUPS = [...new Set(PEOPLE.flatMap(({ groups }) => groups))];

/** Different at each run, and long enough for oCIS's rules. */
const newPasswords = () => Object.fromEntries(PEOPLE.map(({ name }) => [name, `Aa1!${randomBytes(12).toString("hex")}`]));

/** Puts everybody into oCIS's directory, as an administrator does in its web interface. */
async function populate(cloud: Cloud): Promise<void> {
    await cloud.enrol(["admin"]);
    const browser = cloud.open();
    const { tokens } = await signIn(browser, cloud.url, WEB, cloud.webRedirect, cloud.credentials("admin"));
    const graph = async (method: string, path: string, body?: object) => {
        const response = await browser.request(`${cloud.url}/graph/v1.0/${path}`, {
            method,
            headers: { authorization: `Bearer ${tokens.access_token}`, "content-type": "application/json" },
            body: body && JSON.stringify(body),
        });
        const text = await response.text();
        assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
        return (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    };
    interface Application {
        id: string;
        appRoles: { id: string; displayName: string }[];
    }
    const [application] = (await graph("GET", "applications")).value as [Application];
    const role = application.appRoles.find(({ displayName }) => displayName === "Admin")!;
    const groupIds: Record<string, string> = {};
    for (const displayName of GROUPS) {
        groupIds[displayName] = (await graph("POST", "groups", { displayName })).id as string;
    }
    for (const person of PEOPLE) {
        const id = (
            await graph("POST", "users", {
                onPremisesSamAccountName: person.name,
                displayName: person.name,
                mail: `${person.name}@example.com`,
                passwordProfile: { password: cloud.passwords[person.name] },
            })
        ).id as string;
        for (const group of person.groups) {
            const member = { "@odata.id": `${cloud.url}/graph/v1.0/users/${id}` };
            await graph("POST", `groups/${groupIds[group]}/members/$ref`, member);
        }
        if (person.role === "administrator") {
            const assignment = { principalId: id, resourceId: application.id, appRoleId: role.id };
            await graph("POST", `users/${id}/appRoleAssignments`, assignment);
        }
        if (person.role === "disabled") {
            await graph("PATCH", `users/${id}`, { accountEnabled: false });
        }
    }
}

for (const [index, { title, images }] of pairs.entries()) {
    describe(`access by oCIS's own directory on ${title}`, { timeout: 15 * 60_000 }, () => {
        let cloud: Cloud;

        before(async () => {
            cloud = await Cloud.up(`test-access-ocis-${index}`, { images, directory: { mode: "ocis" } });
            Object.assign(cloud.passwords, newPasswords());
            await populate(cloud);
            // Only now: before there are groups, nobody would be in them.
            const access = { groups: [...ACCESS.groups, ...ACCESS.administrators] };
            cloud.stack.configure({ ...cloud.settings, access });
            await cloud.stack.up();
            await cloud.enrol(PEOPLE.map(({ name }) => name));
        });

        after(() => cloud.down());

        testMatrix("ocis", images, () => cloud);
    });

    describe(`access by an LDAP server outside on ${title}`, { timeout: 15 * 60_000, skip: NO_SLAPD ?? false }, () => {
        let slapd: Slapd;
        let cloud: Cloud;

        before(async () => {
            const passwords = newPasswords();
            slapd = await Slapd.start();
            for (const { name, role } of PEOPLE) {
                const more: Record<string, string> = role === "disabled" ? { employeeType: "former" } : {};
                slapd.addPerson({ uid: name, password: passwords[name]!, more });
            }
            for (const group of GROUPS) {
                const members = PEOPLE.filter(({ groups }) => groups.some((each) => each === group));
                slapd.addGroup(
                    group,
                    members.map(({ name }) => name),
                );
            }
            const settings = { images, directory: slapd.settings, access: ACCESS };
            cloud = await Cloud.up(`test-access-ldap-${index}`, settings);
            Object.assign(cloud.passwords, passwords);
            await cloud.enrol(PEOPLE.map(({ name }) => name));
        });

        after(async () => {
            await cloud.down();
            await slapd.stop();
        });

        testMatrix("ldap", images, () => cloud);
    });
}
