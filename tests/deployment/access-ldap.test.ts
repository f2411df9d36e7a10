/**
 * Who gets in, and as what, where people live in an LDAP directory: the matrix for oCIS's own, which its administrator fills through
 * oCIS, and for one outside the stack. The stand-ins know no LDAP.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before } from "node:test";

import { Cloud } from "./cloud";
import { ACCESS, PEOPLE, testMatrix } from "./matrix";
import { describeOn } from "./pairs";
import { NO_SLAPD, Slapd } from "./slapd";

const GROUPS = [...new Set(PEOPLE.flatMap(({ groups }) => groups))];

/** Different at each run, and long enough for oCIS's rules. */
const newPasswords = () => Object.fromEntries(PEOPLE.map(({ name }) => [name, `Aa1!${randomBytes(12).toString("hex")}`]));

/** Puts everybody into oCIS's directory, as an administrator does in its web interface. */
async function populate(cloud: Cloud): Promise<void> {
    await cloud.enrol(["admin"]);
    const admin = await cloud.signIn(cloud.credentials("admin"));
    const graph = async (method: string, path: string, json?: object) => {
        const { status, text } = await admin.ask(`/graph/v1.0/${path}`, { method, json });
        assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
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

describeOn({ tier: "everything", real: true }, "access by oCIS's own directory", (images) => {
    let cloud: Cloud;

    before(async () => {
        cloud = await Cloud.up("test-access-ocis", { images, directory: { mode: "ocis" } });
        Object.assign(cloud.passwords, newPasswords());
        await populate(cloud);
        // Only now: before there are groups, nobody would be in them.
        const access = { groups: [...ACCESS.groups, ...ACCESS.administrators] };
        await cloud.change({ access });
        await cloud.enrol(PEOPLE.map(({ name }) => name));
    });

    after(() => cloud.down());

    testMatrix("ocis", images, () => cloud);
});

describeOn({ tier: "everything", real: true, missing: NO_SLAPD }, "access by an LDAP server outside", (images) => {
    let slapd: Slapd;
    let cloud: Cloud;

    before(async () => {
        const passwords = newPasswords();
        slapd = await Slapd.start();
        for (const { name, role } of PEOPLE) {
            const more: Record<string, string> = role === "disabled" ? { employeeType: "former" } : {};
            await slapd.addPerson({ uid: name, password: passwords[name]!, more });
        }
        for (const group of GROUPS) {
            const members = PEOPLE.filter(({ groups }) => groups.some((each) => each === group));
            await slapd.addGroup(
                group,
                members.map(({ name }) => name),
            );
        }
        const settings = { images, directory: slapd.settings, access: ACCESS };
        cloud = await Cloud.up("test-access-ldap", settings);
        Object.assign(cloud.passwords, passwords);
        await cloud.enrol(PEOPLE.map(({ name }) => name));
    });

    after(async () => {
        await cloud.down();
        await slapd.stop();
    });

    testMatrix("ldap", images, () => cloud);
});
