/** How things are called: type tokens for Pulumi. */

/** The type token of a component of this package, such as "ocis-authelia:index:Workload". */
export function typeToken(component: string): string {
    return `ocis-authelia:index:${component}`;
}
