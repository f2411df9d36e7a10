/**
 * Whom the clients of a stack have to trust, and its private certificate authority: a root, made once and kept in the state.
 * The edge issues the sites' certificates from it and renews them by itself (components/edge), so nothing here expires
 * within the root's life.
 */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { Tls } from "../settings";
import { typeToken } from "./naming";

/** A root certificate and its key, PEM. */
export interface CertificateAuthority {
    readonly certificate: pulumi.Output<string>;
    /** A secret. */
    readonly privateKey: pulumi.Output<string>;
}

export interface CertificatesArgs {
    /** Domain whose hosts the authority certifies; part of its name, so that people recognise it in their trust store. */
    readonly domain: string;
    /** "private-ca" makes an authority; in the other modes there is nothing to make. */
    readonly tls: Tls;
}

/** Life of the root, hours: ten years, the default of mkcert and Caddy's own authority. */
const ROOT_LIFE_HOURS = 10 * 365 * 24;

export class Certificates extends pulumi.ComponentResource {
    /** The private authority of the mode "private-ca". */
    readonly authority?: CertificateAuthority;
    /** Root certificates to trust besides the public authorities', PEM; undefined where those will do. */
    readonly trusted?: pulumi.Input<string>;

    constructor(name: string, args: CertificatesArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Certificates"), name, {}, opts);
        if (args.tls.mode !== "private-ca") {
            this.trusted = args.tls.authority;
        } else {
            const key = new tls.PrivateKey(`${name}-root-key`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent: this });
            const root = new tls.SelfSignedCert(
                `${name}-root`,
                {
                    privateKeyPem: key.privateKeyPem,
                    isCaCertificate: true,
                    subject: { commonName: `${args.domain} private CA`, organization: "ocis-authelia" },
                    allowedUses: ["cert_signing", "crl_signing"],
                    validityPeriodHours: ROOT_LIFE_HOURS,
                },
                { parent: this },
            );
            this.authority = { certificate: root.certPem, privateKey: key.privateKeyPem };
            this.trusted = this.authority.certificate;
        }
        this.registerOutputs({ trusted: this.trusted });
    }
}
