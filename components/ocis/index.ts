/** ownCloud Infinite Scale: the cloud itself, signing people in through an OpenID Connect provider. */
import * as pulumi from "@pulumi/pulumi";

import { Hosts } from "../../hosts";
import { Settings } from "../../settings";
import { placeOf, volumeOptions } from "../../settings/storage";
import { OCIS } from "../../versions";
import { RoleGroups } from "../access";
import { serverCertificate } from "../certificates";
import { failure, Mender } from "../diagnosis";
import { FILES, refusal } from "../first-choice";
import { LdapAccess } from "../ldap-access";
import { typeToken } from "../naming";
import { Network } from "../network";
import { OcisSecrets } from "../secrets";
import { GO_BACK, ReleaseToRun } from "../release-memory";
import { Site } from "../site";
import { FILES_PATH, Predecessor, SECRETS_PATH, Workload } from "../workload";
import { toYaml } from "../yaml";
import { antivirusScripts } from "./antivirus";
import { startBeside } from "./beside";
import { busFiles, busStart } from "./bus";
import { WEB_PICTURES, webFiles } from "./looks";
import { officeBranches, officeScripts } from "./office";
import {
    OCIS_DATA,
    OCIS_DATA_GATEWAY,
    OCIS_METRICS_PORT,
    OCIS_PORT,
    ocisClosed,
    ocisContentSecurityPolicy,
    OcisDirectory,
    ocisEnvironment,
    ocisLdapDirectory,
    ocisYaml,
    roleValues,
    Sharing,
} from "./configuration";
import { searchScript } from "./search";

export interface OcisArgs {
    readonly network: Network;
    readonly settings: Settings;
    /** Authelia's is the issuer, which is reached by its public name inside the network too. */
    readonly hosts: Hosts;
    readonly roles?: RoleGroups;
    /** Names of people who live in the configuration, or have lived there, and must not get in. */
    readonly shutOut: pulumi.Output<readonly string[]>;
    /** The LDAP server that is not oCIS's own, where users live in one. */
    readonly ldap?: LdapAccess;
    /** Root certificates to trust besides the public authorities', PEM. */
    readonly trusted?: pulumi.Input<string>;
    /** Public names that lead to the Docker host. */
    readonly namesOnDockerHost: readonly string[];
    readonly secrets: OcisSecrets;
    /** Servers of the cloud that it asks: it starts when they are ready. */
    readonly after: readonly Predecessor[];
    /** Networks besides the cloud's own on which they are. */
    readonly furtherNetworks: readonly Network[];
    /** How many there are at once, beside one that keeps shares; by default one process does all. */
    readonly replicas?: number;
    /** Nothing is made or changed before this is known. */
    readonly precondition: pulumi.Input<unknown>;
    readonly mender: Mender;
}

/** Name on the network. */
const HOST = "ocis";

/** The same of the process that keeps shares, where there are several others. */
const SHARES_HOST = "ocis-shares";

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

/** What oCIS is told about the directory, with the paths of the certificates in its container. */
function ocisDirectory(
    { mode }: Settings["directory"],
    ldap: LdapAccess | undefined,
    shutOut: readonly string[],
): OcisDirectory {
    const certificateFile = `${FILES_PATH}/${DIRECTORY_CERTIFICATE}`;
    if (mode === "ocis") {
        return { mode, certificateFile, keyFile: `${SECRETS_PATH}/${DIRECTORY_KEY}` };
    }
    return ldap === undefined
        ? { mode: "authelia", shutOut }
        : { mode: "ldap", ldap: ldap.directory, trustFile: ldap.authority === undefined ? undefined : certificateFile };
}

/** Certificates, PEM, as one text. */
function joined(certificates: readonly pulumi.Input<string>[]): pulumi.Output<string> {
    return pulumi.all([...certificates]).apply((texts) => texts.map((text) => `${text.trimEnd()}\n`).join(""));
}

export class Ocis extends pulumi.ComponentResource {
    /** Name of its container on the Docker host. */
    readonly containerName: string;
    /** How the edge serves ownCloud. */
    readonly site: Site;
    /** What it runs of. */
    readonly release: ReleaseToRun;
    /** oCIS's own directory for others to read, in the mode "ocis". */
    readonly ldap?: LdapAccess;
    /** The LDAP servers of the cloud: oCIS in the mode "ocis", else none. */
    readonly ldapServers: readonly Predecessor[];
    /** Passwords of the people whom oCIS itself puts into its directory, by name; secrets. */
    readonly initialPasswords: Readonly<Record<string, pulumi.Output<string>>>;

