/**
 * Certificates: whom the clients of a cloud have to trust, and what the edge serves. In the mode "private-ca" that is a root, made
 * once, whose key never leaves the state, and below it one certificate for both sites, which `pulumi up` renews in time. So whoever
 * gets hold of the edge holds a key for these two names and can certify no others, although devices trust the root for every name.
 */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { allHosts, Hosts } from "../hosts";
import { Tls } from "../settings/tls";
import { generationName, typeToken } from "./naming";

/** A certificate and its key, PEM. */
export interface CertificateWithKey {
    readonly certificate: pulumi.Output<string>;
    /** A secret. */
    readonly privateKey: pulumi.Output<string>;
}

/** One that was made here. */
interface Made extends CertificateWithKey {
    /** When it ends, as RFC 3339 writes it. */
    readonly end: pulumi.Output<string>;
}

/** Life of what signs itself, days: ten years, the default of mkcert and Caddy's own authority. */
const SELF_SIGNED_DAYS = 10 * 365;

/**
 * Life of the sites' certificate, days. Apple's devices take none of more than 825, whoever signed it. Source: Apple, "Requirements
 * for trusted certificates in iOS 13 and macOS 10.15".
 */
const SITES_DAYS = 820;

/** In how many of its last days `pulumi up` renews it: more than a year, so that one `up` a year is enough. */
const RENEWAL_DAYS = 400;

const HOURS = 24;

const newKey = (name: string, opts: pulumi.CustomResourceOptions) =>
    new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, opts).privateKeyPem;

/** Who a certificate says that it is of. */
const subject = (commonName: string) => ({ commonName, organization: "ocis-authelia" });

/**
 * A certificate that signs itself, with a new key.
 *
 * @param name Of the certificate; that of the key is the same with "-key".
 */
function selfSigned(
    name: string,
    args: Pick<tls.SelfSignedCertArgs, "isCaCertificate" | "dnsNames" | "allowedUses"> & { readonly commonName: string },
    opts: pulumi.CustomResourceOptions,
): Made {
    const { commonName, ...rest } = args;
    const privateKey = newKey(`${name}-key`, opts);
    const { certPem, validityEndTime } = new tls.SelfSignedCert(
        name,
        { ...rest, privateKeyPem: privateKey, subject: subject(commonName), validityPeriodHours: SELF_SIGNED_DAYS * HOURS },
        opts,
    );
    return { certificate: certPem, privateKey, end: validityEndTime };
}

/**
 * The certificate of a server inside a cloud, which signs itself and is trusted by name: both ends of the connection belong to the cloud, so no
 * authority has to stand between them, and none is left that could issue another one.
 *
 * @param host Name on the network.
 * @param further Other names by which it is asked.
 */
export function serverCertificate(
    name: string,
    host: string,
    opts: pulumi.CustomResourceOptions,
    further: readonly string[] = [],
): CertificateWithKey {
    const allowedUses = ["digital_signature", "server_auth"];
    return selfSigned(name, { dnsNames: [...further, host], allowedUses, commonName: host }, opts);
}

/** The certificate of all sites, with a new key, signed by `root`. */
function sitesCertificate(name: string, root: Made, hosts: Hosts, opts: pulumi.CustomResourceOptions): Made {
    const privateKey = newKey(`${name}-key`, opts);
    const { certRequestPem } = new tls.CertRequest(
        `${name}-request`,
        {
            privateKeyPem: privateKey,
            subject: subject(hosts.cloud.name),
            dnsNames: allHosts(hosts).map((host) => host.name),
        },
        opts,
    );
    const { certPem, validityEndTime } = new tls.LocallySignedCert(
        name,
        {
            certRequestPem,
            caCertPem: root.certificate,
            caPrivateKeyPem: root.privateKey,
            allowedUses: ["digital_signature", "server_auth"],
            setSubjectKeyId: true,
            validityPeriodHours: SITES_DAYS * HOURS,
            earlyRenewalHours: RENEWAL_DAYS * HOURS,
        },
        opts,
    );
    return { certificate: certPem, privateKey, end: validityEndTime };
}

/** When the certificates of a private authority end. */
export interface Ends {
    readonly root: Date;
    readonly sites: Date;
}

/**
 * What a person has to know of the ends of a private authority's certificates: nothing but `pulumi up` renews them. Urgent once a
 * new certificate of the sites would outlive the root. Pure.
 */
export function describeEnds({ root, sites }: Ends, now: Date): { readonly text: string; readonly urgent: boolean } {
    const after = (date: Date, days: number) => new Date(date.getTime() + days * HOURS * 3_600_000);
    const day = (date: Date) => date.toISOString().slice(0, 10);
    if (after(now, SITES_DAYS) > root) {
        const text =
            `The private authority ends on ${day(root)}, and no device trusts the sites from then on. The next pulumi up after that ` +
            "day makes a new root, which every device has to import.";
        return { text, urgent: true };
    }
    const text = `The sites' certificate ends on ${day(sites)}. pulumi up renews it from ${day(after(sites, -RENEWAL_DAYS))} on.`;
    return { text, urgent: false };
}

export interface CertificatesArgs {
    /** Domain whose hosts the authority certifies; part of its name, so that people recognise it in their trust store. */
    readonly domain: string;
    readonly hosts: Hosts;
    /** "private-ca" makes an authority; in the other modes there is nothing to make. */
    readonly tls: Tls;
    /** Of the authority: another one is another authority, and another certificate of the sites with a key of its own. */
    readonly generation: number;
}

export class Certificates extends pulumi.ComponentResource {
    /** What the edge serves for both sites; undefined where it has certificates issued to itself, or needs none. */
    readonly sites?: CertificateWithKey;
    /** Root certificates to trust besides the public authorities', PEM; undefined where those will do. */
    readonly trusted?: pulumi.Input<string>;

    constructor(name: string, args: CertificatesArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Certificates"), name, {}, opts);
        if (args.tls.mode === "private-ca") {
            const part = (what: string) => generationName(`${name}-${what}`, args.generation);
            const commonName = `${args.domain} private CA`;
            const use = { isCaCertificate: true, allowedUses: ["cert_signing", "crl_signing"] };
            const root = selfSigned(part("root"), { ...use, commonName }, { parent: this });
            const sites = sitesCertificate(part("sites"), root, args.hosts, { parent: this });
            pulumi.all([root.end, sites.end]).apply(([rootEnd, sitesEnd]) => {
                const { text, urgent } = describeEnds({ root: new Date(rootEnd), sites: new Date(sitesEnd) }, new Date());
                return urgent ? pulumi.log.warn(text, this) : pulumi.log.info(text, this);
            });
            this.sites = sites;
            this.trusted = root.certificate;
        } else {
            const { tls: given } = args;
            if (given.mode === "files") {
                this.sites = { certificate: pulumi.output(given.certificate), privateKey: given.key };
            }
            this.trusted = given.authority;
        }
        this.registerOutputs({ trusted: this.trusted });
    }
}
