/** Authelia: the portal where people sign in, and the OpenID Connect provider of a cloud. */
import * as pulumi from "@pulumi/pulumi";

import { Hosts } from "../../hosts";
import { Settings } from "../../settings";
import { User } from "../../settings/users";
import { AUTHELIA } from "../../versions";
import { Mender } from "../diagnosis";
import { InitialPassword } from "../initial-passwords";
import { LdapAccess } from "../ldap-access";
import { typeToken } from "../naming";
import { Network } from "../network";
import { RelyingApplication } from "../relying-party";
import { Secrets } from "../secrets";
import { GO_BACK, ReleaseToRun } from "../release-memory";
import { Guard, Site } from "../site";
import { File, FILES_PATH, Predecessor, SECRETS_PATH, Workload } from "../workload";
import { toYaml } from "../yaml";
import { PORTAL_PICTURES, portalFiles, portalWords } from "./looks";
import { changesStorageKey, previousKeyFile } from "./rekey";
import { AUTHELIA_DATA, authoritiesOf, passwordsOf, State } from "./state";
import {
    AUTHELIA_MEMORY,
    AUTHELIA_METRICS_PORT,
    AUTHELIA_PORT,
    autheliaConfiguration,
    autheliaSecretsFile,
    autheliaUsers,
    authorizationRewrites,
    FORWARD_AUTHENTICATION,
    NOTED_FIRST,
    passwordAfterPasskey,
    NOTIFICATIONS,
    pageGuard,
    PASSWORD_CHECKS,
    unguarded,
} from "./configuration";

export interface AutheliaArgs {
    readonly network: Network;
    readonly settings: Settings;
    readonly hosts: Hosts;
    readonly application: RelyingApplication;
    /** The LDAP server that people sign in from; a users file is written where there is none. */
    readonly ldap?: LdapAccess;
    /** Signs the links by which people set forgotten passwords, where they can; a secret. */
    readonly passwordResetSecret?: pulumi.Input<string>;
    readonly secrets: Pick<Secrets, "authelia" | "initialPasswords">;
    /** The servers of the stack in which it keeps what it has to remember. */
    readonly servers: NonNullable<State["servers"]>;
    /** Nothing is made or changed before this is known. */
    readonly precondition: pulumi.Input<unknown>;
    /** Authelia starts when these are ready: without its LDAP server it ends at once. */
    readonly after: readonly Predecessor[];
    /** How many there are at once; 1 by default. */
    readonly replicas?: number;
    readonly mender: Mender;
}

export class Authelia extends pulumi.ComponentResource {
    /** Name of its container on the Docker host. */
    readonly containerName: string;
    /** How the edge serves the portal. */
    readonly site: Site;
    /** Asks it whether a request may reach another site. */
    readonly guard: Guard;
    /** What it runs of. */
    readonly release: ReleaseToRun;

