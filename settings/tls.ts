/** The key `tls`: who ends TLS, and with which certificates. */
import { createPrivateKey, KeyObject, X509Certificate } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { z } from "zod";

import { allHosts, Host, Hosts } from "../hosts";
import { Cure } from "./cure";
import { authority, certificatesIn, email, secretMeta, secretText, text, withMode } from "./declaration";
import { Fault } from "./fault";

const roots = authority(
    "Root certificates of the authority of the sites' certificates, if it is not a public one: oCIS trusts them when it asks " +
        "Authelia, and the edge when it asks the ACME server.",
);

const isHttps = (value: string) => URL.canParse(value) && new URL(value).protocol === "https:";

/** One of Let's Encrypt's two environments, or another authority's ACME directory. */
function acmeServer(server: string): "production" | "staging" | URL {
    return server === "production" || server === "staging" ? server : new URL(server);
}

const acme = z
    .strictObject({
        mode: z.literal("acme").meta({ description: "The edge, with certificates of Let's Encrypt or another ACME server." }),
        email: email().optional().meta({ description: "Contact for the ACME account.", example: "me@example.com" }),
        server: text(
            "production, staging (both Let's Encrypt's), or the https URL of an ACME directory",
            (value) => value === "production" || value === "staging" || isHttps(value),
        )
            .default("production")
            .meta({
                description: "production or staging (both Let's Encrypt's), or the URL of another authority's ACME directory.",
                example: "production",
            }),
        authority: roots,
    })
    .transform(({ server, ...rest }) => ({ ...rest, server: acmeServer(server) }));

const privateCa = z.strictObject({
    mode: z.literal("private-ca").meta({
        description:
            "The edge, with a certificate of the stack's own authority, whose root is the output caCertificate; pulumi up renews it.",
    }),
});

const CERTIFICATE = "the certificate for both names in PEM form, and those between it and its root after it";

const KEY = "the certificate's private key in PEM form, without a passphrase";

function privateKeyIn(pem: string): KeyObject | undefined {
    try {
        return createPrivateKey(pem);
    } catch {
        return undefined;
    }
}

const files = z.strictObject({
    mode: z.literal("files").meta({ description: "The edge, with a certificate of yours." }),
    certificate: text(CERTIFICATE, (pem) => certificatesIn(pem).length > 0).meta({
        description: "The certificate for both names, and those between it and its root after it, PEM.",
        fromFile: "fullchain.pem",
    }),
    key: secretText(KEY, (pem) => privateKeyIn(pem) !== undefined).meta({
        ...secretMeta("The certificate's private key, PEM."),
        fromFile: "privkey.pem",
    }),
    authority: roots,
});

const none = z.strictObject({
    mode: z.literal("none").meta({ description: "A reverse proxy on the Docker host; see docs/reverse-proxy.md." }),
    authority: roots,
});

export const tls = z
    .preprocess(
        withMode("acme"),
        z.discriminatedUnion("mode", [acme, privateCa, files, none], "acme, private-ca, files or none"),
    )
    .prefault({})
    .meta({ description: "Who ends TLS, and with which certificates." });

export type Tls = z.output<typeof tls>;

/** Names that no public authority certifies. Source: RFC 6761, RFC 6762, RFC 8375; ICANN's reservation of "internal". */
const LOCAL_NAMES = /(^|\.)(localhost|local|internal|test|home\.arpa)$/;

/** Addresses on which nobody but the machine itself is reached. Source: RFC 6890. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Whether an IP address is reached from its own machine alone. */
export const isLoopback = (address: string) => LOOPBACK.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

export function checkPublicAuthority({ tls: settings, domain }: { tls: Tls; domain: string }): Fault[] {
    if (settings.mode !== "acme" || settings.server instanceof URL || !LOCAL_NAMES.test(domain)) {
        return [];
    }
    const path = ["tls", "mode"];
    const allowed = `private-ca, because no public authority certifies names under ${domain}`;
    // The other members belong to the mode, and go with it.
    const members = Object.keys(settings).filter((name) => name !== "mode" && name !== "server");
    const removed = members.map((name): Cure => ({ remove: ["tls", name] }));
    return [{ path, value: "acme", allowed, cures: [...removed, { set: path, to: "private-ca" }] }];
}

