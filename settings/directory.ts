/** The key `directory`: where users live. */
import { z } from "zod";

import { AUTHELIA } from "../versions";
import { authority, ocisPassword, secretMeta, text, withMode } from "./declaration";
import { Fault } from "./fault";
import { Images } from "./images";
import { LdapSchema, PRESETS } from "./ldap";

/** A distinguished name: attribute=value pairs with commas between them; a comma in a value follows a backslash. */
const DN = /^[a-z][a-z0-9-]*=(\\.|[^,\\])+(,\s*[a-z][a-z0-9-]*=(\\.|[^,\\])+)*$/i;

/** An LDAP filter that both servers can put between theirs: in parentheses, and without Authelia's placeholders. */
function isFilter(filter: string): boolean {
    let depth = 0;
    for (const [index, character] of [...filter].entries()) {
        depth += character === "(" ? 1 : character === ")" ? -1 : 0;
        if (depth < 0 || (depth === 0 && index < filter.length - 1)) {
            return false;
        }
    }
    return depth === 0 && /^\([^{}]+\)$/.test(filter);
}

function isLdapsUrl(url: string): boolean {
    const found = /^ldaps:\/\/[a-z0-9][a-z0-9.-]*(?::([1-9]\d*))?$/i.exec(url);
    return found !== null && Number(found[1] ?? 636) <= 65535;
}

function distinguishedName(example: string, description: string) {
    const allowed = `a distinguished name, such as ${example}`;
    return text(allowed, (value) => DN.test(value)).meta({ description, example: example });
}

function relativeName(example: string, description: string) {
    const allowed = "a distinguished name relative to baseDn, or an empty text for baseDn itself";
    const holds = (value: string) => value === "" || DN.test(value);
    return text(allowed, holds).optional().meta({ description, example: example });
}

function nameInSchema(key: keyof LdapSchema, description: string) {
    const allowed = "the name of an attribute or object class: letters, digits and hyphens";
    const holds = (value: string) => /^[a-z][a-z0-9-]*$/i.test(value);
    return text(allowed, holds).optional().meta({ description, example: PRESETS.openldap[key] });
}

/** What a directory server calls things, where it is not what the preset says. */
const schema = {
    userBase: relativeName("ou=people", "Where people are, relative to baseDn, searched with everything below."),
    userObjectClass: nameInSchema("userObjectClass", "Object class of people."),
    userFilter: text(
        "one LDAP filter in parentheses, without braces, or an empty text",
        (value) => value === "" || isFilter(value),
    )
        .optional()
        .meta({ description: "What people have to match besides.", example: "(employeeType=staff)" }),
    userId: nameInSchema("userId", "Never changes and is never given again; oCIS stores files and shares under it."),
    userName: nameInSchema("userName", "The login name."),
    userMail: nameInSchema("userMail", "The e-mail address."),
    userDisplayName: nameInSchema("userDisplayName", "The name that others see."),
    groupBase: relativeName("ou=groups", "Where groups are, relative to baseDn."),
    groupObjectClass: nameInSchema("groupObjectClass", "Object class of groups."),
    groupId: nameInSchema("groupId", "Never changes and is never given again."),
    groupName: nameInSchema("groupName", "The group's name."),
    groupMember: nameInSchema("groupMember", "Holds the DN of each member."),
} satisfies Record<keyof LdapSchema, z.ZodType>;

const inAuthelia = z.strictObject({
    mode: z.literal("authelia").meta({
        description: "In this configuration, see users; oCIS makes their accounts at the first sign-in.",
    }),
});

const inOcis = z.strictObject({
    mode: z.literal("ocis").meta({
        description:
            "In oCIS's own directory, managed in its web interface by its administrator admin (output initialPasswords).",
    }),
});

const inLdap = z
    .strictObject({
        mode: z.literal("ldap").meta({ description: "In an LDAP server; see docs/directories.md." }),
        preset: z
            .enum(Object.keys(PRESETS) as (keyof typeof PRESETS)[], Object.keys(PRESETS).join(" or "))
            .meta({ description: "What the directory server calls things; single names can differ." }),
        // Neither server's connection may be read on its way, and oCIS knows no StartTLS. Source: cs3org/reva, pkg/utils/ldap.go.
        url: text(
            "ldaps:// with the host that the server's certificate names, and a port unless it is 636 (oCIS knows no StartTLS)",
            isLdapsUrl,
        ).meta({ description: "The server: its certificate has to name this host.", example: "ldaps://ldap.example.com" }),
        baseDn: distinguishedName("dc=example,dc=com", "Below which people and groups are."),
        bindDn: distinguishedName("cn=reader,dc=example,dc=com", "The account that searches."),
        bindPassword: ocisPassword("the password of bindDn").meta(secretMeta("Of that account.")),
        authority: authority("Certificates that the server's has to descend from, if it is not a public authority's."),
        ...schema,
    })
    .transform(({ preset, ...said }) => ({ ...PRESETS[preset], ...said }));

const inLldap = z.strictObject({
    mode: z.literal("lldap").meta({
        description:
            "In LLDAP, as one more container of the stack, with a page at users.auth.<domain> for its administrators (the first is admin, " +
            "output initialPasswords); people change their passwords themselves. See docs/directories.md.",
    }),
});

export const directory = z
    .preprocess(
        withMode("authelia"),
        z.discriminatedUnion("mode", [inAuthelia, inOcis, inLldap, inLdap], "authelia, ocis, lldap or ldap"),
    )
    .prefault({})
    .meta({ description: "Where users live. A stack keeps the mode with which it was made." });

export type Directory = z.output<typeof directory>;

/**
 * Authelia 4.38 changes no passwords, and forgets who is signed in while it is asked about the page. Source: run with 4.38.0; see
 * docs/versions.md.
 */
export function checkDirectory({ directory: { mode } }: { directory: Directory }, { authelia }: Images): Fault[] {
    if (mode !== "lldap" || authelia.line.passwordChange) {
        return [];
    }
    const allowed = `another one with Authelia ${authelia.version}; from 4.39 on it can be lldap`;
    const cures = [{ set: ["images", "authelia"], to: AUTHELIA.image }];
    return [{ path: ["directory", "mode"], value: mode, allowed, cures }];
}
