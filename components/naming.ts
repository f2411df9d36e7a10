/** How things are called: type tokens for Pulumi, containers with files, and generations of what rotates. */

/** The type token of a component of this package, such as "ocis-authelia:index:Workload". */
export function typeToken(component: string): string {
    return `ocis-authelia:index:${component}`;
}

/** The containers that bring a process its files, by what these are. */
export const CARRIERS = ["files", "secrets"] as const;

/** The name of one of them on the Docker host, or as a resource, by that of the process. */
export function carrierName(process: string, use: (typeof CARRIERS)[number]): string {
    return `${process}-${use}`;
}

/** The name of a generation of what rotates. The first has the one that it had before there was any rotation. */
export function generationName(name: string, generation: number): string {
    return generation === 1 ? name : `${name}-${generation}`;
}
