/** Configuration for tests: the defaults of Pulumi.yaml, as the command line interface fills them in, and what a test adds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The folder of the program. */
export const ROOT = join(__dirname, "..");

/** A key as Pulumi.yaml declares it. */
export interface Declaration {
    readonly type: string;
    readonly description: string;
    readonly default: unknown;
}

/** What Pulumi.yaml declares, by key. */
export function declarations(): Record<string, Declaration> {
    const project = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as { config: Record<string, Declaration> };
    return project.config;
}

/** What a stack's file says, by key without the project's name. */
export function stackFile(stack: string): Record<string, unknown> {
    const file = parse(readFileSync(join(ROOT, `Pulumi.${stack}.yaml`), "utf8")) as { config: Record<string, unknown> };
    return Object.fromEntries(Object.entries(file.config).map(([key, value]) => [key.replace(/^ocis-authelia:/, ""), value]));
}

/** Values as the program receives them: text, or JSON for objects. */
export function raw(values: Record<string, unknown>): Record<string, string> {
    return Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
}

/** The raw configuration of a stack that sets `values` and leaves the rest to the defaults. */
export function configuration(values: Record<string, unknown>): Record<string, string> {
    const defaults = Object.fromEntries(Object.entries(declarations()).map(([key, { default: value }]) => [key, value]));
    return raw({ ...defaults, ...values });
}
