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

/** What a person reads who asks a stack for another directory than the one it was made with. */
export function refusal(madeWith: string, asked: string): string {
    return (
        `directory.mode: "${asked}" cannot be used. Allowed: "${madeWith}", with which this stack was made. Its files and shares ` +
        `belong to the users of that directory; those of another one would come to empty accounts.\n` +
        `    pulumi config set --path directory.mode ${madeWith}\n` +
        `For another directory make another stack: pulumi stack init. Or delete this one with all its data first: with ` +
        `directory.mode ${madeWith} and keepData false, pulumi up and then pulumi destroy.`
    );
}

/** Life of the certificate of oCIS's directory, hours: that of the private authority's root. */
const CERTIFICATE_LIFE_HOURS = 10 * 365 * 24;

export class Directory extends pulumi.ComponentResource {
    readonly mode: DirectorySettings["mode"];
    /** The directory that Authelia reads, in the modes that have an LDAP server. */
    readonly ldap?: LdapAccess;
    /** With which oCIS serves its own directory, in the mode "ocis". */
    readonly certificate?: ServerCertificate;
    /** The mode with which the stack was made; fails where that is another than it has now. */
    private readonly confirmed: pulumi.Output<string>;
    /** Passwords of the people whom the stack itself puts into the directory, by name; secrets. */
    readonly initialPasswords: Readonly<Record<string, pulumi.Output<string>>>;

    constructor(name: string, args: DirectoryArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Directory"), name, {}, opts);
        const { settings, ocisSecrets } = args;
        this.mode = settings.mode;
        // A stash keeps what it was made with, whatever it is given later.
        const madeWith = new pulumi.Stash(`${name}-mode`, { input: settings.mode }, { parent: this, protect: args.keepData });
        this.confirmed = madeWith.output.apply((mode: string) => {
            if (mode !== settings.mode) {
                throw new pulumi.RunError(refusal(mode, settings.mode));
            }
            return mode;
        });
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

    /** `value`, known only once it is sure that the stack is not moved to another directory. */
    onceConfirmed(value: string): pulumi.Output<string> {
        return this.confirmed.apply(() => value);
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
