/** A whole cloud as one component: ownCloud Infinite Scale with single sign-on by Authelia behind a TLS edge, on a Docker host. */
import * as pulumi from "@pulumi/pulumi";

import { hostsOf } from "../hosts";
import { Given } from "../settings";
import { CommandLine } from "../settings/cure";
import { engineFaults } from "../settings/provider";
import { checkPrefix } from "../settings/prefix";
import { settingsOf } from "../settings/refusal";
import { describeUnrun } from "../versions";
import { accessPolicy, roleGroups, shutOut } from "./access";
import { Authelia } from "./authelia";
import { Certificates } from "./certificates";
import { Clamav } from "./clamav";
import { menderFor } from "./diagnosis";
import { earlierOutputs } from "./earlier-state";
import { Edge, namesOnDockerHost } from "./edge";
import { BLOBS, BUS, DATABASE, DIRECTORY, FirstChoice } from "./first-choice";
import { LdapAccess } from "./ldap-access";
import { typeToken } from "./naming";
import { Lldap } from "./lldap";
import { Network } from "./network";
import { Ocis } from "./ocis";
import { Postgres } from "./postgres";
import { Redis } from "./redis";
import { ocisRelyingApplication } from "./ocis/relying-parties";
import { rememberReleases } from "./release-memory";
import { Secrets } from "./secrets";
import { Tika } from "./tika";
import { UserNameMemory } from "./user-names";
import { Workload } from "./workload";

/**
 * The keys of the configuration, as docs/configuration.md describes them. They are plain values, because they decide which resources
 * there are; secrets among them (password digests, passwords, keys) may be outputs.
 */
export interface CloudArgs extends Given {
    /**
     * What every name of the cloud on the Docker host starts with: lower-case letters, digits and hyphens. Two clouds on one Docker host
     * need two. "<project>-<stack>" by default.
     */
    readonly prefix?: string;
    /** How a person changes the arguments, where they come from a stack's configuration: then errors name the commands that mend them. */
    readonly commandLine?: CommandLine;
}

/** A client of ownCloud, as registered in Authelia. */
export interface ClientId {
    readonly clientName: string;
    readonly clientId: string;
}

/** What is waited for of servers that a cloud may have. */
function workloadsOf(...servers: readonly ({ readonly workload: Workload } | undefined)[]): Workload[] {
    return servers.flatMap((server) => server?.workload ?? []);
}

export class Cloud extends pulumi.ComponentResource {
    /** Where people open their cloud. */
    readonly cloudUrl: pulumi.Output<string>;
    /** Where people sign in and manage their second factor. */
    readonly portalUrl: pulumi.Output<string>;
    /** The OpenID Connect issuer. */
    readonly issuer: pulumi.Output<string>;
    /** Root certificates that clients have to trust, PEM; undefined with public certificates. */
    readonly caCertificate: pulumi.Output<string | undefined>;
    /** Generated passwords by user name; a secret. */
    readonly initialPasswords: pulumi.Output<Record<string, string>>;
    /** Client ids of ownCloud's clients. */
    readonly clientIds: pulumi.Output<ClientId[]>;
    /** Releases of the servers. */
    readonly versions: pulumi.Output<{ authelia: string; ocis: string }>;
    /** Images that the containers run. */
    readonly images: pulumi.Output<{
        authelia: string;
        ocis: string;
        caddy: string;
        postgres?: string;
        redis?: string;
        lldap?: string;
        tika?: string;
        clamav?: string;
    }>;
    /** Names of the containers on the Docker host. */
    readonly containers: pulumi.Output<{
        authelia: string;
        ocis: string;
        edge: string;
        postgres?: string;
        redis?: string;
        lldap?: string;
        tika?: string;
        clamav?: string;
    }>;

