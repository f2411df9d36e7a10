/** The people of a stack as its operator sees them: what the configuration says of them, and what Authelia knows. Pure. */
import type { User } from "../settings/users";
import { KnownPerson } from "./authelia-database";
import { printTable } from "./table";

/** One of them; no secret. */
export interface Person {
    readonly name: string;
    /** Undefined where users live elsewhere, which Authelia does not remember; so are the next three. */
    readonly displayName?: string;
    readonly email?: string;
    readonly groups?: readonly string[];
    readonly disabled?: boolean;
    /** Known to Authelia and no longer in the configuration. */
    readonly removed?: boolean;
    readonly authenticatorApp: boolean;
    readonly securityKeys: number;
    readonly lastSignIn?: string;
}

const UNKNOWN: KnownPerson = { authenticatorApp: false, securityKeys: 0 };

/**
 * Everybody, by name.
 *
 * @param users Those of the configuration; none where users live elsewhere.
 */
export function listPeople(users: readonly User[], known: ReadonlyMap<string, KnownPerson>): Person[] {
    const configured = users.map(({ name, displayName, email, groups, disabled }) => {
        return { name, displayName, email, groups, disabled, ...(known.get(name) ?? UNKNOWN) };
    });
    const names = new Set(users.map(({ name }) => name));
    const others = [...known].filter(([name]) => !names.has(name));
    const removed = users.length > 0 ? { removed: true } : {};
    return [...configured, ...others.map(([name, person]) => ({ name, ...removed, ...person }))].sort((a, b) =>
        a.name < b.name ? -1 : 1,
    );
}

/** What a person reads of them. */
export function printPeople(mode: string, people: readonly Person[]): string {
    const rows = people.map((person) => [
        person.name,
        person.displayName ?? "",
        person.email ?? "",
        person.groups?.join(", ") ?? "",
        person.disabled ? "disabled" : person.removed ? "removed" : "",
        [
            ...(person.authenticatorApp ? ["app"] : []),
            ...(person.securityKeys > 0 ? [`${person.securityKeys} security key${person.securityKeys > 1 ? "s" : ""}`] : []),
        ].join(", ") || "none",
        person.lastSignIn ?? "never",
    ]);
    const table = printTable(["name", "called", "e-mail", "groups", "", "second factor", "last sign-in"], rows);
    return mode === "authelia"
        ? table
        : `${table}\n\nUsers live elsewhere (directory.mode ${mode}): only those are listed whom Authelia knows.`;
}
