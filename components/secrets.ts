/**
 * Every secret that a stack generates, made once and kept encrypted in its state. Most are needed to read the data volumes:
 * losing one of them loses data, so they are protected together with the volumes. Initial passwords are not.
 */
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";

import { typeToken } from "./naming";

/** What Authelia keeps secret. */
export interface AutheliaSecrets {
    readonly sessionSecret: pulumi.Output<string>;
    /** Encrypts second factors and tokens in the database, which is lost without it. */
    readonly storageEncryptionKey: pulumi.Output<string>;
    /** Authenticates opaque tokens and authorization codes. */
    readonly hmacSecret: pulumi.Output<string>;
    /** Signs ID tokens and access tokens; RSA, PEM. */
    readonly issuerPrivateKey: pulumi.Output<string>;
}

/** What `ocis init` would generate. Source: oCIS 7.0.0, ocis/pkg/init. */
export interface OcisSecrets {
    readonly jwtSecret: pulumi.Output<string>;
    readonly machineAuthApiKey: pulumi.Output<string>;
    readonly systemUserApiKey: pulumi.Output<string>;
    readonly transferSecret: pulumi.Output<string>;
    readonly thumbnailsTransferSecret: pulumi.Output<string>;
    readonly wopiSecret: pulumi.Output<string>;
    readonly serviceAccountSecret: pulumi.Output<string>;
    readonly adminPassword: pulumi.Output<string>;
    readonly idmPassword: pulumi.Output<string>;
    readonly revaPassword: pulumi.Output<string>;
    readonly idpPassword: pulumi.Output<string>;
    /** Identifiers, not secrets: they stand in the data, which nobody finds again under others. */
    readonly systemUserId: pulumi.Output<string>;
    readonly adminUserId: pulumi.Output<string>;
    readonly serviceAccountId: pulumi.Output<string>;
    readonly graphApplicationId: pulumi.Output<string>;
    readonly storageUsersMountId: pulumi.Output<string>;
}

/** A generated password and the digest of it that Authelia is given. */
export interface InitialPassword {
    readonly password: pulumi.Output<string>;
    /** bcrypt; made once with the password, so that it is the same at each run. */
    readonly digest: pulumi.Output<string>;
}

export interface SecretsArgs {
    /** Users who need a password. */
    readonly usersWithoutPassword: readonly string[];
}

export class Secrets extends pulumi.ComponentResource {
    readonly authelia: AutheliaSecrets;
    readonly ocis: OcisSecrets;
    /** By user name. */
    readonly initialPasswords: Readonly<Record<string, InitialPassword>>;

    /** @param opts `protect` reaches every secret but the initial passwords. */
    constructor(name: string, args: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Secrets"), name, {}, opts);
        const child = { parent: this };
        // Letters and digits only: they need no quoting in YAML, URLs or LDAP. 32 of them carry 190 bits.
        const password = (use: string, length = 32, options: pulumi.CustomResourceOptions = child) =>
            new random.RandomPassword(`${name}-${use}`, { length, special: false }, options);
        const secret = (use: string, length?: number) => password(use, length).result;
        const uuid = (use: string) => new random.RandomUuid(`${name}-${use}`, {}, child).result;

        this.authelia = {
            sessionSecret: secret("authelia-session", 64),
            storageEncryptionKey: secret("authelia-storage-encryption", 64),
            hmacSecret: secret("authelia-hmac", 64),
            issuerPrivateKey: new tls.PrivateKey(`${name}-authelia-issuer`, { algorithm: "RSA", rsaBits: 2048 }, child)
                .privateKeyPem,
        };
        this.ocis = {
            jwtSecret: secret("ocis-jwt"),
            machineAuthApiKey: secret("ocis-machine-auth"),
            systemUserApiKey: secret("ocis-system-user-api"),
            transferSecret: secret("ocis-transfer"),
            thumbnailsTransferSecret: secret("ocis-thumbnails-transfer"),
            wopiSecret: secret("ocis-wopi"),
            serviceAccountSecret: secret("ocis-service-account"),
            adminPassword: secret("ocis-admin"),
            idmPassword: secret("ocis-idm"),
            revaPassword: secret("ocis-reva"),
            idpPassword: secret("ocis-idp"),
            systemUserId: uuid("ocis-system-user-id"),
            adminUserId: uuid("ocis-admin-user-id"),
            serviceAccountId: uuid("ocis-service-account-id"),
            graphApplicationId: uuid("ocis-graph-application-id"),
            storageUsersMountId: uuid("ocis-storage-users-mount-id"),
        };
        this.initialPasswords = Object.fromEntries(
            args.usersWithoutPassword.map((user) => {
                // It goes with its user, or once that has a digest, and no data is lost with it.
                const { result, bcryptHash } = password(`password-${user}`, 20, { ...child, protect: false });
                return [user, { password: result, digest: bcryptHash }];
            }),
        );
        this.registerOutputs({});
    }
}