    /** @throws pulumi.InputPropertiesError, or pulumi.RunError where there is a command line, that lists every fault of `args`. */
    constructor(name: string, args: CloudArgs, opts?: pulumi.ComponentResourceOptions) {
        const { prefix = `${pulumi.getProject()}-${pulumi.getStack()}`, commandLine, ...given } = args;
        const others = [...checkPrefix(args.prefix), ...engineFaults(pulumi.runtime.allConfig())];
        const settings = settingsOf(given, commandLine, others);
        super(typeToken("Cloud"), name, {}, opts);
        const hosts = hostsOf(settings);
        const mender = menderFor(commandLine);
        const application = ocisRelyingApplication(hosts.cloud.url, accessPolicy(settings.access), settings);
        // Until there was this component, its parts stood in the stack by themselves: a stack of that time keeps its volumes.
        const part = (before: string, alias: pulumi.Alias = {}, more: pulumi.ComponentResourceOptions = {}) => ({
            ...more,
            parent: this,
            aliases: [{ name: before, parent: pulumi.rootStackResource, ...alias }],
        });

        const certificates = new Certificates(
            `${name}-certificates`,
            { ...settings, hosts, generation: settings.rotations.privateAuthority },
            part("certificates"),
        );
        const secrets = new Secrets(
            `${name}-secrets`,
            {
                usersWithoutPassword: settings.users
                    .filter((user) => user.passwordDigest === undefined)
                    .map((user) => user.name),
                rotations: settings.rotations,
            },
            part("secrets", {}, { protect: settings.keepData }),
        );
        const remembered = { keepData: settings.keepData, mender, earlier: earlierOutputs(this) };
        const inDirectory = part("directory", { type: typeToken("Directory") });
        const { confirmed: directoryConfirmed } = new FirstChoice(
            `${name}-directory`,
            { ...DIRECTORY, ...remembered, value: settings.directory.mode },
            { ...inDirectory, aliases: [...inDirectory.aliases, { type: typeToken("DirectoryMode") }] },
        );
        // What there was no choice of in stacks that are older than the key, and the volume by which such a stack is known.
        const [ofAuthelia, ofOcis] = [`${name}-authelia-data`, `${name}-ocis-data`];
        const laterChoices = [
            { ...DATABASE, value: settings.database.mode, before: { value: "sqlite", volume: ofAuthelia } },
            { ...BLOBS, value: settings.storage.blobs.mode, before: { value: "files", volume: ofOcis } },
            { ...BUS, value: settings.bus.mode, before: { value: "own", volume: ofOcis } },
        ].map((choice) => new FirstChoice(`${name}-${choice.path.at(-2)}`, { ...choice, ...remembered }, { parent: this }));
        const choicesConfirmed = pulumi.all([directoryConfirmed, ...laterChoices.map(({ confirmed }) => confirmed)]);
        // After them nothing is left where one is refused, and by that the network goes in the same step as the volumes: the provider waits two
        // seconds for either. Source: kreuzwerker/docker, resourceDockerNetworkDelete; Pulumi's ScheduleDeletes.
        const network = new Network(
            `${name}-network`,
            { prefix, engine: settings.engine, precondition: choicesConfirmed },
            part("network"),
        );
        const { directory, engine } = settings;
        const replicas = engine.mode === "swarm" ? engine.replicas : undefined;
        const names =
            directory.mode === "authelia"
                ? new UserNameMemory(`${name}-user-names`, { users: settings.users, ...remembered }, { parent: this }).confirmed
                : pulumi.output({});
        const outside: LdapAccess | undefined =
            directory.mode === "ldap"
                ? { directory, password: directory.bindPassword, authority: directory.authority }
                : undefined;
        // Every container waits for the rules of all releases, which need the images of all servers.
        const [releasesConfirmed, confirmReleases] = pulumi.deferredOutput<unknown>();
        const precondition = pulumi.all([choicesConfirmed, names, releasesConfirmed]);
        const common = { network, settings, hosts, precondition, mender };
        const lldap = directory.mode === "lldap" ? new Lldap(`${name}-lldap`, common, { parent: this }) : undefined;
        const { images } = settings;
        const placed = { network, precondition, mender };
        const apart = { prefix, engine, precondition, mender };
        const tika = settings.fullTextSearch
            ? new Tika(`${name}-tika`, { ...apart, image: images.tika }, { parent: this })
            : undefined;
        const { antivirus } = settings;
        const clamav =
            antivirus.mode === "clamav"
                ? new Clamav(
                      `${name}-clamav`,
                      { ...apart, image: images.clamav, maxScanSize: antivirus.maxScanSize },
                      { parent: this },
                  )
                : undefined;
        const ocis = new Ocis(
            `${name}-ocis`,
            {
                ...common,
                roles: roleGroups(settings.access, directory.mode),
                shutOut: names.apply((known) => shutOut(settings.users, settings.access, known)),
                ldap: lldap?.access("ocis") ?? outside,
                trusted: certificates.trusted,
                namesOnDockerHost: namesOnDockerHost(settings.tls, hosts),
                secrets: secrets.ocis,
                after: workloadsOf(lldap, tika),
                furtherNetworks: [tika, clamav].flatMap((server) => server?.network ?? []),
                replicas: replicas?.ocis,
            },
            part("ocis"),
        );
        const postgres =
            settings.database.mode === "postgres"
                ? new Postgres(
                      `${name}-postgres`,
                      { ...placed, image: images.postgres, keepData: settings.keepData },
                      { parent: this },
                  )
                : undefined;
        const redis =
            settings.sessions.mode === "redis"
                ? new Redis(`${name}-redis`, { ...placed, image: images.redis }, { parent: this })
                : undefined;
        const authelia = new Authelia(
            `${name}-authelia`,
            {
                ...common,
                application,
                ldap: lldap?.access("authelia") ?? outside ?? ocis.ldap,
                passwordResetSecret: lldap?.passwordResetSecret,
                secrets,
                servers: { database: postgres, sessions: redis },
                after: [...ocis.ldapServers, ...workloadsOf(lldap, postgres, redis)],
                replicas: replicas?.authelia,
            },
            part("authelia"),
        );
        const edge = new Edge(
            `${name}-edge`,
            {
                network,
                settings,
                sites: [
                    authelia.site,
                    ocis.site,
                    ...(lldap === undefined || hosts.users === undefined ? [] : [lldap.site(hosts.users, authelia.guard)]),
                ],
                certificate: certificates.sites,
                replicas: replicas?.edge,
                precondition,
                mender,
            },
            part("edge"),
        );
        const releases = { authelia: authelia.release, ocis: ocis.release };
        const remembering = { parent: this, protect: settings.keepData };
        confirmReleases(rememberReleases(`${name}-releases`, releases, mender, remembering));
        for (const { server, release } of Object.values(releases)) {
            const notice = describeUnrun(server, release);
            if (notice !== undefined) {
                void pulumi.log.info(notice, this);
            }
        }

        this.cloudUrl = pulumi.output(hosts.cloud.url);
        this.portalUrl = pulumi.output(hosts.auth.url);
        this.issuer = pulumi.output(hosts.auth.url);
        this.caCertificate = pulumi.output(certificates.trusted);
        const passwords = pulumi
            .all([secrets.initialPasswords, { ...ocis.initialPasswords, ...lldap?.initialPasswords }])
            .apply(([initial, others]) => {
                const generated = Object.entries(initial).map(([user, { password }]) => [user, password] as const);
                return { ...Object.fromEntries(generated), ...others };
            });
        this.initialPasswords = pulumi.secret(passwords);
        this.clientIds = pulumi.output(
            application.relyingParties.map(({ clientId, clientName }) => ({ clientName, clientId })),
        );
        this.versions = pulumi.output({ authelia: images.authelia.version, ocis: images.ocis.version });
        this.images = pulumi.output({
            authelia: images.authelia.image,
            ocis: images.ocis.image,
            caddy: images.caddy,
            ...(postgres && { postgres: images.postgres }),
            ...(redis && { redis: images.redis }),
            ...(lldap && { lldap: images.lldap }),
            ...(tika && { tika: images.tika }),
            ...(clamav && { clamav: images.clamav }),
        });
        this.containers = pulumi.output({
            authelia: authelia.containerName,
            ocis: ocis.containerName,
            edge: edge.containerName,
            ...(postgres && { postgres: postgres.workload.nameOnHost }),
            ...(redis && { redis: redis.workload.nameOnHost }),
            ...(lldap && { lldap: lldap.workload.nameOnHost }),
            ...(tika && { tika: tika.workload.nameOnHost }),
            ...(clamav && { clamav: clamav.workload.nameOnHost }),
        });
        this.registerOutputs({
            cloudUrl: this.cloudUrl,
            portalUrl: this.portalUrl,
            issuer: this.issuer,
            caCertificate: this.caCertificate,
            initialPasswords: this.initialPasswords,
            clientIds: this.clientIds,
            versions: this.versions,
            images: this.images,
            containers: this.containers,
        });
    }
}
