/**
 * How a wrong value is mended, as data, and the one function that writes it as the command lines that a person runs. Pure.
 */

/** Members on the way to a value: ["users", "alice", "groups", 0]. */
export type Path = readonly (string | number)[];

/** One change of the stack's configuration. */
export type Cure =
    /** Set a value. */
    | { readonly set: Path; readonly to: string | number | boolean }
    /** Set a text that comes from a file, because it has several lines. */
    | { readonly set: Path; readonly fromFile: string; readonly secret?: boolean }
    /** Set a secret, which the command asks for: it belongs neither into a message nor on a command line. */
    | { readonly set: Path; readonly secret: true }
    | { readonly remove: Path };

/** How a person reaches Pulumi. */
export interface CommandLine {
    /** "pulumi", or "npm run pulumi --". */
    readonly command: string;
    /** Name of the stack. */
    readonly stack: string;
}

/** A path as `pulumi config --path` reads it: users.alice.groups[0], users["Bob B"].email, docker:registryAuth[0].password. */
export function printPath(path: Path): string {
    return path
        .map((member, index) => {
            if (typeof member === "number") {
                return `[${member}]`;
            }
            return /^[a-zA-Z_][\w-]*$/.test(member) || (index === 0 && /^\w+:\w+$/.test(member))
                ? `${index === 0 ? "" : "."}${member}`
                : `[${JSON.stringify(member)}]`;
        })
        .join("");
}

/** A word as a POSIX shell reads it back. */
function quoted(word: string): string {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A cure as a command line for a POSIX shell, run where the program is. */
export function printCure(cure: Cure, { command, stack }: CommandLine): string {
    const path = "set" in cure ? cure.set : cure.remove;
    const words = [
        command,
        "config",
        "set" in cure ? "set" : "rm",
        ...(path.length > 1 ? ["--path"] : []),
        quoted(printPath(path)),
        ...("to" in cure ? [quoted(String(cure.to))] : []),
        ...("secret" in cure && cure.secret ? ["--secret"] : []),
        "--stack",
        quoted(stack),
        ...("fromFile" in cure ? ["<", quoted(cure.fromFile)] : []),
    ];
    return words.join(" ");
}
