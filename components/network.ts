/** The stack's own bridge network, on which the containers reach each other by name and nobody else reaches them. */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { nameOnHost, typeToken } from "./naming";

export class Network extends pulumi.ComponentResource {
    /** As Docker knows it. */
    readonly name: pulumi.Output<string>;

    constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Network"), name, {}, opts);
        const network = new docker.Network(name, { name: nameOnHost(name), driver: "bridge" }, { parent: this });
        this.name = network.name;
        this.registerOutputs({ name: this.name });
    }
}
