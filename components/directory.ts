/**
 * Where a stack's users live, wired for both servers: in Authelia's users file, in oCIS's own LDAP server, or in an LDAP server
 * outside the stack. Remembers the choice, because oCIS keeps people's files under identifiers of their directory: with
 * another one, everybody would come to an empty account.
 */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { LdapDirectory } from "../directory";
import { DirectorySettings } from "../settings";
import { typeToken } from "./naming";
import { ocisLdapDirectory } from "./ocis/configuration";
import { OcisSecrets } from "./secrets";

/** An LDAP directory, with what it takes to be let in. */
export interface LdapAccess {
    readonly directory: LdapDirectory;
    /** Of the account that searches; a secret. */
    readonly password: pulumi.Output<string>;
    /** Certificate that the server's has to descend from, PEM; undefined where a public authority issued it. */
    readonly authority?: pulumi.Input<string>;
}

/** A server's certificate with its key, PEM. */
export interface ServerCertificate {
    readonly certificate: pulumi.Output<string>;
    /** A secret. */
    readonly privateKey: pulumi.Output<string>;
}

export interface DirectoryArgs {
    readonly settings: DirectorySettings;
    /** Name under which oCIS is reached on the stack's network. */
    readonly ocisHost: string;
    readonly ocisSecrets: OcisSecrets;
    /** Keeps the memory of the choice as long as the data. */
    readonly keepData: boolean;
}

/** Life of the certificate of oCIS's directory, hours: that of the private authority's root. */
const CERTIFICATE_LIFE_HOURS = 10 * 365 * 24;

export class Directory extends pulumi.ComponentResource {
    readonly mode: DirectorySettings["mode"];
    /** The directory that Authelia reads, in the modes that have an LDAP server. */
    readonly ldap?: LdapAccess;
    /** With which oCIS serves its own directory, in the mode "ocis". */
    readonly certificate?: ServerCertificate;
    /** Passwords of the people whom the stack itself puts into the directory, by name; secrets. */
    readonly initialPasswords: Readonly<Record<string, pulumi.Output<string>>>;

    constructor(name: string, args: DirectoryArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Directory"), name, {}, opts);
        const { settings, ocisSecrets } = args;
        this.mode = settings.mode;
        if (settings.mode === "ocis") {
            this.certificate = this.selfSigned(name, ["localhost", args.ocisHost]);
            this.ldap = {
                directory: ocisLdapDirectory(args.ocisHost),
                password: ocisSecrets.idpPassword,
                authority: this.certificate.certificate,
            };
        } else if (settings.mode === "ldap") {
            this.ldap = { directory: settings, password: settings.bindPassword, authority: settings.authority };
        }
        this.initialPasswords = settings.mode === "ocis" ? { admin: ocisSecrets.adminPassword } : {};
        this.registerOutputs({});
    }

    /**
     * A certificate that signs itself and is trusted by name: both ends of the connection belong to the stack, so no authority
     * has to stand between them, and none is left that could issue another one.
     */
    private selfSigned(name: string, dnsNames: string[]): ServerCertificate {
        const child = { parent: this };
        const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, child);
        const certificate = new tls.SelfSignedCert(
            `${name}-certificate`,
            {
                privateKeyPem: key.privateKeyPem,
                dnsNames,
                subject: { commonName: dnsNames.at(-1), organization: "ocis-authelia" },
                allowedUses: ["digital_signature", "server_auth"],
                validityPeriodHours: CERTIFICATE_LIFE_HOURS,
            },
            child,
        );
        return { certificate: certificate.certPem, privateKey: key.privateKeyPem };
    }
}
