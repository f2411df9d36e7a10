/**
 * Services of oCIS that are processes of their own in its container: where one ends, it is started again, and oCIS does not notice. Pure.
 */

/** What starts a server: an entry point, if it is not the image's own, and its arguments. */
export interface Start {
    readonly entrypoint?: readonly string[];
    readonly command: readonly string[];
}

/** Seconds after which a service is started, and started again where it has ended. */
export const AGAIN = 5;

/** Script that keeps a service of oCIS running. */
export function kept(service: string): string {
    return `while sleep ${AGAIN}; do ocis ${service} server; done &`;
}

/**
 * What starts oCIS, and scripts beside it.
 *
 * @param scripts Each ends with what it leaves in the background.
 * @param start What starts oCIS alone: arguments of its image's entry point, or a shell's script.
 */
export function startBeside(scripts: readonly string[], start: Start): Start {
    if (scripts.length === 0) {
        return start;
    }
    const { entrypoint, command } = start;
    const server = entrypoint === undefined ? `exec ocis ${command.join(" ")}` : command.join("\n");
    return { entrypoint: ["/bin/sh", "-c"], command: [[...scripts, server].join("\n")] };
}