    constructor(name: string, args: OcisArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Ocis"), name, {}, opts);
        const { hosts, ldap, secrets, settings } = args;
        const {
            smtp,
            storage: { blobs, files },
        } = settings;
        const issuer = hosts.auth.url;
        const { antivirus, bus, office } = settings;
        const beside = [...officeScripts(office), ...antivirusScripts(antivirus)];
        const { mode } = settings.directory;
        const own = mode === "ocis" ? serverCertificate(`${name}-directory`, HOST, { parent: this }, ["localhost"]) : undefined;
        const directoryAuthority = own?.certificate ?? ldap?.authority;
        const readyPorts = [...READY_PORTS, ...(ldap === undefined ? [IDM_READY_PORT] : [])];
        const roles = roleValues(args.roles, settings);
        const bucket = blobs.mode === "s3" ? blobs : undefined;
        const onBus = bus.mode === "nats" ? bus : undefined;
        const ofOffice = office.mode === "none" ? undefined : office.authority;
        const roots = [args.trusted, smtp?.authority, bucket?.authority, onBus?.authority, ofOffice].filter(
            (root) => root !== undefined,
        );
        // Go reads this file in the place of the system's bundle, and the folder of the system's certificates all the same.
        const trustBundle = roots.length === 0 ? undefined : `${FILES_PATH}/root.pem`;
        const yaml = pulumi
            .all([
                secrets,
                {
                    bindPassword: ldap?.password,
                    smtpPassword: smtp?.password,
                    accessKey: bucket?.accessKey,
                    secretKey: bucket?.secretKey,
                },
            ])
            .apply(([values, accounts]) =>
                toYaml(ocisYaml(values, settings.images.ocis.line, roles, accounts, settings.quotas, settings.looks)),
            );
        const server = (resource: string, host: string, replicas?: number, sharing?: Sharing) =>
            new Workload(
                resource,
                {
                    host,
                    replicas,
                    image: { name: settings.images.ocis.image, cure: { set: ["images", "ocis"], to: OCIS.image } },
                    goBack: GO_BACK,
                    precondition: args.precondition,
                    ...startBeside(beside, busStart(bus, searchScript(settings.fullTextSearch))),
                    environment: args.shutOut.apply((names) =>
                        ocisEnvironment({
                            url: hosts.cloud.url,
                            issuer,
                            settings,
                            roles,
                            directory: ocisDirectory(settings.directory, ldap, names),
                            configDir: SECRETS_PATH,
                            cspFile: `${FILES_PATH}/csp.yaml`,
                            trustBundle,
                            sharing,
                        }),
                    ),
                    files: [
                        {
                            name: "csp.yaml",
                            content: toYaml(ocisContentSecurityPolicy(issuer, settings.images.ocis.line, office)),
                        },
                        ...(roots.length === 0 ? [] : [{ name: "root.pem", content: joined(roots) }]),
                        ...(directoryAuthority === undefined
                            ? []
                            : [{ name: DIRECTORY_CERTIFICATE, content: directoryAuthority }]),
                        ...webFiles(settings.looks),
                    ],
                    secretFiles: [
                        { name: "ocis.yaml", content: yaml },
                        ...busFiles(bus),
                        ...(own === undefined ? [] : [{ name: DIRECTORY_KEY, content: own.privateKey }]),
                    ],
                    data: {
                        path: OCIS_DATA,
                        // That of the one with shares is the same place, and is not there on one machine.
                        keepData: settings.keepData && sharing !== "here",
                        options: volumeOptions(files),
                        confirm: (options) => {
                            const place = placeOf(options);
                            if (place !== files) {
                                throw failure(refusal(FILES, place, files, args.mender));
                            }
                        },
                    },
                    ready: `busybox wget -q -O /dev/null ${readyPorts.map((port) => `http://127.0.0.1:${port}/healthz`).join(" ")}`,
                    // oCIS takes about 200 MiB after first use and sizes its heap by this limit; thumbnails and indexing need more.
                    memory: 2048,
                    network: args.network,
                    furtherNetworks: args.furtherNetworks,
                    after: args.after,
                    namesOnDockerHost: args.namesOnDockerHost,
                    mender: args.mender,
                },
                { parent: this },
            );
        const { replicas } = args;
        const workload = replicas === undefined ? server(name, HOST) : server(name, HOST, replicas, { host: SHARES_HOST });
        if (replicas !== undefined) {
            server(`${name}-shares`, SHARES_HOST, 1, "here");
        }
        if (mode !== "ocis" && (args.roles?.administrators ?? []).length === 0) {
            void pulumi.log.info(
                "Nobody administers ownCloud, because access.administrators names no group: see docs/production.md, " +
                    '"Administrators".',
                this,
            );
        }
        this.ldap = own && {
            directory: ocisLdapDirectory(workload.host),
            password: secrets.idpPassword,
            authority: own.certificate,
        };
        this.ldapServers = mode === "ocis" ? [workload] : [];
        this.initialPasswords = mode === "ocis" ? { admin: secrets.adminPassword } : {};
        this.containerName = workload.nameOnHost;
        this.release = { server: OCIS, release: settings.images.ocis, image: workload.image };
        this.site = {
            host: hosts.cloud,
            upstream: `${workload.host}:${OCIS_PORT}`,
            // Where an upload by tus goes on: the one thing that a client is told of it.
            inside: OCIS_DATA_GATEWAY,
            rewrites: [],
            metrics: { server: "ocis", upstream: `${workload.host}:${OCIS_METRICS_PORT}` },
            closed: ocisClosed(settings.images.ocis.line),
            branches: officeBranches(office, workload.host),
            pictures: settings.looks.logo === undefined ? [] : WEB_PICTURES,
        };
        this.registerOutputs({ url: this.site.host.url });
    }
}
