/** The edge: Caddy, which ends TLS for both sites and is the only container that publishes ports. */
import * as pulumi from "@pulumi/pulumi";

import { Tls } from "../../settings";
import { CertificateAuthority } from "../certificates";
import { typeToken } from "../naming";
import { Network } from "../network";
import { Site } from "../site";
import { FILES_PATH, SECRETS_PATH, Workload } from "../workload";
import { caddyfile, HEALTH_ADDRESS } from "./caddyfile";

export interface EdgeArgs {
    readonly network: Network;
    readonly image: string;
    readonly sites: readonly Site[];
    /** Address of the Docker host on which the ports are published. */
    readonly address: string;
    readonly httpsPort: number;
    /** 0: no plain HTTP. */
    readonly httpPort: number;
    readonly tls: Tls;
    /** Needed with the mode "private-ca". */
    readonly authority?: CertificateAuthority;
    readonly keepData: boolean;
}

/** Not the image's /data, which belongs to root; see DataVolume. */
const DATA = "/var/lib/caddy";

const ROOT = { certificate: `${FILES_PATH}/root.pem`, key: `${SECRETS_PATH}/root.key` };

export class Edge extends pulumi.ComponentResource {
    constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Edge"), name, {}, opts);
        const { authority, tls } = args;
        if (tls.mode === "private-ca" && authority === undefined) {
            const reason = 'the mode "private-ca" needs an authority to issue certificates from';
            throw new pulumi.InputPropertyError({ propertyPath: "authority", reason });
        }
        new Workload(
            name,
            {
                image: args.image,
                command: ["caddy", "run", "--config", `${FILES_PATH}/Caddyfile`, "--adapter", "caddyfile"],
                // Certificates and the ACME account live below the first; nothing is kept below the second. What a private
                // authority issues is made anew at each start: kept, it would outlive a changed root and verify nowhere.
                environment: { XDG_DATA_HOME: tls.mode === "private-ca" ? "/tmp" : DATA, XDG_CONFIG_HOME: "/tmp" },
                files: [
                    { name: "Caddyfile", content: caddyfile({ ...args, root: ROOT }) },
                    ...(authority === undefined ? [] : [{ name: "root.pem", content: authority.certificate }]),
                ],
                secretFiles: authority === undefined ? [] : [{ name: "root.key", content: authority.privateKey }],
                data: { path: DATA, protect: args.keepData },
                ready: `wget -q -O /dev/null http://${HEALTH_ADDRESS}`,
                memory: 256,
                network: args.network,
                // Both public names lead to the edge inside the network too, so that a URL means the same on both sides.
                aliases: args.sites.map(({ host }) => host.name),
                ports: [args.httpsPort, args.httpPort]
                    .filter((port) => port !== 0)
                    .map((port) => ({ address: args.address, port })),
                // The official image's binary carries this capability as a file attribute: without it the kernel refuses to
                // execute the file at all.
                capabilities: ["CAP_NET_BIND_SERVICE"],
            },
            { parent: this },
        );
        this.registerOutputs({});
    }
}
