/**
 * Services of oCIS that are processes of their own in its container: where one ends, it is started again, and oCIS does not notice. Pure.
 */

/** What starts a server: an entry point, if it is not the image's own, and its arguments. */
export interface Start {
    readonly entrypoint?: readonly string[];
    readonly command: readonly string[];
}

/** Seconds before a service is started first, and between two looks at it: where it has ended, it is started again. */
export const LOOK = 5;

/** Looks in a row without an answer after which it is ended. It takes a second or two to start, and a slow machine gets many more. */
const LOOKS = 8;

/** Command that asks a service of oCIS in the same container whether it is well. Debian's busybox ends by a fault with wget's own -T. */
export const asks = (url: string) => `busybox timeout ${LOOK} busybox wget -q -O /dev/null ${url} 2>/dev/null`;

/**
 * Script that keeps a service of oCIS running: where it has ended, it is started again, and where it runs and serves nothing, it is ended.
 *
 * @param service As oCIS calls it.
 * @param alive URL in the container that says whether it serves.
 */
export function kept(service: string, alive: string): string {
    const script = `
{
    sleep ${LOOK}
    while true; do
        ocis ${service} server &
        missed=0
        while sleep ${LOOK} && kill -0 $! 2>/dev/null && test $missed -lt ${LOOKS}; do
            if ${asks(alive)}; then missed=0; else missed=$((missed + 1)); fi
        done
        kill -9 $! 2>/dev/null
        wait $!
    done
} &`;
    return script.trimStart();
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
