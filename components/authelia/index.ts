/** Authelia: the portal where people sign in, and the OpenID Connect provider of the stack. */
import * as pulumi from "@pulumi/pulumi";

import { Hosts } from "../../hosts";
import { Smtp, User } from "../../settings";
import { AutheliaLine, Release } from "../../versions";
import { Directory } from "../directory";
import { nameOnHost, typeToken } from "../naming";
import { Network } from "../network";
import { RelyingApplication } from "../relying-party";
import { AutheliaSecrets, InitialPassword } from "../secrets";
import { Site } from "../site";
import { File, FILES_PATH, SECRETS_PATH, Workload } from "../workload";
import { toYaml } from "../yaml";
import {
    AUTHELIA_DATA,
    AUTHELIA_PORT,
    autheliaConfiguration,
    autheliaSecrets,
    autheliaUsers,
    authorizationRewrites,
    NOTIFICATIONS,
} from "./configuration";

export interface AutheliaArgs {
    readonly network: Network;
    readonly release: Release<AutheliaLine>;
    readonly domain: string;
    readonly hosts: Hosts;
    readonly application: RelyingApplication;
    readonly directory: Directory;
    /** Written into a users file where the directory is not an LDAP server. */
    readonly users: readonly User[];
    /** Of the users without a digest, by name. */
    readonly initialPasswords: Readonly<Record<string, InitialPassword>>;
    readonly secrets: AutheliaSecrets;
    /** Undefined: mail is off. */
    readonly smtp?: Smtp;
    /** Authelia starts when these are ready: without its LDAP server it ends at once. */
    readonly after: readonly Workload[];
    readonly keepData: boolean;
}

export class Authelia extends pulumi.ComponentResource {
    /** How the edge serves the portal. */
    readonly site: Site;

    constructor(name: string, args: AutheliaArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Authelia"), name, {}, opts);
        const { ldap } = args.directory;
        const { smtp } = args;
        const trusted: File[] = [
            ...(ldap?.authority === undefined ? [] : [{ name: "directory.pem", content: ldap.authority }]),
            ...(smtp?.authority === undefined ? [] : [{ name: "mail.pem", content: smtp.authority }]),
        ];
        const users = args.users.map((user) => ({
            ...user,
            passwordDigest: user.passwordDigest ?? digestOf(user, args.initialPasswords),
        }));
        const workload = new Workload(
            name,
            {
                image: args.directory.onceConfirmed(args.release.image),
                environment: { X_AUTHELIA_CONFIG: `${FILES_PATH}/configuration.yml,${SECRETS_PATH}/secrets.yml` },
                files: [
                    {
                        name: "configuration.yml",
                        content: toYaml(
                            autheliaConfiguration({
                                ...args,
                                line: args.release.line,
                                directory:
                                    ldap === undefined ? { usersFile: `${SECRETS_PATH}/users.yml` } : { ldap: ldap.directory },
                                trustFolder: trusted.length === 0 ? undefined : FILES_PATH,
                            }),
                        ),
                    },
                    ...trusted,
                ],
                secretFiles: [
                    {
                        name: "secrets.yml",
                        content: pulumi
                            .output({ ...args.secrets, bindPassword: ldap?.password, smtpPassword: smtp?.password })
                            .apply((secrets) => toYaml(autheliaSecrets(secrets))),
                    },
                    ...(ldap === undefined
                        ? [
                              {
                                  name: "users.yml",
                                  content: pulumi.output(users).apply((entries) => toYaml(autheliaUsers(entries))),
                              },
                          ]
                        : []),
                ],
                data: { path: AUTHELIA_DATA, protect: args.keepData },
                ready: `wget -q -O /dev/null http://127.0.0.1:${AUTHELIA_PORT}/api/health`,
                // One sign-in with an argon2id digest takes 64 MiB for 0.2 s; the server itself about 90.
                memory: 512,
                network: args.network,
                after: args.after,
            },
            { parent: this },
        );
        if (smtp === undefined) {
            void pulumi.log.info(
                `Mail is off: whoever enrols a second factor in the portal asks the operator for the one-time code. ` +
                    `docker exec ${nameOnHost(name)} cat ${NOTIFICATIONS}`,
                this,
            );
        }
        this.site = {
            host: args.hosts.auth,
            upstream: `${workload.host}:${AUTHELIA_PORT}`,
            rewrites: authorizationRewrites(args.application, args.release.line),
        };
        this.registerOutputs({ issuer: this.site.host.url });
    }
}

function digestOf({ name }: User, initialPasswords: AutheliaArgs["initialPasswords"]): pulumi.Output<string> {
    const initial = initialPasswords[name];
    if (initial === undefined) {
        const reason = `user ${name} has neither a digest nor a generated password`;
        throw new pulumi.InputPropertyError({ propertyPath: "initialPasswords", reason });
    }
    return initial.digest;
}
