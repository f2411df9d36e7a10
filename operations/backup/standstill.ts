/**
 * Servers that stand still while their data are copied, all but the edge. They are paused, not stopped: everybody stays signed in, the edge
 * lets requests wait, and what is on the disk is what a killed process would leave, from which all of them go on (docs/reliability.md).
 */
import { Failure } from "../../system/failure";
import { StackOnEngine } from "../stack-on-engine";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Does some work while the servers stand still. One that does not run, or ends at each start, is left as it is. A signal ends the work,
 * and the servers go on all the same.
 *
 * @returns How long they stood still, seconds.
 */
export async function whileStandingStill(stack: StackOnEngine, work: () => Promise<void>): Promise<number> {
    // Those that write to what is copied; who asks waits for who answers.
    const names = stack
        .servers()
        .filter((server) => server !== "edge")
        .map((server) => stack.server(server).container);
    // Without a handler this process would end at once, and leave the servers as they are.
    const survive = () => undefined;
    SIGNALS.forEach((signal) => process.on(signal, survive));
    const begin = Date.now();
    try {
        await stack.attemptDocker("unpause", ...names); // left by a backup that was killed
        for (const name of names) {
            const { code, stderr } = await stack.attemptDocker("pause", name);
            const { stdout: status } = await stack.attemptDocker("inspect", "--format", "{{.State.Status}}", name);
            if (code !== 0 && status.trim() === "running") {
                throw new Failure(`${name} cannot be made to stand still: ${stderr.trim()}`);
            }
        }
        await work();
    } finally {
        await stack.attemptDocker("unpause", ...names);
        SIGNALS.forEach((signal) => process.off(signal, survive));
    }
    return (Date.now() - begin) / 1000;
}
