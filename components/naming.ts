/** How things are called: type tokens for Pulumi, and names on the Docker host that carry project and stack. */
import * as pulumi from "@pulumi/pulumi";

/** The type token of a component of this program, such as "ocis-authelia:index:Workload". */
export function typeToken(component: string): string {
    return `ocis-authelia:index:${component}`;
}

/** What `name` is called on the Docker host, so that several stacks live there side by side: "ocis-authelia-dev-edge". */
export function nameOnHost(name: string): string {
    return `${pulumi.getProject()}-${pulumi.getStack()}-${name}`;
}
