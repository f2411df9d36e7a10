/**
 * Certificates: whom the clients of a cloud have to trust, and its private certificate authority: a root, made once and kept in
 * the state. The edge issues the sites' certificates from it and renews them by itself (components/edge), so nothing here expires
 * within the root's life.
 */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { Tls } from "../settings/tls";
import { typeToken } from "./naming";

/** A certificate and its key, PEM. */
export interface CertificateWithKey {
    readonly certificate: pulumi.Output<string>;
    /** A secret. */
    readonly privateKey: pulumi.Output<string>;
}

/** Life of what signs itself, hours: ten years, the default of mkcert and Caddy's own authority. */
const LIFE_HOURS = 10 * 365 * 24;

/**
 * A certificate that signs itself, with a new key.
 *
 * @param name Of the certificate; that of the key is the same with "-key".
 */
export function selfSigned(
    name: string,
    args: Pick<tls.SelfSignedCertArgs, "isCaCertificate" | "dnsNames" | "allowedUses"> & { readonly commonName: string },
    opts: pulumi.CustomResourceOptions,
): CertificateWithKey {
    const { commonName, ...rest } = args;
    const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, opts);
    const certificate = new tls.SelfSignedCert(
        name,
        {
            ...rest,
            privateKeyPem: key.privateKeyPem,
            subject: { commonName, organization: "ocis-authelia" },
            validityPeriodHours: LIFE_HOURS,
        },
        opts,
    );
    return { certificate: certificate.certPem, privateKey: key.privateKeyPem };
}

export interface CertificatesArgs {
    /** Domain whose hosts the authority certifies; part of its name, so that people recognise it in their trust store. */
    readonly domain: string;
    /** "private-ca" makes an authority; in the other modes there is nothing to make. */
    readonly tls: Tls;
}

export class Certificates extends pulumi.ComponentResource {
    /** The private authority of the mode "private-ca". */
    readonly authority?: CertificateWithKey;
    /** Root certificates to trust besides the public authorities', PEM; undefined where those will do. */
    readonly trusted?: pulumi.Input<string>;

    constructor(name: string, args: CertificatesArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Certificates"), name, {}, opts);
        if (args.tls.mode !== "private-ca") {
            this.trusted = args.tls.authority;
        } else {
            const commonName = `${args.domain} private CA`;
            const use = { isCaCertificate: true, allowedUses: ["cert_signing", "crl_signing"] };
            this.authority = selfSigned(`${name}-root`, { ...use, commonName }, { parent: this });
            this.trusted = this.authority.certificate;
        }
        this.registerOutputs({ trusted: this.trusted });
    }
}
