/**
 * Every secret that a cloud generates, made once and kept encrypted in the state. Most are needed to read the data volumes:
 * losing one of them loses data, so they are protected together with the volumes. Initial passwords are not.
 */
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";

import { typeToken } from "./naming";

/** What Authelia keeps secret. */
export type AutheliaSecrets = ReturnType<typeof autheliaSecrets>;

/** What `ocis init` would generate. Source: oCIS 7.0.0, ocis/pkg/init. */
export type OcisSecrets = ReturnType<typeof ocisSecrets>;

/** A generated password and the digest of it that Authelia is given. */
export interface InitialPassword {
    readonly password: pulumi.Output<string>;
    /** bcrypt; made once with the password, so that it is the same at each run. */
    readonly digest: pulumi.Output<string>;
}

/** Makes one secret. Letters and digits only: they need no quoting in YAML, URLs or LDAP. 32 of them carry 190 bits. */
function password(name: string, length: number, opts: pulumi.CustomResourceOptions): random.RandomPassword {
    return new random.RandomPassword(name, { length, special: false }, opts);
}

function autheliaSecrets(name: string, child: pulumi.CustomResourceOptions) {
    const secret = (use: string) => password(`${name}-${use}`, 64, child).result;
    return {
        sessionSecret: secret("session"),
        /** Encrypts second factors and tokens in the database, which is lost without it. */
        storageEncryptionKey: secret("storage-encryption"),
        /** Authenticates opaque tokens and authorization codes. */
        hmacSecret: secret("hmac"),
        /** Signs ID tokens and access tokens; RSA, PEM. */
        issuerPrivateKey: new tls.PrivateKey(`${name}-issuer`, { algorithm: "RSA", rsaBits: 2048 }, child).privateKeyPem,
    };
}

function ocisSecrets(name: string, child: pulumi.CustomResourceOptions) {
    const secret = (use: string) => password(`${name}-${use}`, 32, child).result;
    const uuid = (use: string) => new random.RandomUuid(`${name}-${use}`, {}, child).result;
    return {
        jwtSecret: secret("jwt"),
        machineAuthApiKey: secret("machine-auth"),
        systemUserApiKey: secret("system-user-api"),
        transferSecret: secret("transfer"),
        thumbnailsTransferSecret: secret("thumbnails-transfer"),
        wopiSecret: secret("wopi"),
        serviceAccountSecret: secret("service-account"),
        adminPassword: secret("admin"),
        idmPassword: secret("idm"),
        revaPassword: secret("reva"),
        idpPassword: secret("idp"),
        // Identifiers, not secrets: they stand in the data, which nobody finds again under others.
        systemUserId: uuid("system-user-id"),
        adminUserId: uuid("admin-user-id"),
        serviceAccountId: uuid("service-account-id"),
        graphApplicationId: uuid("graph-application-id"),
        storageUsersMountId: uuid("storage-users-mount-id"),
    };
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
        this.authelia = autheliaSecrets(`${name}-authelia`, { parent: this });
        this.ocis = ocisSecrets(`${name}-ocis`, { parent: this });
        this.initialPasswords = Object.fromEntries(
            args.usersWithoutPassword.map((user) => {
                // It goes with its user, or once that has a digest, and no data is lost with it.
                const { result, bcryptHash } = password(`${name}-password-${user}`, 20, { parent: this, protect: false });
                return [user, { password: result, digest: bcryptHash }];
            }),
        );
        this.registerOutputs({});
    }
}
