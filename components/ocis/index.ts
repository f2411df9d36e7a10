/** ownCloud Infinite Scale: the cloud itself, signing people in through an OpenID Connect provider. */
import * as pulumi from "@pulumi/pulumi";

import { Host } from "../../hosts";
import { AccessTokens, Smtp } from "../../settings";
import { OcisLine, Release } from "../../versions";
import { Directory } from "../directory";
import { typeToken } from "../naming";
import { Network } from "../network";
import { OcisSecrets } from "../secrets";
import { Site } from "../site";
import { FILES_PATH, SECRETS_PATH, Workload } from "../workload";
import { toYaml } from "../yaml";
import {
    OCIS_DATA,
    OCIS_PORT,
    ocisContentSecurityPolicy,
    OcisDirectory,
    ocisEnvironment,
    ocisYaml,
    RoleGroups,
} from "./configuration";

export interface OcisArgs {
    readonly network: Network;
    readonly release: Release<OcisLine>;
    readonly host: Host;
    /** URL of the OpenID Connect provider, reached by this public name inside the network too. */
    readonly issuer: string;
    readonly accessTokens: AccessTokens;
    /** People may make tokens for programs that know no OpenID Connect. */
    readonly appTokens: boolean;
    readonly roles?: RoleGroups;
    readonly directory: Directory;
    /** Undefined: mail is off. */
    readonly smtp?: Smtp;
    /** Root certificates to trust besides the public authorities', PEM. */
    readonly trusted?: pulumi.Input<string>;
    /** Public names that lead to the Docker host. */
    readonly namesOnDockerHost: readonly string[];
    readonly secrets: OcisSecrets;
    readonly keepData: boolean;
}

/**
 * Debug ports of what a sign-in needs: graph, frontend, users, storage-users, proxy. The proxy's alone answers up to ten
 * seconds before the first sign-in would succeed. Source: run with oCIS 4.0.5, 5.0.9 and 7.0.0.
 */
const READY_PORTS = [9124, 9141, 9145, 9159, 9205];

/** Debug port of oCIS's own directory, where that runs. */
const IDM_READY_PORT = 9239;

/** Files of an LDAP connection: whom to trust, and the key of oCIS's own directory. */
const DIRECTORY_CERTIFICATE = "directory.pem";
const DIRECTORY_KEY = "directory.key";

function ocisDirectory({ mode, ldap }: Directory): OcisDirectory {
    const certificateFile = `${FILES_PATH}/${DIRECTORY_CERTIFICATE}`;
    if (ldap === undefined || mode === "authelia") {
        return { mode: "authelia" };
    }
    return mode === "ocis"
        ? { mode, certificateFile, keyFile: `${SECRETS_PATH}/${DIRECTORY_KEY}` }
        : { mode, ldap: ldap.directory, trustFile: ldap.authority === undefined ? undefined : certificateFile };
}

/** Certificates, PEM, as one text. */
function joined(certificates: readonly pulumi.Input<string>[]): pulumi.Output<string> {
    return pulumi.all([...certificates]).apply((texts) => texts.map((text) => `${text.trimEnd()}\n`).join(""));
}

export class Ocis extends pulumi.ComponentResource {
    /** How the edge serves ownCloud. */
    readonly site: Site;
    /** The LDAP servers of the stack: oCIS in the mode "ocis", else none. */
    readonly ldapServers: readonly Workload[];

    constructor(name: string, args: OcisArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Ocis"), name, {}, opts);
        const { directory, issuer, release, smtp } = args;
        const readyPorts = [...READY_PORTS, ...(directory.mode === "ldap" ? [] : [IDM_READY_PORT])];
        const roots = [args.trusted, smtp?.authority].filter((root) => root !== undefined);
        // Go reads this file in the place of the system's bundle, and the folder of the system's certificates all the same.
        const trustBundle = roots.length === 0 ? undefined : `${FILES_PATH}/root.pem`;
        const workload = new Workload(
            name,
            {
                image: directory.onceConfirmed(release.image),
                command: ["server"],
                environment: ocisEnvironment({
                    url: args.host.url,
                    issuer,
                    accessTokens: args.accessTokens,
                    appTokens: args.appTokens,
                    roles: args.roles,
                    directory: ocisDirectory(directory),
                    smtp,
                    configDir: SECRETS_PATH,
                    cspFile: `${FILES_PATH}/csp.yaml`,
                    trustBundle,
                    line: release.line,
                }),
                files: [
                    { name: "csp.yaml", content: toYaml(ocisContentSecurityPolicy(issuer)) },
                    ...(roots.length === 0 ? [] : [{ name: "root.pem", content: joined(roots) }]),
                    ...(directory.ldap?.authority === undefined
                        ? []
                        : [{ name: DIRECTORY_CERTIFICATE, content: directory.ldap.authority }]),
                ],
                secretFiles: [
                    {
                        name: "ocis.yaml",
                        content: pulumi
                            .output({
                                secrets: args.secrets,
                                bindPassword: directory.mode === "ldap" ? directory.ldap?.password : undefined,
                                smtpPassword: smtp?.password,
                            })
                            .apply(({ secrets, ...accounts }) => toYaml(ocisYaml(secrets, args.roles, accounts))),
                    },
                    ...(directory.certificate === undefined
                        ? []
                        : [{ name: DIRECTORY_KEY, content: directory.certificate.privateKey }]),
                ],
                data: { path: OCIS_DATA, protect: args.keepData },
                ready: `wget -q -O /dev/null ${readyPorts.map((port) => `http://127.0.0.1:${port}/healthz`).join(" ")}`,
                // oCIS takes about 200 MiB after first use and sizes its heap by this limit; thumbnails and indexing need more.
                memory: 2048,
                network: args.network,
                namesOnDockerHost: args.namesOnDockerHost,
            },
            { parent: this },
        );
        if (args.roles === undefined && directory.mode !== "ocis") {
            void pulumi.log.info(
                "Nobody administers ownCloud, because access.administrators names no group: see docs/production.md, " +
                    '"Administrators".',
                this,
            );
        }
        this.ldapServers = directory.mode === "ocis" ? [workload] : [];
        this.site = { host: args.host, upstream: `${workload.host}:${OCIS_PORT}`, rewrites: [] };
        this.registerOutputs({ url: this.site.host.url });
    }
}