/** Where a proxy in front finds the edge. */
interface Proxied {
    readonly tls: Tls;
    readonly address: string;
    readonly secondAddress: string;
    readonly httpPort: number;
}

/** What a proxy in front asks of the edge. */
export function checkProxied({ tls: { mode }, address, secondAddress, httpPort }: Proxied): Fault[] {
    const faults: Fault[] = [];
    const reason = "behind a proxy the edge speaks plain HTTP and believes what it is told about clients";
    const allowed = `an address of the loopback, because ${reason}`;
    if (mode === "none" && !isLoopback(address)) {
        faults.push({ path: ["address"], value: address, allowed, cures: [{ set: ["address"], to: "127.0.0.1" }] });
    }
    if (mode === "none" && secondAddress !== "" && !isLoopback(secondAddress)) {
        const path = ["secondAddress"];
        faults.push({ path, value: secondAddress, allowed: `${allowed}, or nothing`, cures: [{ remove: path }] });
    }
    if (mode === "none" && httpPort === 0) {
        const allowed = 'the port to which the proxy hands requests, because with tls.mode "none" the edge has no other';
        faults.push({ path: ["httpPort"], value: httpPort, allowed, cures: [{ set: ["httpPort"], to: 8080 }] });
    }
    return faults;
}

/**
 * A certificate that somebody made, and its key: fit for every name, now, for every client that trusts the authority. A key that
 * is known only later is not looked at.
 */
export function checkCertificate(settings: Tls, hosts: Hosts, given: unknown): Fault[] {
    if (settings.mode !== "files") {
        return [];
    }
    const chain = certificatesIn(settings.certificate);
    const roots = certificatesIn(settings.authority ?? "");
    const leaf = chain[0]!;
    const fault = (member: string, fromFile: string, value: unknown, allowed: string, secret = false): Fault => {
        const path = ["tls", member];
        return { path, value, allowed, cures: [{ set: path, fromFile, secret }] };
    };
    const certificate = (value: string, allowed: string) => fault("certificate", "fullchain.pem", value, allowed);
    const names = ({ name }: Host) => leaf.checkHost(name) === undefined;
    const wanted = allHosts(hosts);
    const missing = wanted.filter(names).map(({ name }) => name);
    const descends = (link: X509Certificate) => roots.some((root) => link.checkIssued(root) && link.verify(root.publicKey));
    const now = Date.now();
    const key = privateKeyIn(String((given as { key?: unknown }).key));
    return [
        ...(missing.length === 0
            ? []
            : [
                  certificate(
                      leaf.subjectAltName ?? leaf.subject,
                      `a certificate for ${wanted.map(({ name }) => name).join(" and ")}; this one is not for ${missing.join(", ")}`,
                  ),
              ]),
        ...(leaf.validFromDate.getTime() <= now && now < leaf.validToDate.getTime()
            ? []
            : [certificate(`${leaf.validFrom} to ${leaf.validTo}`, "a certificate that is valid today")]),
        ...(roots.length === 0 || chain.some(descends)
            ? []
            : [
                  certificate(
                      leaf.issuer,
                      "a certificate that descends from tls.authority, with those between the two after it",
                  ),
              ]),
        ...(key === undefined || leaf.checkPrivateKey(key)
            ? []
            : [fault("key", "privkey.pem", "[secret]", "the key that belongs to tls.certificate", true)]),
    ];
}

/** Whether every browser verifies the sites' certificates. */
export function isPublic(settings: Tls): boolean {
    switch (settings.mode) {
        case "private-ca":
            return false;
        case "acme":
            return settings.authority === undefined && settings.server !== "staging";
        default:
            return settings.authority === undefined;
    }
}
