/** The edge: Caddy, which serves both sites, ends TLS for them, and is the only container that publishes ports. */
import * as pulumi from "@pulumi/pulumi";

import { Hosts } from "../../hosts";
import { Tls } from "../../settings";
import { CertificateAuthority } from "../certificates";
import { typeToken } from "../naming";
import { Network } from "../network";
import { Site } from "../site";
import { File, FILES_PATH, PublishedPort, SECRETS_PATH, Workload } from "../workload";
import { caddyfile, HEALTH_ADDRESS } from "./caddyfile";

export interface EdgeArgs {
    readonly network: Network;
    readonly image: string;
    readonly sites: readonly Site[];
    /** Address of the Docker host on which the ports are published. */
    readonly address: string;
    /** Not published in the mode "none", where it is the proxy's. */
    readonly httpsPort: number;
    /** 0: no plain HTTP. */
    readonly httpPort: number;
    /** Publish the port for HTTPS by UDP too. */
    readonly http3: boolean;
    readonly tls: Tls;
    /** Needed with the mode "private-ca". */
    readonly authority?: CertificateAuthority;
    readonly keepData: boolean;
}

/** Not the image's /data, which belongs to root; see DataVolume. */
const DATA = "/var/lib/caddy";

const ROOT = { certificate: `${FILES_PATH}/root.pem`, key: `${SECRETS_PATH}/root.key` };

const CERTIFICATE = { certificate: `${FILES_PATH}/certificate.pem`, key: `${SECRETS_PATH}/certificate.key` };

/**
 * Public names that containers find on the Docker host: those that a proxy in front serves there. In every other mode the names
 * lead to the edge inside the network, so that a URL means the same everywhere.
 */
export function namesOnDockerHost(tls: Tls, hosts: Hosts): string[] {
    return tls.mode === "none" ? [hosts.auth.name, hosts.cloud.name] : [];
}

/** What the edge reads besides its Caddyfile: root certificates, and its own certificate with the key. */
function certificateFiles(tls: Tls, authority?: CertificateAuthority): { files: File[]; secretFiles: File[] } {
    if (tls.mode === "files") {
        const files = [{ name: "certificate.pem", content: tls.certificate }];
        return { files, secretFiles: [{ name: "certificate.key", content: tls.key }] };
    }
    if (authority !== undefined) {
        const files = [{ name: "root.pem", content: authority.certificate }];
        return { files, secretFiles: [{ name: "root.key", content: authority.privateKey }] };
    }
    const root = tls.mode === "acme" ? tls.authority : undefined;
    return { files: root === undefined ? [] : [{ name: "root.pem", content: root }], secretFiles: [] };
}

function publishedPorts({ address, httpsPort, httpPort, http3, tls }: EdgeArgs): PublishedPort[] {
    const plain = httpPort === 0 ? [] : [{ address, port: httpPort }];
    if (tls.mode === "none") {
        return plain;
    }
    return [{ address, port: httpsPort }, ...(http3 ? [{ address, port: httpsPort, protocol: "udp" } as const] : []), ...plain];
}

export class Edge extends pulumi.ComponentResource {
    constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Edge"), name, {}, opts);
        const { authority, tls } = args;
        if (tls.mode === "private-ca" && authority === undefined) {
            const reason = 'the mode "private-ca" needs an authority to issue certificates from';
            throw new pulumi.InputPropertyError({ propertyPath: "authority", reason });
        }
        const { files, secretFiles } = certificateFiles(tls, authority);
        new Workload(
            name,
            {
                image: args.image,
                command: ["caddy", "run", "--config", `${FILES_PATH}/Caddyfile`, "--adapter", "caddyfile"],
                // Certificates and the ACME account live below the first; nothing is kept below the second. What a private
                // authority issues is made anew at each start: kept, it would outlive a changed root and verify nowhere.
                environment: { XDG_DATA_HOME: tls.mode === "private-ca" ? "/tmp" : DATA, XDG_CONFIG_HOME: "/tmp" },
                files: [{ name: "Caddyfile", content: caddyfile({ ...args, root: ROOT, certificate: CERTIFICATE }) }, ...files],
                secretFiles,
                data: { path: DATA, protect: args.keepData },
                ready: `wget -q -O /dev/null http://${HEALTH_ADDRESS}`,
                memory: 256,
                network: args.network,
                aliases: tls.mode === "none" ? [] : args.sites.map(({ host }) => host.name),
                ports: publishedPorts(args),
                // The official image's binary carries this capability as a file attribute: without it the kernel refuses to
                // execute the file at all.
                capabilities: ["CAP_NET_BIND_SERVICE"],
            },
            { parent: this },
        );
        this.registerOutputs({});
    }
}
