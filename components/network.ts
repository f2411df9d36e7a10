/**
 * A cloud's own network, on which its processes reach each other by name and nobody else reaches them: a bridge of one engine, or an overlay
 * between the machines of a swarm.
 */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Engine } from "../settings/engine";
import { Mender } from "./diagnosis";
import { typeToken } from "./naming";

export interface NetworkArgs {
    /** What every name of the cloud on the Docker host starts with, so that several clouds live there side by side. */
    readonly prefix: string;
    /** What places the processes. */
    readonly engine: Engine;
    /** The network is not made before this is known. */
    readonly precondition: pulumi.Input<unknown>;
    /** What a network is called that is not the cloud's own. */
    readonly called?: string;
    /** Whether it has no way to the outside. */
    readonly internal?: boolean;
}

/** What a server is told that has a network of its own, on which nobody is but oCIS. */
export interface ServerApartArgs extends Pick<NetworkArgs, "prefix" | "engine" | "precondition"> {
    readonly image: string;
    readonly mender: Mender;
}

export class Network extends pulumi.ComponentResource {
    /** As Docker knows it. */
    readonly name: pulumi.Output<string>;
    readonly id: pulumi.Output<string>;
    /** What places the processes that are on it. */
    readonly engine: Engine["mode"];
    private readonly prefix: string;

    constructor(
        name: string,
        { prefix, engine, precondition, called = "network", internal }: NetworkArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(typeToken("Network"), name, {}, opts);
        this.prefix = prefix;
        this.engine = engine.mode;
        const named = (what: string) => pulumi.all([precondition]).apply(() => this.nameOnHost(what));
        // Two resources, because a stack that moves has both until nothing is on the old one.
        const network =
            engine.mode === "swarm"
                ? new docker.Network(
                      `${name}-overlay`,
                      // Docker reads no value, but the word alone.
                      {
                          name: named("overlay"),
                          driver: "overlay",
                          options: engine.encryptedNetwork ? { encrypted: "" } : undefined,
                      },
                      { parent: this },
                  )
                : new docker.Network(name, { name: named(called), driver: "bridge", internal }, { parent: this });
        this.name = network.name;
        this.id = network.id;
        this.registerOutputs({ name: this.name });
    }

    /** What something of this cloud is called on the Docker host: "ocis-authelia-dev-edge". */
    nameOnHost(what: string): string {
        return `${this.prefix}-${what}`;
    }
}
