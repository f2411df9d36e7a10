/** Configuration for tests: the defaults of Pulumi.yaml, as the command line interface fills them in, and what a test adds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { Settings } from "../settings";
import { CommandLine } from "../settings/cure";
import { ProjectKey } from "../settings/documents";
import { settingsOf as checked } from "../settings/refusal";
import { readConfiguration } from "../settings/stack";
import { ROOT } from "../system/folders";

/** What Pulumi.yaml declares, by key. */
export function projectKeys(): Record<string, ProjectKey> {
    const project = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as { config: Record<string, ProjectKey> };
    return project.config;
}

/** What a stack's file says, by key. */
export function stackFile(stack: string): Record<string, unknown> {
    const file = parse(readFileSync(join(ROOT, `Pulumi.${stack}.yaml`), "utf8")) as { config: Record<string, unknown> };
    return file.config;
}

/** Values as the program receives them: text, or JSON for objects. */
export function raw(values: Record<string, unknown>): Record<string, string> {
    return Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
}

/** The raw configuration of a stack that sets `values` and leaves the rest to the defaults. */
export function configuration(values: Record<string, unknown>): Record<string, string> {
    const defaults = Object.fromEntries(Object.entries(projectKeys()).map(([key, { default: value }]) => [key, value]));
    return raw({ ...defaults, ...values });
}

/** As little as a stack has to say. */
export const GOOD = { domain: "example.com", users: { alice: { displayName: "Alice", email: "alice@example.com" } } };

/** On which a test's cures would be run. */
export const COMMAND_LINE: CommandLine = { command: "pulumi", stack: "test" };

/** The settings of a stack that says `values`, of those in GOOD what it does not say, and leaves the rest to the defaults. */
export function settingsOf(values: Record<string, unknown> = {}): Settings {
    return checked(readConfiguration(configuration({ ...GOOD, ...values })), COMMAND_LINE);
}
