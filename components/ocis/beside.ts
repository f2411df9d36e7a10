/** Services of oCIS that are processes of their own in its container, beside the one that is all others: each by a script. Pure. */

/** What starts a server: an entry point, if it is not the image's own, and its arguments. */
export interface Start {
    readonly entrypoint?: readonly string[];
    readonly command: readonly string[];
}

/** Seconds before a service is started first, and between two looks at it: where it has ended, it is started again. */
export const LOOK = 5;

/** Command that asks a service of oCIS in the same container whether it is well. Debian's busybox ends by a fault with wget's own -T. */
export const asks = (url: string) => `busybox timeout ${LOOK} busybox wget -q -O /dev/null ${url} 2>/dev/null`;

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
