/** The argument `prefix` of a cloud, which a program can give and a stack's configuration cannot. */
import { text } from "./declaration";
import { Fault, faultsOf } from "./fault";

/** What stands before "-authelia-secrets" and the like in names that Docker takes as host names too, which have 63 characters at most. */
export const prefix = text("lower-case letters, digits and hyphens, starting with a letter, at most 40", (name) =>
    /^[a-z][a-z0-9-]{0,39}$/.test(name),
)
    .optional()
    .meta({
        description:
            "What every name of the cloud on the Docker host starts with: lower-case letters, digits and hyphens. Two clouds on one " +
            'Docker host need two. "<project>-<stack>" by default.',
        example: "family",
    });

export function checkPrefix(given: unknown): Fault[] {
    const { success, error } = prefix.safeParse(given);
    // Its cure is a change of the program, for which there is no command.
    return success ? [] : faultsOf("prefix", prefix, given, error.issues).map((fault) => ({ ...fault, cures: [] }));
}
