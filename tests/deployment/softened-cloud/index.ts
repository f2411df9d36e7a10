/** A cloud as somebody may soften it who adds to the program: every policy of the pack is broken once. */
import * as pulumi from "@pulumi/pulumi";

import { Cloud, CloudArgs } from "../../../components/cloud";

const soften: pulumi.ResourceTransform = ({ type, name, props, opts }) => {
    if (type === "docker:index/container:Container" && name === "cloud-ocis") {
        return {
            props: { ...props, capabilities: undefined, user: "root", ports: [{ internal: 9200, external: 9200 }] },
            opts,
        };
    }
    if (type === "docker:index/remoteImage:RemoteImage" && name === "cloud-edge-image") {
        return { props: { ...props, name: "caddy:latest" }, opts };
    }
    return undefined;
};

new Cloud("cloud", new pulumi.Config().requireObject<CloudArgs>("args"), { transforms: [soften] });
