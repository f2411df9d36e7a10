/** ownCloud Infinite Scale: the cloud itself, signing people in through an OpenID Connect provider. */
import * as pulumi from "@pulumi/pulumi";

import { Host } from "../../hosts";
import { AccessTokens } from "../../settings";
import { OcisLine, Release } from "../../versions";
import { CertificateAuthority } from "../certificates";
import { typeToken } from "../naming";
import { Network } from "../network";
import { OcisSecrets } from "../secrets";
import { Site } from "../site";
import { FILES_PATH, SECRETS_PATH, Workload } from "../workload";
import { toYaml } from "../yaml";
import { OCIS_DATA, OCIS_PORT, ocisContentSecurityPolicy, ocisEnvironment, ocisYaml, RoleGroups } from "./configuration";

export interface OcisArgs {
    readonly network: Network;
    readonly release: Release<OcisLine>;
    readonly host: Host;
    /** URL of the OpenID Connect provider, reached by this public name inside the network too. */
    readonly issuer: string;
    readonly accessTokens: AccessTokens;
    readonly roles?: RoleGroups;
    /** Whom to trust besides the public authorities. */
    readonly authority?: CertificateAuthority;
    readonly secrets: OcisSecrets;
    readonly keepData: boolean;
}

/**
 * Debug ports of what a sign-in needs: graph, frontend, users, storage-users, proxy, idm. The proxy's alone answers up to ten
 * seconds before the first sign-in would succeed. Source: run with oCIS 4.0.5, 5.0.9 and 7.0.0.
 */
const READY_PORTS = [9124, 9141, 9145, 9159, 9205, 9239];

export class Ocis extends pulumi.ComponentResource {
    /** How the edge serves ownCloud. */
    readonly site: Site;

    constructor(name: string, args: OcisArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Ocis"), name, {}, opts);
        const { authority, issuer, release } = args;
        // Go reads this file in the place of the system's bundle, and the folder of the system's certificates all the same.
        const trustBundle = authority === undefined ? undefined : `${FILES_PATH}/root.pem`;
        const workload = new Workload(
            name,
            {
                image: release.image,
                command: ["server"],
                environment: ocisEnvironment({
                    url: args.host.url,
                    issuer,
                    accessTokens: args.accessTokens,
                    roles: args.roles,
                    configDir: SECRETS_PATH,
                    cspFile: `${FILES_PATH}/csp.yaml`,
                    trustBundle,
                    line: release.line,
                }),
                files: [
                    { name: "csp.yaml", content: toYaml(ocisContentSecurityPolicy(issuer)) },
                    ...(authority === undefined ? [] : [{ name: "root.pem", content: authority.certificate }]),
                ],
                secretFiles: [
                    { name: "ocis.yaml", content: pulumi.output(args.secrets).apply((secrets) => toYaml(ocisYaml(secrets, args.roles))) },
                ],
                data: { path: OCIS_DATA, protect: args.keepData },
                ready: `wget -q -O /dev/null ${READY_PORTS.map((port) => `http://127.0.0.1:${port}/healthz`).join(" ")}`,
                // oCIS takes about 200 MiB after first use and sizes its heap by this limit; thumbnails and indexing need more.
                memory: 2048,
                network: args.network,
            },
            { parent: this },
        );
        this.site = { host: args.host, upstream: `${workload.host}:${OCIS_PORT}`, rewrites: [] };
        this.registerOutputs({ url: this.site.host.url });
    }
}

