/**
 * Every secret that a cloud generates, kept encrypted in the state. Some are needed to read the data volumes: losing one of them loses
 * data, so they are protected together with the volumes.
 *
 * What rotates is made anew for each generation that `rotations` counts, under a name of its own, and all earlier generations stay. Pulumi
 * neither replaces nor deletes what is protected, and so a rotation does nothing but create: no secret is lost where it is interrupted,
 * the key that signed the tokens of yesterday is there to verify them, and a backup of any day finds its secrets in the state. A counter
 * that goes down would delete, which Pulumi refuses.
 */
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";

import { Rotations } from "../settings/rotations";
import { InitialPassword, initialPassword } from "./initial-passwords";
import { generationName, typeToken } from "./naming";

/** What Authelia keeps secret. */
export type AutheliaSecrets = ReturnType<typeof autheliaSecrets>;

/** What `ocis init` would generate. Source: oCIS 7.0.0, ocis/pkg/init. */
export type OcisSecrets = ReturnType<typeof ocisSecrets>;

/** Makes one secret. Letters and digits only: they need no quoting in YAML, URLs or LDAP. 32 of them carry 190 bits. */
export function password(name: string, length: number, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    return new random.RandomPassword(name, { length, special: false }, opts).result;
}

/** Every generation of a secret, the newest first. */
function generations<T>(name: string, newest: number, make: (name: string) => T): [T, ...T[]] {
    const made = Array.from({ length: newest }, (_, index) => make(generationName(name, index + 1)));
    return made.reverse() as [T, ...T[]];
}

function autheliaSecrets(name: string, rotations: Rotations, child: pulumi.CustomResourceOptions) {
    const secrets = (use: string, newest: number) => generations(`${name}-${use}`, newest, (each) => password(each, 64, child));
    const secret = (use: string, newest: number) => secrets(use, newest)[0];
    const issuerKey = (each: string) => new tls.PrivateKey(each, { algorithm: "RSA", rsaBits: 2048 }, child).privateKeyPem;
    return {
        sessionSecret: secret("session", rotations.session),
        /** The first encrypts second factors and tokens in the database, which is lost without it; or one before it still does. */
        storageEncryptionKeys: secrets("storage-encryption", rotations.storageEncryption),
        /** Authenticates opaque tokens and authorization codes. */
        hmacSecret: secret("hmac", rotations.hmac),
        /** The first signs ID tokens and access tokens, the one before it verifies those that it has signed; RSA, PEM. */
        issuerPrivateKeys: generations(`${name}-issuer`, rotations.issuerKey, issuerKey).slice(0, 2),
    };
}

function ocisSecrets(name: string, rotations: Rotations, child: pulumi.CustomResourceOptions) {
    const secret = (use: string, newest = 1) => generations(`${name}-${use}`, newest, (each) => password(each, 32, child))[0];
    const uuid = (use: string) => new random.RandomUuid(`${name}-${use}`, {}, child).result;
    return {
        jwtSecret: secret("jwt", rotations.jwt),
        machineAuthApiKey: secret("machine-auth", rotations.machineAuth),
        systemUserApiKey: secret("system-user-api", rotations.systemUserApi),
        transferSecret: secret("transfer", rotations.transfer),
        thumbnailsTransferSecret: secret("thumbnails-transfer", rotations.thumbnails),
        wopiSecret: secret("wopi", rotations.wopi),
        serviceAccountSecret: secret("service-account", rotations.serviceAccount),
        // oCIS writes them into its directory at the first start and never again. Source: services/idm/pkg/command/server.go.
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
    readonly rotations: Rotations;
}

export class Secrets extends pulumi.ComponentResource {
    readonly authelia: AutheliaSecrets;
    readonly ocis: OcisSecrets;
    /** By user name. */
    readonly initialPasswords: pulumi.Output<Readonly<Record<string, InitialPassword>>>;

    constructor(name: string, args: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Secrets"), name, {}, opts);
        const child = { parent: this };
        this.authelia = autheliaSecrets(`${name}-authelia`, args.rotations, child);
        this.ocis = ocisSecrets(`${name}-ocis`, args.rotations, child);
        const [seed] = generations(`${name}-initial-passwords`, args.rotations.initialPasswords, (each) =>
            password(each, 32, child),
        );
        this.initialPasswords = seed.apply((secret) =>
            Object.fromEntries(args.usersWithoutPassword.map((user) => [user, initialPassword(secret, user)])),
        );
        this.registerOutputs({});
    }
}
