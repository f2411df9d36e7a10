/**
 * Waits until the process of a workload can serve: for as long as it works, because a server that migrates its data at its first start
 * may take hours, and whoever ends it half way loses them. So nothing here ends a container, and neither does Docker, for which
 * "unhealthy" is a word and no more. The provider's own wait cannot do this: it has to know beforehand how long it takes, notices no
 * process that has ended, and makes the next run replace the container. Source: kreuzwerker/docker 4.5.0, resourceDockerContainerCreate.
 */
import * as pulumi from "@pulumi/pulumi";

import { askDocker, failure, logOf, Patient } from "../diagnosis";
import { MANY_ENDS, waitFor } from "./wait";

/** Bounds of the time between two looks, milliseconds; within them it is a twentieth of what has been waited already. */
const LOOK = { soonest: 250, latest: 5_000 };

/** What Docker says of a container. */
export interface Seen {
    /** "running", "restarting", "exited" and the like. */
    readonly status: string;
    /** "starting", "healthy" or "unhealthy". */
    readonly health: string;
    /** How often its process has ended and was started again. */
    readonly ends: number;
    /** Of the process that has ended last. */
    readonly exitCode: number;
}

/**
 * Why a container will not become ready, as the end of the sentence "it …"; undefined while it may. Pure.
 *
 * @param first What was seen of it at first: what ended before may have been mended since.
 */
export function hopelessness({ status, ends, exitCode }: Seen, first: Seen): string | undefined {
    if (["created", "exited", "dead", "removing"].includes(status)) {
        return `is not running (exit code ${exitCode})`;
    }
    return ends >= MANY_ENDS && ends > first.ends ? `ended ${ends} times (exit code ${exitCode})` : undefined;
}

/** Docker's own field of each member of Seen, in this order. */
const FORMAT = "{{.State.Status}} {{.State.Health.Status}} {{.RestartCount}} {{.State.ExitCode}}";

async function look(containerName: string): Promise<Seen> {
    const { code, text } = await askDocker("container", "inspect", "--format", FORMAT, containerName);
    const [status, health, ends, exitCode] = text.trim().split(" ");
    if (code !== 0) {
        throw failure(
            `Whether the container ${containerName} is ready cannot be asked: ${text.trim()}\n` +
                "That needs the command docker where Pulumi runs, on the same engine. What is gone on it, pulumi up --refresh makes again.",
        );
    }
    return { status: status!, health: health!, ends: Number(ends), exitCode: Number(exitCode) };
}

/** Whether a process can serve. Docker asks it every few seconds only, so a process that is starting is asked here in between. */
async function isReady({ status, health }: Seen, containerName: string, ready: string): Promise<boolean> {
    if (status !== "running") {
        return false;
    }
    return health === "healthy" || (await askDocker("exec", containerName, "/bin/sh", "-c", ready)).code === 0;
}

/**
 * Resolves once the process of a workload can serve. From time to time it says that it still waits.
 *
 * @param ready Shell command that exits 0 in the container once it can; that of its health check.
 * @throws pulumi.RunError where the process has ended and does not come back, after it has shown the end of the log.
 */
export function whenReady(patient: Patient, ready: string, component: pulumi.Resource): Promise<void> {
    const { containerName } = patient;
    return waitFor(patient, component, {
        kind: "container",
        again: "pulumi up again",
        look: () => look(containerName),
        judge: async (seen, first) => (await isReady(seen, containerName, ready)) || (hopelessness(seen, first) ?? false),
        describe: async ({ ends }, first) =>
            `${ends > first.ends ? `, and ended ${ends} times` : ""}. It is left to work, and so it is where you end this run. ` +
            `Its last log line: ${await logOf(patient, containerName, "container", 1)}`,
        rhythm: (waited) => Math.min(LOOK.latest, Math.max(LOOK.soonest, waited / 20)),
    });
}
