/**
 * How every long-running process of a stack runs. A workload says what its process needs (image, files, data, readiness, memory); what the
 * stack's network belongs to gets it there, as containers or as a service of a swarm, each in its module of this folder. No other module
 * makes either.
 */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { explainFailures } from "../diagnosis";
import { typeToken } from "../naming";
import { DataVolume, Placed, Placing, WorkloadArgs } from "./args";
import { asContainers } from "./containers";
import { asService } from "./service";

export { File, FILES_PATH, Predecessor, PublishedPort, SECRETS_PATH, UID, WorkloadArgs } from "./args";

/** By what places it. */
const PLACEMENTS: Readonly<Record<"containers" | "swarm", (placing: Placing) => Placed>> = {
    containers: asContainers,
    swarm: asService,
};

export class Workload extends pulumi.ComponentResource {
    /** Name under which the others on the network reach the process. */
    readonly host: string;
    /** Name of its container, or its service, on the Docker host. */
    readonly nameOnHost: string;
    /** What it is made of. */
    readonly image: docker.RemoteImage;
    /** Known once the process can serve; in a preview at once. */
    readonly ready: pulumi.Output<unknown>;

    constructor(name: string, args: WorkloadArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Workload"), name, {}, opts);
        this.host = args.host;
        this.nameOnHost = args.network.nameOnHost(args.host);
        const patient = {
            name,
            containerName: this.nameOnHost,
            image: args.image.name,
            imageCure: args.image.cure,
            ports: args.ports ?? [],
            secrets: args.secretFiles.map(({ content }) => content),
            goBack: args.goBack,
            mender: args.mender,
        };
        const children = { parent: this, hooks: { onError: [explainFailures(patient, this)] } };

        this.image = new docker.RemoteImage(`${name}-image`, { name: args.image.name, keepLocally: true }, children);
        // Every process is made of the image, so that none is touched before it may be.
        const imageId = pulumi.all([this.image.imageId, args.precondition]).apply(([id]) => id);

        const volume = args.data && { name: this.volumeFor(name, args.data, children), data: args.data };

        const place = PLACEMENTS[args.network.engine];
        const { nameOnHost } = this;
        const placed = place({ name, args, nameOnHost, imageId, volume, patient, children, component: this });
        this.ready = pulumi.runtime.isDryRun() ? pulumi.output(undefined) : placed.id.apply(placed.whenReady);
        this.registerOutputs({ id: pulumi.all([placed.id, this.ready]).apply(([id]) => id) });
    }

    /** Makes the volume. @returns Its name, once it is where it should be. */
    private volumeFor(name: string, data: DataVolume, children: pulumi.CustomResourceOptions): pulumi.Output<string> {
        const volume = new docker.Volume(
            `${name}-data`,
            { name: `${this.nameOnHost}-data`, driverOpts: data.options },
            // A new label or driver option would replace the volume, and with it everything that people stored.
            { ...children, protect: data.keepData, ignoreChanges: ["labels", "driverOpts"] },
        );
        return pulumi.all([volume.name, volume.driverOpts]).apply(([made, options]) => {
            data.confirm?.(options);
            return made;
        });
    }
}