    constructor(name: string, args: AutheliaArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Authelia"), name, {}, opts);
        const { application, hosts, ldap, secrets, servers, settings } = args;
        const { database, sessions, smtp } = settings;
        const release = settings.images.authelia;
        const trusted: File[] = [
            ...(ldap?.authority === undefined ? [] : [{ name: "directory.pem", content: ldap.authority }]),
            ...(smtp?.authority === undefined ? [] : [{ name: "mail.pem", content: smtp.authority }]),
            ...authoritiesOf({ database, sessions, servers }),
        ];
        const configuration = autheliaConfiguration({
            settings,
            hosts,
            application,
            directory: ldap === undefined ? { usersFile: `${SECRETS_PATH}/users.yml` } : { ldap: ldap.directory },
            trustFolder: trusted.length === 0 ? undefined : FILES_PATH,
        });
        const secretsFile = pulumi
            .all([
                secrets.authelia,
                {
                    bindPassword: ldap?.password,
                    passwordResetSecret: args.passwordResetSecret,
                    smtpPassword: smtp?.password,
                    ...passwordsOf({ database, sessions, servers }),
                },
            ])
            .apply(([own, accounts]) => toYaml(autheliaSecretsFile(own, accounts)));
        // In order to take the database from an earlier key to the newest.
        const previousKeys = Array.from({ length: settings.rotations.storageEncryption - 1 }, (_, index): File => ({
            name: previousKeyFile(index + 1),
            content: pulumi
                .output(secrets.authelia)
                .apply(({ storageEncryptionKeys: keys }) => toYaml({ storage: { encryption_key: keys[index + 1] } })),
        }));
        const usersFile = pulumi
            .all([settings.users, secrets.initialPasswords])
            .apply(([users, initial]) =>
                toYaml(autheliaUsers(users.map((user) => ({ ...user, passwordDigest: digestOf(user, initial) })))),
            );
        const workload = new Workload(
            name,
            {
                host: "authelia",
                image: { name: release.image, cure: { set: ["images", "authelia"], to: AUTHELIA.image } },
                goBack: GO_BACK,
                precondition: args.precondition,
                environment: {
                    X_AUTHELIA_CONFIG: `${FILES_PATH}/configuration.yml,${SECRETS_PATH}/secrets.yml`,
                    // Go clears away what the last checks of passwords have used before it takes more than that.
                    GOMEMLIMIT: `${Math.floor(AUTHELIA_MEMORY * 0.8)}MiB`,
                },
                files: [
                    { name: "configuration.yml", content: toYaml(configuration) },
                    ...trusted,
                    ...portalFiles(settings.looks),
                ],
                secretFiles: [
                    { name: "secrets.yml", content: secretsFile },
                    ...previousKeys,
                    ...(ldap === undefined ? [{ name: "users.yml", content: usersFile }] : []),
                ],
                beforeStart:
                    previousKeys.length === 0
                        ? undefined
                        : changesStorageKey(`${name}-storage-key`, {
                              configuration: `${FILES_PATH}/configuration.yml`,
                              containerName: args.network.nameOnHost("authelia"),
                              image: release.image,
                              keys: pulumi.output(secrets.authelia).apply(({ storageEncryptionKeys }) => storageEncryptionKeys),
                          }),
                data: { path: AUTHELIA_DATA, keepData: settings.keepData },
                ready: `busybox wget -q -O /dev/null http://127.0.0.1:${AUTHELIA_PORT}/api/health`,
                memory: AUTHELIA_MEMORY,
                network: args.network,
                after: args.after,
                replicas: args.replicas,
                mender: args.mender,
            },
            { parent: this },
        );
        if (smtp === undefined) {
            void pulumi.log.info(
                `Mail is off: whoever enrols a second factor in the portal asks the operator for the one-time code. ` +
                    `docker exec ${workload.nameOnHost} cat ${NOTIFICATIONS}`,
                this,
            );
        }
        this.containerName = workload.nameOnHost;
        this.release = { server: AUTHELIA, release, image: workload.image };
        this.guard = pageGuard(workload.host);
        this.site = {
            host: hosts.auth,
            upstream: `${workload.host}:${AUTHELIA_PORT}`,
            rewrites: authorizationRewrites(application, release.line),
            closed: [FORWARD_AUTHENTICATION, ...unguarded(release.line), ...passwordAfterPasskey(settings.secondFactors)],
            preceded: NOTED_FIRST,
            queue: PASSWORD_CHECKS,
            members: portalWords(settings.looks),
            pictures: settings.looks.logo === undefined ? [] : PORTAL_PICTURES,
            metrics: { server: "authelia", upstream: `${workload.host}:${AUTHELIA_METRICS_PORT}` },
        };
        this.registerOutputs({ issuer: this.site.host.url });
    }
}

function digestOf({ name, passwordDigest }: pulumi.Unwrap<User>, initial: Readonly<Record<string, InitialPassword>>): string {
    const digest = passwordDigest ?? initial[name]?.digest;
    if (digest === undefined) {
        const reason = `user ${name} has neither a digest nor a generated password`;
        throw new pulumi.InputPropertyError({ propertyPath: "secrets", reason });
    }
    return digest;
}
