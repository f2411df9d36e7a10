/**
 * Waits until every process of a service can serve, for as long as they work: what container-readiness.ts does for a container. The
 * provider's own wait counts old processes for new ones. Source: kreuzwerker/docker 4.5.0, resource_docker_service_funcs.go.
 */
import * as pulumi from "@pulumi/pulumi";

import { askDocker, failure, Patient } from "../diagnosis";
import { MANY_ENDS, waitFor } from "./wait";

/** Between two looks, milliseconds. */
const LOOK = 1_000;

/** For how long no machine may have room for a process, milliseconds: one that has just gone makes room at once. */
const LONGEST_WITHOUT_ROOM = 30_000;

/** A process of a service as Docker tells it. Source: docker service ps --format. */
export interface Task {
    readonly ID: string;
    /** Such as "Running 3 seconds ago"; where there is a health check, only what is healthy is running. */
    readonly CurrentState: string;
    /** What the swarm wants of it: "Running", "Shutdown". */
    readonly DesiredState: string;
    readonly Error: string;
}

/** A service as Docker tells it. Source: Docker Engine API, Service. */
export interface Service {
    readonly Spec: { readonly Mode: { readonly Replicated: { readonly Replicas: number } } };
    readonly UpdateStatus?: { readonly State?: string; readonly Message?: string };
}

const running = ({ CurrentState, DesiredState }: Task) => CurrentState.startsWith("Running") && DesiredState === "Running";
const ended = ({ CurrentState }: Task) => /^(Failed|Rejected)/.test(CurrentState);
const withoutRoom = ({ CurrentState, DesiredState }: Task) => CurrentState.startsWith("Pending") && DesiredState === "Running";

/** Whether every process can serve, and is what it should be. Pure. */
export function isServed({ Spec, UpdateStatus }: Service, tasks: readonly Task[]): boolean {
    return UpdateStatus?.State !== "updating" && tasks.filter(running).length === Spec.Mode.Replicated.Replicas;
}

/**
 * Why a service will not become ready, as the end of the sentence "it …"; undefined while it may. Pure.
 *
 * @param first Its processes at first: what ended before may have been mended since.
 * @param waited Milliseconds.
 */
export function hopelessness(
    { UpdateStatus }: Service,
    tasks: readonly Task[],
    first: readonly Task[],
    waited: number,
): string | undefined {
    const state = UpdateStatus?.State ?? "";
    if (/rollback|paused/.test(state)) {
        return `went back to what it was before (${UpdateStatus?.Message})`;
    }
    const before = new Set(first.map(({ ID }) => ID));
    const ends = tasks.filter((task) => ended(task) && !before.has(task.ID));
    if (ends.length >= MANY_ENDS) {
        return `ended ${ends.length} times (${ends[0]!.Error})`;
    }
    const homeless = tasks.find(withoutRoom);
    return homeless !== undefined && waited >= LONGEST_WITHOUT_ROOM ? `finds no machine (${homeless.Error})` : undefined;
}

async function ask(...args: string[]): Promise<string> {
    const { code, stdout, text } = await askDocker("service", ...args);
    if (code !== 0) {
        throw failure(
            `A service cannot be asked whether it is ready: ${text.trim()}\n` +
                "That needs the command docker where Pulumi runs, on the engine of a manager of the swarm.",
        );
    }
    return stdout;
}

async function look(name: string): Promise<{ service: Service; tasks: Task[] }> {
    const [inspected, listed] = await Promise.all([
        ask("inspect", "--format", "{{json .}}", name),
        ask("ps", "--no-trunc", "--format", "{{json .}}", name),
    ]);
    const lines = listed.trim().split("\n").filter(Boolean);
    return { service: JSON.parse(inspected) as Service, tasks: lines.map((line) => JSON.parse(line) as Task) };
}

/**
 * Resolves once every process of a service can serve.
 *
 * @throws pulumi.RunError where the swarm has gone back to what was before, or has no way on, after it has shown the end of the log.
 */
export function whenServiceReady(patient: Patient, component: pulumi.Resource): Promise<void> {
    return waitFor(patient, component, {
        kind: "service",
        again: "pulumi up --refresh",
        look: () => look(patient.containerName),
        // What has gone back is served too, by what was before.
        judge: ({ service, tasks }, first, waited) =>
            hopelessness(service, tasks, first.tasks, waited) ?? isServed(service, tasks),
        describe: ({ tasks }) => {
            const wanted = tasks.filter(({ DesiredState }) => DesiredState === "Running");
            return `: ${wanted.map(({ CurrentState }) => CurrentState).join("; ")}.`;
        },
        rhythm: () => LOOK,
    });
}
