/** LLDAP: a small directory server of the stack, in which people and groups live, with a page on which administrators make them. */
import * as pulumi from "@pulumi/pulumi";

import { Hosts } from "../../hosts";
import { Settings } from "../../settings";
import { LLDAP_IMAGE } from "../../versions";
import { serverCertificate } from "../certificates";
import { Mender } from "../diagnosis";
import { LdapAccess } from "../ldap-access";
import { typeToken } from "../naming";
import { Network } from "../network";
import { password } from "../secrets";
import { Site } from "../site";
import { FILES_PATH, SECRETS_PATH, Workload } from "../workload";
import {
    Account,
    FIRST_ADMINISTRATOR,
    LLDAP_DATA,
    LLDAP_HOST,
    LLDAP_PORT,
    LLDAP_READY,
    lldapDirectory,
    lldapEnvironment,
    lldapStart,
    signInBody,
    WITH_PASSWORD,
} from "./configuration";

export interface LldapArgs {
    readonly network: Network;
    readonly settings: Pick<Settings, "domain" | "images" | "keepData">;
    readonly hosts: Hosts;
    /** Nothing is made or changed before this is known. */
    readonly precondition: pulumi.Input<unknown>;
    readonly mender: Mender;
}

export class Lldap extends pulumi.ComponentResource {
    readonly workload: Workload;
    /** Of the first administrator, by name; a secret. */
    readonly initialPasswords: Readonly<Record<string, pulumi.Output<string>>>;
    /** Signs the links by which Authelia sets forgotten passwords; a secret. */
    readonly passwordResetSecret: pulumi.Output<string>;
    private readonly passwords: Readonly<Record<string, pulumi.Output<string>>>;
    private readonly certificate: pulumi.Output<string>;

    constructor(name: string, args: LldapArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Lldap"), name, {}, opts);
        const { hosts, mender, network, precondition, settings } = args;
        const kept = { parent: this, protect: settings.keepData };
        const own = serverCertificate(`${name}-certificate`, LLDAP_HOST, { parent: this });
        const passwords = WITH_PASSWORD.map((account) => [account, password(`${name}-${account}`, 32, kept)] as const);
        this.certificate = own.certificate;
        this.passwords = Object.fromEntries(passwords);
        this.initialPasswords = { [FIRST_ADMINISTRATOR]: this.passwords[FIRST_ADMINISTRATOR]! };
        this.passwordResetSecret = password(`${name}-password-reset`, 64, kept);
        const { domain } = settings;
        this.workload = new Workload(
            name,
            {
                host: LLDAP_HOST,
                image: { name: settings.images.lldap, cure: { set: ["images", "lldap"], to: LLDAP_IMAGE } },
                precondition,
                entrypoint: ["/bin/sh"],
                command: [`${FILES_PATH}/start.sh`],
                environment: lldapEnvironment(
                    { domain, users: hosts.users },
                    {
                        certificate: `${FILES_PATH}/server.pem`,
                        certificateKey: `${SECRETS_PATH}/server.key`,
                        // Without it no password can be verified, whatever else is there.
                        keySeed: `${SECRETS_PATH}/key-seed`,
                        jwtSecret: `${SECRETS_PATH}/jwt-secret`,
                        secrets: SECRETS_PATH,
                    },
                ),
                files: [
                    { name: "server.pem", content: own.certificate },
                    { name: "start.sh", content: lldapStart({ domain, secrets: SECRETS_PATH }) },
                ],
                secretFiles: [
                    { name: "server.key", content: own.privateKey },
                    { name: "key-seed", content: password(`${name}-key-seed`, 64, kept) },
                    { name: "jwt-secret", content: password(`${name}-jwt`, 64, kept) },
                    ...passwords.flatMap(([account, secret]) => [
                        { name: account, content: secret },
                        { name: `${account}.json`, content: secret.apply((said) => signInBody(account, said)) },
                    ]),
                ],
                data: { path: LLDAP_DATA, keepData: settings.keepData },
                ready: LLDAP_READY,
                // A check of a password takes some tens of MiB, and there is one at a time.
                memory: 256,
                // At SIGTERM it waits half a minute for its clients to go, and takes no others meanwhile. Source: actix-server 2.6.0, src/server.rs.
                stopSignal: "SIGINT",
                network,
                mender,
            },
            { parent: this },
        );
        this.registerOutputs({});
    }

    /** The directory for one of the servers to read. */
    access(account: Account): LdapAccess {
        return { directory: lldapDirectory(account), password: this.passwords[account]!, authority: this.certificate };
    }

    /** How the edge serves the page: to administrators who have shown a second factor to the portal, as `guard` says. */
    site(host: Site["host"], guard: Site["guard"]): Site {
        return { host, upstream: `${this.workload.host}:${LLDAP_PORT}`, rewrites: [], guard };
    }
}
