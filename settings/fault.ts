/**
 * What is wrong with a stack's configuration: each fault with its key, the value, what is allowed, and the cure. Most come from
 * the declarations: the schema library finds them, and what a declaration says of itself tells how to mend them.
 */
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import { CommandLine, Cure, Path, printCure, printPath } from "./cure";
import { Declaration, declarationOf, declarationsAt } from "./declaration";

export interface Fault {
    /** The key, and the member in which the fault is. */
    readonly path: Path;
    /** What is there, as a person may see it; undefined: nothing. */
    readonly value: unknown;
    /** What could be there, as the end of the sentence "Allowed: …". */
    readonly allowed: string;
    /** What mends it, all of it, in this order. */
    readonly cures: readonly Cure[];
    /** Another way to mend it. */
    readonly otherwise?: { readonly when: string; readonly cures: readonly Cure[] };
}

/** What stands in the place of a value that nobody may see, or wants to: a certificate has dozens of lines. */
function shown(value: unknown, { secret, fromFile }: Pick<Declaration, "secret" | "fromFile">): unknown {
    if (value === undefined) {
        return undefined;
    }
    return secret ? "[secret]" : fromFile === undefined ? value : fromFile.endsWith(".pem") ? "[certificate]" : `[${fromFile}]`;
}

/** What sets a member to something that can be used: its example, its default, or the first of what it can be. */
function curesOf(path: Path, value: unknown, declaration: Declaration): Cure[] {
    const { secret, fromFile } = declaration;
    if (fromFile !== undefined) {
        return [{ set: path, fromFile, secret }];
    }
    if (secret) {
        return [{ set: path, secret }];
    }
    if (declaration.type === "array") {
        const [first] = declaration.example as [string];
        const remove = value === undefined || Array.isArray(value) ? [] : [{ remove: path }];
        return [...remove, { set: [...path, 0], to: first }];
    }
    const to = declaration.example ?? declaration.default ?? declaration.enum?.[0] ?? declaration.const;
    return typeof to === "string" || typeof to === "number" || typeof to === "boolean"
        ? [{ set: path, to }]
        : [{ remove: path }];
}

/** The member of `value` at `path`. */
function at(value: unknown, path: Path): unknown {
    return path.reduce<unknown>(
        (inner, member) => (inner as Record<string | number, unknown> | undefined | null)?.[member],
        value,
    );
}

/** The faults that the schema library has found in the value of a key. */
export function faultsOf(key: string, schema: z.ZodType, value: unknown, issues: readonly z.core.$ZodIssue[]): Fault[] {
    const declaration = declarationOf(schema);
    return issues.flatMap((issue): Fault | Fault[] => {
        const members = issue.path.map((member) => (typeof member === "symbol" ? String(member) : member));
        const path = [key, ...members];
        const found = at(value, members);
        const declared = declarationsAt(declaration, members);
        switch (issue.code) {
            case "unrecognized_keys":
                // The value stays out of the message: it may be a password under a misspelt key.
                return issue.keys.map((name) => ({
                    path,
                    value: name,
                    allowed: otherMembers(declared, found, name),
                    cures: [{ remove: [...path, name] }],
                }));
            case "invalid_key": {
                const allowed = issue.issues.map(({ message }) => message).join(", ");
                return { path: path.slice(0, -1), value: path.at(-1), allowed, cures: [{ remove: path }] };
            }
            case "invalid_type":
                if (issue.expected === "object" || issue.expected === "record") {
                    return { path, value: found, allowed: "an object", cures: [{ remove: path }] };
                }
        }
        const member = declared[0] ?? {};
        // A check that knows better says so itself.
        const { params } = issue as { params?: Partial<Fault> };
        return { path, value: shown(found, member), allowed: issue.message, cures: curesOf(path, found, member), ...params };
    });
}

/** What may stand in an object in the place of a member that it has and must not have. */
function otherMembers(variants: readonly Declaration[], object: unknown, name: string): string {
    const reason = variants.map(({ absent }) => absent?.[name]).find((text) => text !== undefined);
    if (reason !== undefined) {
        return `no such key, because ${reason}`;
    }
    const modeOf = ({ properties }: Declaration) => String(properties?.mode?.const);
    const owners = variants.filter(({ properties }) => properties !== undefined && name in properties).map(modeOf);
    if (owners.length > 0) {
        const { mode } = object as { mode?: unknown };
        return `no such key in mode ${JSON.stringify(mode ?? modeOf(variants[0]!))}: it belongs to ${owners.join(", ")}`;
    }
    const members = new Set(variants.flatMap(({ properties }) => Object.keys(properties ?? {})));
    return `only the keys ${[...members].join(", ")}`;
}

/** A fault as a person reads it. */
export function printFault({ path, value, allowed, cures, otherwise }: Fault, commandLine: CommandLine): string {
    const print = (list: readonly Cure[]) => list.map((cure) => `\n    ${printCure(cure, commandLine)}`).join("");
    return (
        `${describeFault({ path, value, allowed })}${print(cures)}` +
        (otherwise === undefined ? "" : `\n    or, ${otherwise.when}:${print(otherwise.cures)}`)
    );
}

/** A fault without its cures. */
export function describeFault({ path, value, allowed }: Pick<Fault, "path" | "value" | "allowed">): string {
    // What an output holds is not known here, and what it says of itself is of no use.
    const found = pulumi.Output.isInstance(value) ? "an output" : (JSON.stringify(value) ?? "nothing");
    return `${printPath(path)}: ${found} cannot be used. Allowed: ${allowed}.`;
}
