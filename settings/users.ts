/** The key `users`: who may sign in, where users live in the stack's configuration. */
import { z } from "zod";

import { group } from "./access";
import { email, secretMeta, secretText, text } from "./declaration";
import type { Directory } from "./directory";
import { Fault } from "./fault";

/**
 * Name of oCIS's built-in administrator: a user of that name would become him. Source: oCIS 7.0.0,
 * services/idm/ldif/base.ldif.tmpl.
 */
const BUILT_IN_ADMINISTRATOR = "admin";

/** First characters of the digests that Authelia takes. Source: Authelia 4.39.20, internal/configuration/schema/types.go. */
const PASSWORD_DIGEST = /^\$(argon2(id|i|d)|scrypt|pbkdf2(-sha(1|224|256|384|512))?|bcrypt-sha256|2[abxy]?|5|6)\$\S+$/;

const userName = text("lower-case letters, digits, dots, hyphens and underscores, starting with a letter, at most 64", (name) =>
    /^[a-z_][a-z0-9._-]{0,63}$/.test(name),
).refine(
    (name) => name !== BUILT_IN_ADMINISTRATOR,
    "any other name, because oCIS would take this user for its built-in administrator",
);

const user = z.strictObject({
    displayName: text("the name that others see", (name) => name.trim() !== "").meta({
        description: "The name that others see.",
        example: "Alice Example",
    }),
    email: email().meta({ description: "Where mail goes; no two users share one.", example: "alice@example.com" }),
    groups: z
        .array(group, "a list of group names")
        .default([])
        .meta({ description: "Groups, which oCIS takes over at each sign-in.", example: ["family"] }),
    disabled: z.boolean("true or false").default(false).meta({
        description: "Is out at the next up, whatever the person still holds, but keeps files and second factor.",
        example: true,
    }),
    samePerson: z
        .boolean("true or false")
        .default(false)
        .meta({
            description:
                "Only for a name that was removed from the stack earlier: this is the person of that time, who gets the files, shares and " +
                "second factor again.",
            example: true,
        }),
    passwordDigest: secretText(
        "a digest such as $argon2id$v=19$…, made by: docker run --rm -it authelia/authelia authelia crypto hash generate",
        (digest) => PASSWORD_DIGEST.test(digest),
    )
        .optional()
        .meta(
            secretMeta(
                "Digest of the password in a form that Authelia takes, such as argon2id. Without it a password is generated; see the " +
                    "output initialPasswords.",
            ),
        ),
});

/** A person who may sign in. The name becomes the user name in oCIS. */
export type User = z.output<typeof user> & { readonly name: string };

const byName = (a: User, b: User) => (a.name < b.name ? -1 : 1);

export const users = z
    .record(userName, user)
    // Sorted, so that the order in the configuration changes nothing.
    .transform((people): User[] =>
        Object.entries(people)
            .map(([name, person]) => ({ name, ...person }))
            .sort(byName),
    )
    .prefault({})
    .meta({ description: "Who may sign in, by user name. Only with directory.mode authelia, and then at least one." });

export function checkUsers({ users: people, directory: { mode } }: { users: readonly User[]; directory: Directory }): Fault[] {
    if (mode === "authelia") {
        return people.length > 0 ? sharedAddresses(people) : [nobody];
    }
    const place = {
        ocis: "are made in oCIS's web interface",
        lldap: "are made on LLDAP's page",
        ldap: "come from the LDAP server",
    }[mode];
    const allowed = `nothing, because with directory.mode "${mode}" users ${place}`;
    const value = people.map(({ name }) => name);
    return people.length > 0 ? [{ path: ["users"], value, allowed, cures: [{ remove: ["users"] }] }] : [];
}

const nobody: Fault = {
    path: ["users"],
    value: {},
    allowed: "at least one user, or nobody could sign in",
    cures: [
        { set: ["users", "alice", "displayName"], to: "Alice" },
        { set: ["users", "alice", "email"], to: "alice@example.com" },
    ],
};

/** Authelia lets people sign in by e-mail as well, so it must tell them apart. */
function sharedAddresses(people: readonly User[]): Fault[] {
    const key = ({ email: address }: User) => address.toLowerCase();
    return people
        .filter((person, index) => people.findIndex((other) => key(other) === key(person)) < index)
        .map(({ name, email: value }) => {
            const path = ["users", name, "email"];
            return {
                path,
                value,
                allowed: "an address that no other user has",
                cures: [{ set: path, to: `${name}@example.com` }],
            };
        });
}
