/** The edge: Caddy, which serves both sites, ends TLS for them, and is the only container that publishes ports. */
import * as pulumi from "@pulumi/pulumi";

import { Hosts } from "../../hosts";
import { Settings } from "../../settings";
import { Tls } from "../../settings/tls";
import { CADDY_IMAGE } from "../../versions";
import { CertificateWithKey } from "../certificates";
import { Mender } from "../diagnosis";
import { typeToken } from "../naming";
import { Network } from "../network";
import { Site } from "../site";
import { File, FILES_PATH, PublishedPort, SECRETS_PATH, Workload } from "../workload";
import { noticeHiddenAddresses } from "./addresses";
import { caddyfile, HEALTH_ADDRESS, METRICS_ADDRESS } from "./caddyfile";
import { SecondPorts, secondPorts } from "./second-address";

export interface EdgeArgs {
    readonly network: Network;
    readonly settings: Settings;
    readonly sites: readonly Site[];
    /** What both sites serve; needed with the modes "private-ca" and "files". */
    readonly certificate?: CertificateWithKey;
    /** How many there are at once; 1 by default. */
    readonly replicas?: number;
    /** Nothing is made or changed before this is known. */
    readonly precondition: pulumi.Input<unknown>;
    readonly mender: Mender;
}

/** Not the image's /data, which belongs to root; see DataVolume. */
const DATA = "/var/lib/caddy";

/** Root of the authority that is asked by ACME. */
const ROOT = `${FILES_PATH}/root.pem`;

const CERTIFICATE = { certificate: `${FILES_PATH}/certificate.pem`, key: `${SECRETS_PATH}/certificate.key` };

/**
 * Public names that containers find on the Docker host: those that a proxy in front serves there. In every other mode the names
 * lead to the edge inside the network, so that a URL means the same everywhere.
 */
export function namesOnDockerHost(tls: Tls, hosts: Hosts): string[] {
    return tls.mode === "none" ? [hosts.auth.name, hosts.cloud.name] : [];
}

/** What the edge reads besides its Caddyfile: what it serves, with the key, and whom it trusts. */
function certificateFiles(tls: Tls, served?: CertificateWithKey): { files: File[]; secretFiles: File[] } {
    if (served !== undefined) {
        return {
            files: [{ name: "certificate.pem", content: served.certificate }],
            secretFiles: [{ name: "certificate.key", content: served.privateKey }],
        };
    }
    const root = tls.mode === "acme" ? tls.authority : undefined;
    return { files: root === undefined ? [] : [{ name: "root.pem", content: root }], secretFiles: [] };
}

/** The ports that the edge publishes at an address, each with what moves it elsewhere. */
function portsAt(address: string, { httpsPort, httpPort, http3, tls }: Settings, inside?: SecondPorts): PublishedPort[] {
    const at = (port: number, to?: number) => ({ address, port, ...(to === undefined ? {} : { inside: to }) });
    const plain = { ...at(httpPort, inside?.http), cure: { set: ["httpPort"], to: tls.mode === "none" ? 8081 : 0 } };
    const https = { ...at(httpsPort, inside?.https), cure: { set: ["httpsPort"], to: 9443 } };
    const quic = { ...at(httpsPort, inside?.https), protocol: "udp" as const, cure: { set: ["http3"], to: false } };
    return [...(tls.mode === "none" ? [] : [https, ...(http3 ? [quic] : [])]), ...(httpPort === 0 ? [] : [plain])];
}

/**
 * Every port that the edge publishes. With a second address in the order of the container's ports, as the provider reads them back: at a
 * refresh it takes addresses by their place in the list, and would see a change. Source: run with @pulumi/docker 5.2.0;
 * kreuzwerker/docker 4.5.0, flattenContainerPorts.
 */
export function publishedPorts(settings: Settings): PublishedPort[] {
    const { address, secondAddress, metricsPort } = settings;
    const second = secondPorts(settings);
    const metrics = { address: METRICS_ADDRESS, port: metricsPort, cure: { set: ["metricsPort"], to: 9465 } };
    const first = [...portsAt(address, settings), ...(metricsPort === 0 ? [] : [metrics])];
    if (second === undefined) {
        return first;
    }
    const inside = ({ port, inside = port }: PublishedPort) => inside;
    return [...first, ...portsAt(secondAddress, settings, second)].sort((a, b) => inside(a) - inside(b));
}

export class Edge extends pulumi.ComponentResource {
    /** Name of its container on the Docker host. */
    readonly containerName: string;

    constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Edge"), name, {}, opts);
        const { certificate, settings } = args;
        const { tls } = settings;
        if ((tls.mode === "private-ca" || tls.mode === "files") && certificate === undefined) {
            const reason = `the mode "${tls.mode}" needs a certificate to serve`;
            throw new pulumi.InputPropertyError({ propertyPath: "certificate", reason });
        }
        const { files, secretFiles } = certificateFiles(tls, certificate);
        const workload = new Workload(
            name,
            {
                host: "edge",
                image: { name: settings.images.caddy, cure: { set: ["images", "caddy"], to: CADDY_IMAGE } },
                precondition: args.precondition,
                command: ["caddy", "run", "--config", `${FILES_PATH}/Caddyfile`, "--adapter", "caddyfile"],
                // Certificates and the ACME account live below the first; nothing is kept below the second.
                environment: { XDG_DATA_HOME: DATA, XDG_CONFIG_HOME: "/tmp" },
                files: [
                    {
                        name: "Caddyfile",
                        content: caddyfile({ settings, sites: args.sites, root: ROOT, certificate: CERTIFICATE }),
                    },
                    ...files,
                ],
                secretFiles,
                data: { path: DATA, keepData: settings.keepData },
                ready: `busybox wget -q -O /dev/null http://${HEALTH_ADDRESS}`,
                memory: 256,
                network: args.network,
                aliases: tls.mode === "none" ? [] : args.sites.map(({ host }) => host.name),
                ports: publishedPorts(settings),
                replicas: args.replicas,
                // The official image's binary carries this capability as a file attribute: without it the kernel refuses to
                // execute the file at all.
                capabilities: ["CAP_NET_BIND_SERVICE"],
                mender: args.mender,
            },
            { parent: this },
        );
        void noticeHiddenAddresses(settings, this);
        this.containerName = workload.nameOnHost;
        this.registerOutputs({});
    }
}
