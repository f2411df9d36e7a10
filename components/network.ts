/** A cloud's own bridge network, on which its containers reach each other by name and nobody else reaches them. */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { typeToken } from "./naming";

export interface NetworkArgs {
    /** What every name of the cloud on the Docker host starts with, so that several clouds live there side by side. */
    readonly prefix: string;
    /** The network is not made before this is known. */
    readonly precondition: pulumi.Input<unknown>;
}

export class Network extends pulumi.ComponentResource {
    /** As Docker knows it. */
    readonly name: pulumi.Output<string>;
    private readonly prefix: string;

    constructor(name: string, { prefix, precondition }: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Network"), name, {}, opts);
        this.prefix = prefix;
        const named = pulumi.all([precondition]).apply(() => this.nameOnHost("network"));
        const network = new docker.Network(name, { name: named, driver: "bridge" }, { parent: this });
        this.name = network.name;
        this.registerOutputs({ name: this.name });
    }

    /** What something of this cloud is called on the Docker host: "ocis-authelia-dev-edge". */
    nameOnHost(what: string): string {
        return `${this.prefix}-${what}`;
    }
}
