/** Settings from what somebody gives, or an error that lists everything that is wrong with it. */
import * as pulumi from "@pulumi/pulumi";

import { check, Settings } from ".";
import { CommandLine, printPath } from "./cure";
import { describeFault, Fault, printFault } from "./fault";

/**
 * @param given Values by key.
 * @param commandLine How a person changes them; undefined where they are the arguments of a component.
 * @param others Faults that were found elsewhere, to be listed with those of the values.
 * @throws pulumi.RunError that lists every fault with its cure, or without a command line pulumi.InputPropertiesError.
 */
export function settingsOf(
    given: Readonly<Record<string, unknown>>,
    commandLine?: CommandLine,
    others: readonly Fault[] = [],
): Settings {
    const result = check(given);
    if ("settings" in result && others.length === 0) {
        return result.settings;
    }
    const faults = [...others, ...("faults" in result ? result.faults : [])];
    if (commandLine !== undefined) {
        const lines = faults.map((fault) => `\n  ${printFault(fault, commandLine)}`);
        throw new pulumi.RunError(`The stack's configuration has to be mended first.${lines.join("")}`);
    }
    throw new pulumi.InputPropertiesError({
        message: "The arguments have to be mended first.",
        errors: faults.map((fault) => ({ propertyPath: printPath(fault.path), reason: describeFault(fault) })),
    });
}
