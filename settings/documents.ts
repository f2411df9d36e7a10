/**
 * What is written from the declarations of the keys: the `config` block of Pulumi.yaml and docs/configuration.md. Pure; `npm run generate`
 * writes the files.
 */
import { KEYS } from ".";
import { Path, printPath } from "./cure";
import { Declaration, declarationOf, membersOf, variantsOf } from "./declaration";

/** Every key with its declaration. */
export function declarations(): Record<string, Declaration> {
    return Object.fromEntries(Object.entries(KEYS).map(([key, schema]) => [key, declarationOf(schema)]));
}

/** A key as Pulumi.yaml declares it. */
export interface ProjectKey {
    readonly type: "string" | "integer" | "boolean" | "object";
    readonly description: string;
    readonly default: unknown;
}

/** Type of a declaration in a word that Pulumi.yaml knows. */
function projectType(declaration: Declaration): ProjectKey["type"] {
    return (variantsOf(declaration)[0]!.type ?? "object") as ProjectKey["type"];
}

/** The `config` block of Pulumi.yaml: types that the command line interface checks, and defaults that it fills in. */
export function projectConfig(): Record<string, ProjectKey> {
    return Object.fromEntries(
        Object.entries(declarations()).map(([key, declaration]) => [
            key,
            {
                type: projectType(declaration),
                description: declaration.description!,
                // Without a default the command line interface would refuse in its own words, which name no cure.
                default: declaration.default ?? (projectType(declaration) === "object" ? {} : ""),
            },
        ]),
    );
}

/** A row of the document: a key, or one of its members. */
interface Row {
    readonly path: Path;
    readonly declaration: Declaration;
    readonly required: boolean;
    /** Of a key with several forms: in which of them the member is. */
    readonly modes: readonly string[];
}

/** Stands in a path for the name that a person chooses. */
const ANY = "<name>";

/** The rows of a declaration's members, each before its own members. */
function members(path: Path, declaration: Declaration): Row[] {
    const named = membersOf(declaration).flatMap(({ name, ...member }) => {
        const row: Row = { ...member, path: [...path, name] };
        return [row, ...members(row.path, member.declaration)];
    });
    const any = declaration.additionalProperties;
    return any ? [...named, ...members([...path, ANY], any)] : named;
}

function typeName({ type, items, enum: values, oneOf, additionalProperties }: Declaration): string {
    if (values !== undefined) {
        return values.map((value) => `\`${value}\``).join(" or ");
    }
    if (type === "array") {
        return `list of ${items!.type}s`;
    }
    return oneOf !== undefined || additionalProperties ? "object" : (type ?? "object");
}

const code = (text: string) => `\`${text}\``;

/** In a table a vertical bar ends the cell. */
const cell = (text: string) => text.replaceAll("|", String.raw`\|`).replaceAll(/<(\w+)>/g, "&lt;$1&gt;");

function defaultOf({ declaration, required }: Row): string {
    if (required) {
        return "required";
    }
    const value = declaration.default;
    return value === undefined || (typeof value === "object" && Object.keys(value as object).length === 0)
        ? ""
        : code(JSON.stringify(value));
}

function exampleOf({ secret, fromFile, example, type }: Declaration): string {
    if (fromFile !== undefined) {
        return `from ${code(fromFile)}${secret ? ", a secret" : ""}`;
    }
    if (secret) {
        return "a secret";
    }
    return example === undefined || type === "object" ? "" : code(JSON.stringify(example));
}

function table(rows: readonly Row[]): string[] {
    return [
        "| | type | default | meaning | example |",
        "|---|---|---|---|---|",
        ...rows.map((row) => {
            const { path, declaration, modes: only } = row;
            const where = only.length === 0 ? "" : `With mode ${only.join(", ")}. `;
            const cells = [typeName(declaration), defaultOf(row), where + declaration.description, exampleOf(declaration)];
            return `| ${code(printPath(path).replace(`["${ANY}"]`, `.${ANY}`))} | ${cells.map(cell).join(" | ")} |`;
        }),
    ];
}

/** docs/configuration.md. */
export function configurationDocument(): string {
    const sections = Object.entries(declarations()).flatMap(([key, declaration]) => {
        const required = declaration.default === undefined && projectType(declaration) !== "object";
        const own: Row = { path: [key], declaration, required, modes: [] };
        const inner = members([key], declaration);
        const isObject = inner.length > 0;
        return [`## ${key}`, "", ...(isObject ? [declaration.description!, ""] : []), ...table(isObject ? inner : [own]), ""];
    });
    return [
        "# Configuration",
        "",
        "Every key and every member, written from their declarations in `settings/` by `npm run generate`. A key is set with",
        "`npm run pulumi -- config set <key> <value>`, a member with `config set --path <key>.<member> <value>`, an item of a list",
        "with `config set --path '<key>.<member>[0]' <value>`. Secrets are asked for (`config set --path <key>.<member> --secret`),",
        "texts of several lines are read from a file (`config set --path <key>.<member> < file`). A value that cannot be used fails",
        "the preview with a message that says what is allowed, and the commands that mend it.",
        "",
        ...sections,
    ].join("\n");
}
