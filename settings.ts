/**
 * The stack's configuration: the only reader of it. Values come as the command line interface hands them over (defaults of
 * Pulumi.yaml filled in, types checked); here they are checked for sense and turned into one typed object. Whatever is wrong
 * is reported at once, each fault with the key, the value, what is allowed and the command that mends it.
 */
import * as pulumi from "@pulumi/pulumi";
import { createPrivateKey, KeyObject, X509Certificate } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { parse } from "tldts";

import type { Lifespans } from "./components/ocis/relying-parties";
import { LdapDirectory, LdapSchema, PRESETS, SCHEMA_KEYS } from "./directory";
import { Host, hostsOf } from "./hosts";
import { AUTHELIA, AutheliaLine, CADDY_IMAGE, OCIS, OcisLine, Release, releaseOf } from "./versions";

/** A person who may sign in. */
export interface User {
    /** Login name, which becomes the user name in oCIS. */
    readonly name: string;
    readonly displayName: string;
    readonly email: string;
    readonly groups: readonly string[];
    /** May not sign in, but keeps files and second factor. */
    readonly disabled: boolean;
    /** Digest of the password in a form that Authelia accepts; a secret. Missing: a password is generated. */
    readonly passwordDigest?: pulumi.Output<string>;
}

/** Who ends TLS, and where the certificates come from; see `tls` in Pulumi.yaml. */
export type Tls =
    /** The edge, with certificates of a public authority, or of any other that speaks ACME. */
    | {
          readonly mode: "acme";
          /** Contact for the ACME account. */
          readonly email?: string;
          /** One of Let's Encrypt's two environments, or the URL of another authority's ACME directory. */
          readonly server: "production" | "staging" | URL;
          /** What the authority's certificates descend from, PEM; undefined where the public ones are meant. */
          readonly authority?: string;
      }
    /** The edge, with certificates of the stack's own authority. */
    | { readonly mode: "private-ca" }
    /** The edge, with a certificate that somebody made. */
    | {
          readonly mode: "files";
          /** PEM: the certificate, and those between it and its root. */
          readonly certificate: string;
          /** PEM; a secret. */
          readonly key: pulumi.Output<string>;
          readonly authority?: string;
      }
    /** A reverse proxy on the Docker host, in front of the edge. */
    | { readonly mode: "none"; readonly authority?: string };

/** Who gets into ownCloud, and how; see `access` in Pulumi.yaml. */
export interface Access {
    readonly policy: "two_factor" | "one_factor";
    /** Whose members get in as users; undefined: everybody does. */
    readonly groups?: readonly string[];
    /** Whose members get in as administrators. Empty without `groups`. */
    readonly administrators: readonly string[];
}

/** Where users live; see `directory` in Pulumi.yaml. */
export type DirectorySettings =
    | { readonly mode: "authelia" }
    | { readonly mode: "ocis" }
    | (LdapDirectory & {
          readonly mode: "ldap";
          /** Of the account that searches; a secret. */
          readonly bindPassword: pulumi.Output<string>;
          /** Certificate that the server's has to descend from, PEM; a public authority's by default. */
          readonly authority?: string;
      });

/** A mail server to which mail is submitted; see `smtp` in Pulumi.yaml. */
export interface Smtp {
    readonly host: string;
    readonly port: number;
    /** TLS from the first byte on (RFC 8314), or after STARTTLS, without which no mail is sent. */
    readonly encryption: "implicit" | "starttls";
    /** Such as "Cloud <cloud@example.com>". */
    readonly sender: string;
    /** The account there, if the server wants one. */
    readonly user?: string;
    /** The account's; a secret. */
    readonly password?: pulumi.Output<string>;
    /** Certificates that the server's may descend from besides the public authorities', PEM. */
    readonly authority?: string;
}

/** Form of the access tokens; see `accessTokens` in Pulumi.yaml. */
export type AccessTokens = "signed" | "opaque";

/** Where the edge is reached. */
export interface Address {
    readonly domain: string;
    /** IP address of the Docker host on which the edge publishes its ports. */
    readonly address: string;
    /** Of the URLs; the edge's own unless a proxy in front ends TLS. */
    readonly httpsPort: number;
    /** 0: plain HTTP is closed. */
    readonly httpPort: number;
}

/** Everything that a stack can be told, checked. */
export interface Settings extends Address {
    /** HTTP/3, which takes the port for HTTPS by UDP too. */
    readonly http3: boolean;
    readonly tls: Tls;
    readonly directory: DirectorySettings;
    /** Sorted by name, so that the order in the configuration changes nothing. Empty unless users live in Authelia. */
    readonly users: readonly User[];
    readonly access: Access;
    readonly accessTokens: AccessTokens;
    /** People may make tokens for programs that know no OpenID Connect. */
    readonly appTokens: boolean;
    /** Accept desktop apps before 5.3. */
    readonly olderDesktopClients: boolean;
    readonly lifespans: Lifespans;
    /** Undefined: mail is off. */
    readonly smtp?: Smtp;
    readonly images: {
        readonly authelia: Release<AutheliaLine>;
        readonly ocis: Release<OcisLine>;
        readonly caddy: string;
    };
    readonly keepData: boolean;
}

/** Environment variable with the images of this machine, JSON: stack -> server -> image. */
export const MACHINE_IMAGES = "OCIS_AUTHELIA_IMAGES";

/** How a raw configuration value is looked up by its key, without the project's name. */
export type Lookup = (key: string) => string | undefined;

/** The configuration of the running stack. */
export function stackConfiguration(): Lookup {
    // Not pulumi.Config: it warns when a secret is read as a plain value, and the users' names and groups, which decide what
    // resources exist, share a key with their secret digests. The digests are made secret below, however they were set.
    return (key) => pulumi.runtime.getConfig(`${pulumi.getProject()}:${key}`);
}

/**
 * Images that this machine has in the place of the defaults, which it cannot have: `npm run dev` chooses them once for a stack
 * and operations/pulumi.ts hands them over, so that a later run never swaps a server under its data. Empty elsewhere.
 */
function imagesOfThisMachine(): Record<string, unknown> {
    const chosen = JSON.parse(process.env[MACHINE_IMAGES] ?? "{}") as Record<string, Record<string, unknown>>;
    return chosen[pulumi.getStack()] ?? {};
}

/**
 * Name of oCIS's built-in administrator: a user of that name would become him. Source: oCIS 7.0.0,
 * services/idm/ldif/base.ldif.tmpl.
 */
const BUILT_IN_ADMINISTRATOR = "admin";

/** First characters of the digests that Authelia takes. Source: Authelia 4.39.20, internal/configuration/schema/types.go. */
const PASSWORD_DIGEST = /^\$(argon2(id|i|d)|scrypt|pbkdf2(-sha(1|224|256|384|512))?|bcrypt-sha256|2[abxy]?|5|6)\$\S+$/;

/** A DNS label: lower-case letters, digits and inner hyphens, at most 63. */
const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

type Fault = { key: string; value: unknown; allowed: string; cure: string };

/** Collects faults, so that one run reports them all. */
class Checks {
    readonly faults: Fault[] = [];

    constructor(private readonly lookup: Lookup) {}

    /** Notes a fault and goes on. `cure` is a command line, or what to write into the stack's file. */
    fault(key: string, value: unknown, allowed: string, cure: string): void {
        this.faults.push({ key, value, allowed, cure });
    }

    text(key: string): string {
        return this.lookup(key) ?? "";
    }

    port(key: string, least: number, usual: number): number {
        const text = this.text(key);
        const port = Number(text);
        if (text === "" || !Number.isInteger(port) || port < least || port > 65535) {
            this.fault(key, text, `a whole number from ${least} to 65535`, `pulumi config set ${key} ${usual}`);
        }
        return port;
    }

    truth(key: string, usual: boolean): boolean {
        const text = this.text(key);
        if (text !== "true" && text !== "false") {
            this.fault(key, text, "true or false", `pulumi config set ${key} ${usual}`);
        }
        return text === "true";
    }

    /** The object at `key`; faults where it is none or has keys other than `allowed` (if given). */
    object(key: string, allowed?: readonly string[]): Record<string, unknown> {
        let value: unknown;
        try {
            value = JSON.parse(this.text(key) || "{}");
        } catch {
            value = this.text(key); // not JSON, so no object: reported below
        }
        return this.members(key, value, allowed);
    }

    /** `value` as an object; faults as in `object`. `path` is what the messages call it. */
    members(path: string, value: unknown, allowed?: readonly string[]): Record<string, unknown> {
        if (typeof value !== "object" || value === null || Array.isArray(value)) {
            this.fault(path, value, "an object", `pulumi config rm --path ${path}`);
            return {};
        }
        for (const name of Object.keys(value)) {
            if (allowed !== undefined && !allowed.includes(name)) {
                // Its value stays out of the message: it may be a password under a misspelt key.
                this.fault(path, name, `only the keys ${allowed.join(", ")}`, `pulumi config rm --path ${path}.${name}`);
            }
        }
        return value as Record<string, unknown>;
    }
}

function readDomain(checks: Checks): string {
    const domain = checks.text("domain");
    const fault = (allowed: string) => checks.fault("domain", domain, allowed, "pulumi config set domain example.com");
    if (domain === "") {
        fault("the domain under which the cloud is reached, such as example.com; it has no default");
    } else if (isIP(domain) !== 0 || domain.length > 200 || !new RegExp(`^${LABEL}(\\.${LABEL})+$`).test(domain)) {
        fault("a domain in lower case with at least one dot, of letters, digits and hyphens, without scheme, port or path");
    } else if (parse(domain, { allowPrivateDomains: true }).publicSuffix === domain) {
        fault("a domain below a public suffix, because the session cookie spans auth.<domain> and owncloud.<domain>");
    }
    return domain;
}

/** Names that no public authority certifies. Source: RFC 6761, RFC 6762, RFC 8375; ICANN's reservation of "internal". */
const LOCAL_NAMES = /(^|\.)(localhost|local|internal|test|home\.arpa)$/;

/** Addresses on which nobody but the machine itself is reached. Source: RFC 6890. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** What `tls` takes besides `mode`, and in which modes. */
const TLS_KEYS: Record<string, readonly Tls["mode"][]> = {
    email: ["acme"],
    server: ["acme"],
    certificate: ["files"],
    key: ["files"],
    authority: ["acme", "files", "none"],
};

/** A text from a file, which stays off the command line: its dashes would be options there, and a key would be seen. */
const fromFile = (key: string, file: string, ...options: string[]) =>
    ["pulumi config set", ...options, `--path ${key} < ${file}`].join(" ");

/** The certificates in a PEM text; none where one of them cannot be read. */
function certificatesIn(text: unknown): X509Certificate[] {
    const found = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
    try {
        return (typeof text === "string" ? (text.match(found) ?? []) : []).map((pem) => new X509Certificate(pem));
    } catch {
        return []; // reported by the caller
    }
}

/** Root certificates of an authority that is not a public one; none where none are given. */
function readRoots(checks: Checks, key: string, text: unknown): X509Certificate[] {
    const roots = certificatesIn(text);
    if (text !== undefined && roots.length === 0) {
        checks.fault(key, "[certificate]", "root certificates in PEM form", fromFile(key, "root.pem"));
    }
    return roots;
}

function readTls(checks: Checks, { domain, address, httpsPort, httpPort }: Address): Tls {
    // A stack's object replaces the default one whole: `config set --path tls.email` alone leaves no mode.
    const { mode = "acme", ...given } = checks.object("tls", ["mode", ...Object.keys(TLS_KEYS)]);
    for (const [key, modes] of Object.entries(TLS_KEYS)) {
        if (key in given && !modes.some((name) => name === mode)) {
            const allowed = `no such key in mode ${JSON.stringify(mode)}: it belongs to ${modes.join(", ")}`;
            checks.fault("tls", key, allowed, `pulumi config rm --path tls.${key}`);
        }
    }
    const roots = readRoots(checks, "tls.authority", given.authority);
    const authority = roots.length === 0 ? {} : { authority: String(given.authority) };
    const { auth, cloud } = hostsOf({ domain, httpsPort });
    switch (mode) {
        case "acme":
            return { mode, ...readAcme(checks, domain, given), ...authority };
        case "private-ca":
            return { mode };
        case "files":
            return { mode, ...readCertificate(checks, [auth, cloud], given, roots), ...authority };
        case "none":
            if (isIP(address) !== 0 && !LOOPBACK.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")) {
                const reason = "behind a proxy the edge speaks plain HTTP and believes what it is told about clients";
                checks.fault(
                    "address",
                    address,
                    `an address of the loopback, because ${reason}`,
                    "pulumi config set address 127.0.0.1",
                );
            }
            if (httpPort === 0) {
                const reason = 'because with tls.mode "none" the edge has no other';
                checks.fault(
                    "httpPort",
                    httpPort,
                    `the port to which the proxy hands requests, ${reason}`,
                    "pulumi config set httpPort 8080",
                );
            }
            return { mode, ...authority };
        default:
            checks.fault("tls.mode", mode, "acme, private-ca, files or none", "pulumi config set --path tls.mode acme");
            return { mode: "private-ca" };
    }
}

function readAcme(checks: Checks, domain: string, { email, server = "production" }: Record<string, unknown>) {
    const environment = server === "production" || server === "staging" ? server : undefined;
    const url = typeof server === "string" && URL.canParse(server) ? new URL(server) : undefined;
    if (environment === undefined && url?.protocol !== "https:") {
        const allowed = "production, staging (both Let's Encrypt's), or the https URL of an ACME directory";
        checks.fault("tls.server", server, allowed, "pulumi config set --path tls.server production");
    } else if (environment !== undefined && LOCAL_NAMES.test(domain)) {
        checks.fault(
            "tls.mode",
            "acme",
            `private-ca, because no public authority certifies names under ${domain}`,
            "pulumi config set --path tls.mode private-ca",
        );
    }
    if (email !== undefined && !isEmail(email)) {
        checks.fault("tls.email", email, "an e-mail address", "pulumi config set --path tls.email me@example.com");
    }
    return { server: environment ?? url ?? "production", ...(isEmail(email) ? { email } : {}) } as const;
}

/** A certificate that somebody made, and its key: fit for both names, now, for every client that trusts `roots`. */
function readCertificate(
    checks: Checks,
    hosts: readonly Host[],
    { certificate, key }: Record<string, unknown>,
    roots: readonly X509Certificate[],
) {
    const names = hosts.map(({ name }) => name).join(" and ");
    const chain = certificatesIn(certificate);
    const leaf = chain[0];
    const cure = fromFile("tls.certificate", "fullchain.pem");
    const fault = (value: string | undefined, allowed: string) => checks.fault("tls.certificate", value, allowed, cure);
    if (leaf === undefined) {
        const shown = certificate === undefined ? undefined : "[certificate]";
        fault(shown, `the certificate for ${names} in PEM form, and those between it and its root after it`);
    } else {
        const missing = hosts.filter(({ name }) => leaf.checkHost(name) === undefined).map(({ name }) => name);
        if (missing.length > 0) {
            const reason = `this one is not for ${missing.join(", ")}`;
            fault(leaf.subjectAltName ?? leaf.subject, `a certificate for ${names}; ${reason}`);
        }
        if (!(leaf.validFromDate.getTime() <= Date.now() && Date.now() < leaf.validToDate.getTime())) {
            fault(`${leaf.validFrom} to ${leaf.validTo}`, "a certificate that is valid today");
        }
        const descends = (link: X509Certificate) => roots.some((root) => link.checkIssued(root) && link.verify(root.publicKey));
        if (roots.length > 0 && !chain.some(descends)) {
            fault(leaf.issuer, "a certificate that descends from tls.authority, with those between the two after it");
        }
    }
    let secret: KeyObject | undefined;
    try {
        secret = createPrivateKey(String(key));
    } catch {
        const allowed = "the certificate's private key in PEM form, without a passphrase";
        const given = key === undefined ? undefined : "[secret]";
        checks.fault("tls.key", given, allowed, fromFile("tls.key", "privkey.pem", "--secret"));
    }
    if (leaf !== undefined && secret !== undefined && !leaf.checkPrivateKey(secret)) {
        const allowed = "the key that belongs to tls.certificate";
        checks.fault("tls.key", "[secret]", allowed, fromFile("tls.key", "privkey.pem", "--secret"));
    }
    return { certificate: String(certificate), key: pulumi.secret(String(key)) };
}

function isEmail(value: unknown): value is string {
    return typeof value === "string" && /^[^\s@]+@[^\s@]+$/.test(value);
}

function readUser(checks: Checks, name: string, value: unknown): User {
    const path = `users.${name}`;
    const set = (key: string, example: string) => `pulumi config set --path ${path}.${key} '${example}'`;
    const user = checks.members(path, value, ["displayName", "email", "groups", "disabled", "passwordDigest"]);
    const { displayName, email, groups = [], disabled = false, passwordDigest } = user;
    if (!/^[a-z_][a-z0-9._-]{0,63}$/.test(name)) {
        const allowed = "lower-case letters, digits, dots, hyphens and underscores, starting with a letter, at most 64";
        checks.fault("users", name, allowed, `pulumi config rm --path 'users["${name}"]'`);
    } else if (name === BUILT_IN_ADMINISTRATOR) {
        const allowed = "any other name, because oCIS would take this user for its built-in administrator";
        checks.fault("users", name, allowed, `pulumi config rm --path ${path}`);
    }
    if (typeof displayName !== "string" || displayName.trim() === "") {
        checks.fault(`${path}.displayName`, displayName, "the name that others see", set("displayName", "Alice Example"));
    }
    if (!isEmail(email)) {
        checks.fault(`${path}.email`, email, "an e-mail address", set("email", "alice@example.com"));
    }
    if (!isGroups(groups)) {
        checks.fault(`${path}.groups`, groups, "a list of group names", set("groups[0]", "family"));
    }
    if (typeof disabled !== "boolean") {
        checks.fault(`${path}.disabled`, disabled, "true or false", set("disabled", "true"));
    }
    const digest = typeof passwordDigest === "string" && PASSWORD_DIGEST.test(passwordDigest) ? passwordDigest : undefined;
    if (passwordDigest !== undefined && digest === undefined) {
        checks.fault(
            `${path}.passwordDigest`,
            "[secret]",
            "a digest such as $argon2id$v=19$…, made by: docker run --rm -it authelia/authelia authelia crypto hash generate",
            `pulumi config set --secret --path ${path}.passwordDigest '<digest>'`,
        );
    }
    return {
        name,
        displayName: String(displayName),
        email: String(email),
        groups: Array.isArray(groups) ? groups.map(String) : [],
        disabled: disabled === true,
        ...(digest === undefined ? {} : { passwordDigest: pulumi.secret(digest) }),
    };
}

/** A distinguished name: attribute=value pairs with commas between them; a comma in a value follows a backslash. */
const DN = /^[a-z][a-z0-9-]*=(\\.|[^,\\])+(,\s*[a-z][a-z0-9-]*=(\\.|[^,\\])+)*$/i;

/** An LDAP filter that both servers can put between theirs: in parentheses, and without Authelia's placeholders. */
function isFilter(text: string): boolean {
    let depth = 0;
    for (const [index, character] of [...text].entries()) {
        depth += character === "(" ? 1 : character === ")" ? -1 : 0;
        if (depth < 0 || (depth === 0 && index < text.length - 1)) {
            return false;
        }
    }
    return depth === 0 && /^\([^{}]+\)$/.test(text);
}

function isLdapsUrl(text: string): boolean {
    const found = /^ldaps:\/\/[a-z0-9][a-z0-9.-]*(?::([1-9]\d*))?$/i.exec(text);
    return found !== null && Number(found[1] ?? 636) <= 65535;
}

/** What a key of an LDAP schema may hold, and an example. */
function schemaRule(key: keyof LdapSchema): { allowed: string; example: string; holds: (text: string) => boolean } {
    switch (key) {
        case "userBase":
        case "groupBase": {
            const allowed = "a distinguished name relative to baseDn, or an empty text for baseDn itself";
            const example = key === "userBase" ? "ou=people" : "ou=groups";
            return { allowed, example, holds: (text) => text === "" || DN.test(text) };
        }
        case "userFilter": {
            const allowed = "one LDAP filter in parentheses, without braces, or an empty text";
            return { allowed, example: "(employeeType=staff)", holds: (text) => text === "" || isFilter(text) };
        }
        default: {
            const allowed = "the name of an attribute or object class: letters, digits and hyphens";
            return { allowed, example: PRESETS.openldap[key], holds: (text) => /^[a-z][a-z0-9-]*$/i.test(text) };
        }
    }
}

function readDirectory(checks: Checks): DirectorySettings {
    const ldapKeys = ["url", "baseDn", "bindDn", "bindPassword", "preset", "authority", ...SCHEMA_KEYS];
    const directory = checks.object("directory", ["mode", ...ldapKeys]);
    const { mode = "authelia", preset, bindPassword, authority } = directory;
    const set = (key: string, example: string) => `pulumi config set --path directory.${key} '${example}'`;
    if (mode !== "ldap") {
        if (mode !== "authelia" && mode !== "ocis") {
            checks.fault("directory.mode", mode, "authelia, ocis or ldap", set("mode", "authelia"));
            return { mode: "authelia" };
        }
        for (const key of ldapKeys.filter((name) => name in directory)) {
            const cure = `pulumi config rm --path directory.${key}`;
            checks.fault("directory", key, 'no such key: only mode "ldap" uses it', cure);
        }
        return { mode };
    }
    const text = (key: string, allowed: string, example: string, holds: (value: string) => boolean): string => {
        const value = directory[key];
        if (typeof value !== "string" || !holds(value)) {
            checks.fault(`directory.${key}`, value, allowed, set(key, example));
            return "";
        }
        return value;
    };
    if (typeof preset !== "string" || !Object.keys(PRESETS).includes(preset)) {
        checks.fault("directory.preset", preset, Object.keys(PRESETS).join(" or "), set("preset", "openldap"));
    }
    if (typeof bindPassword !== "string" || bindPassword === "") {
        const cure = "pulumi config set --secret --path directory.bindPassword '<password>'";
        checks.fault(
            "directory.bindPassword",
            bindPassword === undefined ? undefined : "[secret]",
            "the password of bindDn",
            cure,
        );
    }
    readRoots(checks, "directory.authority", authority);
    // Neither servers' connection may be read on its way, and oCIS knows no StartTLS. Source: cs3org/reva, pkg/utils/ldap.go.
    const url =
        "ldaps:// with the host that the server's certificate names, and a port unless it is 636 (oCIS knows no StartTLS)";
    const dn = "a distinguished name, such as";
    const schema = Object.fromEntries(
        SCHEMA_KEYS.filter((key) => key in directory).map((key) => {
            const { allowed, example, holds } = schemaRule(key);
            return [key, text(key, allowed, example, holds)];
        }),
    );
    return {
        mode,
        url: text("url", url, "ldaps://ldap.example.com", isLdapsUrl),
        baseDn: text("baseDn", `${dn} dc=example,dc=com`, "dc=example,dc=com", (value) => DN.test(value)),
        bindDn: text("bindDn", `${dn} cn=reader,dc=example,dc=com`, "cn=reader,dc=example,dc=com", (value) => DN.test(value)),
        bindPassword: pulumi.secret(String(bindPassword)),
        ...(typeof authority === "string" ? { authority } : {}),
        ...PRESETS[preset as keyof typeof PRESETS],
        ...schema,
    };
}

function readUsers(checks: Checks, { mode }: DirectorySettings): User[] {
    if (mode !== "authelia") {
        const users = checks.object("users");
        if (Object.keys(users).length > 0) {
            const place = mode === "ocis" ? "are made in oCIS's web interface" : "come from the LDAP server";
            const allowed = `nothing, because with directory.mode "${mode}" users ${place}`;
            checks.fault("users", Object.keys(users), allowed, "pulumi config rm users");
        }
        return [];
    }
    const users = Object.entries(checks.object("users"))
        .map(([name, value]) => readUser(checks, name, value))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (users.length === 0 && checks.faults.every(({ key }) => key !== "users")) {
        const cure =
            "pulumi config set --path users.alice.displayName Alice && pulumi config set --path users.alice.email alice@example.com";
        checks.fault("users", {}, "at least one user, or nobody could sign in", cure);
    }
    for (const [index, { name, email }] of users.entries()) {
        // Authelia lets people sign in by e-mail as well, so it must tell them apart.
        if (users.findIndex((other) => other.email.toLowerCase() === email.toLowerCase()) < index) {
            const cure = `pulumi config set --path users.${name}.email ${name}@example.com`;
            checks.fault(`users.${name}.email`, email, "an address that no other user has", cure);
        }
    }
    return users;
}

function readAccess(checks: Checks, { mode }: DirectorySettings): Access {
    const { policy = "two_factor", groups, administrators } = checks.object("access", ["policy", "groups", "administrators"]);
    if (policy !== "two_factor" && policy !== "one_factor") {
        checks.fault("access.policy", policy, "two_factor or one_factor", "pulumi config set --path access.policy two_factor");
    }
    const list = (name: string, value: unknown, example: string): string[] | undefined => {
        if (value === undefined) {
            return undefined;
        }
        if (isGroups(value) && value.length > 0) {
            return [...new Set(value)].sort();
        }
        const cure = `pulumi config set --path 'access.${name}[0]' ${example}`;
        checks.fault(`access.${name}`, value, "a list of at least one group name", cure);
        return undefined;
    };
    const users = list("groups", groups, "family");
    const leaders = list("administrators", administrators, "parents");
    if (leaders !== undefined && groups === undefined) {
        // oCIS takes the role from the groups alone, and refuses a person of whose groups none stands for a role.
        const allowed = "administrators together with groups, which says who else gets in";
        checks.fault("access.administrators", administrators, allowed, "pulumi config set --path 'access.groups[0]' family");
    }
    if (leaders !== undefined && mode === "ocis") {
        // Its first administrator is in no group, and would be refused for want of a role.
        const allowed = 'nothing: with directory.mode "ocis" administrators are made in oCIS\'s web interface';
        checks.fault("access.administrators", administrators, allowed, "pulumi config rm --path access.administrators");
    }
    return { policy: policy as Access["policy"], groups: users, administrators: leaders ?? [] };
}

/** Of a stack that sets some of them and leaves the rest. Source of the first two: Authelia's oCIS guide. */
const LIFESPANS: Lifespans = { accessToken: "2 days", refreshToken: "3 days", nativeRefreshToken: "30 days" };

/** Ports of mail submission where the address names none. Source: RFC 8314, 3.3 and RFC 6409, 3.1. */
const SUBMISSION_PORTS: Record<string, number> = { submissions: 465, submission: 587 };

function readSmtp(checks: Checks): Smtp | undefined {
    const given = checks.object("smtp", ["address", "sender", "user", "password", "authority"]);
    if (Object.keys(given).length === 0) {
        return undefined;
    }
    const { address, sender, user, password, authority } = given;
    const set = (key: string, example: string) => `pulumi config set --path smtp.${key} '${example}'`;
    const [, scheme = "", host = "", port] = /^(submissions?):\/\/([a-z0-9.-]+)(?::(\d{1,5}))?$/.exec(String(address)) ?? [];
    if (host === "" || (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65535))) {
        const allowed = "submissions://<host>:<port> (TLS, port 465) or submission://<host>:<port> (STARTTLS, port 587)";
        checks.fault("smtp.address", address, allowed, set("address", "submissions://mail.example.com"));
    }
    if (typeof sender !== "string" || !isEmail(/^[^<>\r\n"]+ <([^<>]+)>$/.exec(sender)?.[1] ?? sender)) {
        const allowed = "an e-mail address, with or without a name before it";
        checks.fault("smtp.sender", sender, allowed, set("sender", "Cloud <cloud@example.com>"));
    }
    const account = [user, password].filter((value) => value !== undefined);
    if (account.length === 1 || account.some((value) => typeof value !== "string" || value === "")) {
        const cure = `${set("user", "cloud@example.com")}\n    pulumi config set --path smtp.password --secret`;
        const shown = `user ${JSON.stringify(user)}, password ${password === undefined ? "undefined" : "[secret]"}`;
        checks.fault("smtp", shown, "both user and password, as texts, or neither of them", cure);
    }
    const trusted = readRoots(checks, "smtp.authority", authority).length === 0 ? {} : { authority: String(authority) };
    return {
        host,
        port: Number(port ?? SUBMISSION_PORTS[scheme]),
        encryption: scheme === "submission" ? "starttls" : "implicit",
        sender: String(sender),
        ...(account.length === 0 ? {} : { user: String(user), password: pulumi.secret(String(password)) }),
        ...trusted,
    };
}

function readLifespans(checks: Checks): Lifespans {
    const names = Object.keys(LIFESPANS) as (keyof Lifespans)[];
    const given = { ...LIFESPANS, ...checks.object("lifespans", names) } as Record<keyof Lifespans, unknown>;
    for (const name of names) {
        const value = given[name];
        if (typeof value !== "string" || !/^[1-9]\d* (second|minute|hour|day|week|month|year)s?$/.test(value)) {
            const allowed = 'a whole number and one of seconds, minutes, hours, days, weeks, months, years, such as "2 days"';
            const cure = `pulumi config set --path lifespans.${name} '${LIFESPANS[name]}'`;
            checks.fault(`lifespans.${name}`, value, allowed, cure);
        }
    }
    return given as unknown as Lifespans;
}

/** A name that stands in Authelia's "group:<name>" and in oCIS's mapping of roles. */
function isGroups(value: unknown): value is string[] {
    return Array.isArray(value) && value.every((group) => typeof group === "string" && group.trim() !== "");
}

function readImages(checks: Checks): Settings["images"] {
    const untested = checks.truth("untestedReleases", false);
    const images: Record<string, unknown> = {
        ...imagesOfThisMachine(),
        ...checks.object("images", ["authelia", "ocis", "caddy"]),
    };
    const image = (name: string, usual: string): string => {
        const value = images[name] ?? usual;
        if (typeof value !== "string" || value === "" || /\s/.test(value)) {
            checks.fault(`images.${name}`, value, "the name of an image", `pulumi config set --path images.${name} ${usual}`);
            return usual;
        }
        return value;
    };
    const release = <L extends AutheliaLine | OcisLine>(name: string, server: Parameters<typeof releaseOf<L>>[0]) => {
        const value = image(name, server.image);
        try {
            return releaseOf(server, value, untested);
        } catch (error) {
            const cure =
                `pulumi config set --path images.${name} ${server.image}\n` +
                "    or, if you know that a newer one works: pulumi config set untestedReleases true";
            checks.fault(`images.${name}`, value, (error as Error).message, cure);
            return releaseOf(server, server.image);
        }
    };
    return {
        authelia: release("authelia", AUTHELIA),
        ocis: release("ocis", OCIS),
        caddy: image("caddy", CADDY_IMAGE),
    };
}

/**
 * The stack's settings.
 *
 * @param lookup Raw values by key; the running stack's by default.
 * @throws pulumi.RunError that lists every fault.
 */
export function readSettings(lookup: Lookup = stackConfiguration()): Settings {
    const checks = new Checks(lookup);
    const domain = readDomain(checks);
    const address = checks.text("address");
    if (isIP(address) === 0) {
        checks.fault("address", address, "an IP address of the Docker host", "pulumi config set address 0.0.0.0");
    }
    const httpsPort = checks.port("httpsPort", 1, 443);
    const httpPort = checks.port("httpPort", 0, 80);
    if (httpPort === httpsPort) {
        checks.fault("httpPort", httpPort, "a port other than httpsPort, or 0", "pulumi config set httpPort 0");
    }
    const accessTokens = checks.text("accessTokens");
    if (accessTokens !== "signed" && accessTokens !== "opaque") {
        checks.fault("accessTokens", accessTokens, "signed or opaque", "pulumi config set accessTokens signed");
    }
    const directory = readDirectory(checks);
    const images = readImages(checks);
    const appTokens = checks.truth("appTokens", false);
    if (appTokens && !images.ocis.line.appTokens) {
        const allowed = `false with oCIS ${images.ocis.version}, because app tokens came with 7.0`;
        checks.fault("appTokens", appTokens, allowed, "pulumi config set appTokens false");
    }
    const olderDesktopClients = checks.truth("olderDesktopClients", false);
    if (olderDesktopClients && !images.authelia.line.multipleAuthMethods) {
        const allowed = `false with Authelia ${images.authelia.version}; from 4.38.16 on it can be true`;
        checks.fault("olderDesktopClients", olderDesktopClients, allowed, "pulumi config set olderDesktopClients false");
    }
    const settings: Settings = {
        domain,
        address,
        httpsPort,
        httpPort,
        http3: checks.truth("http3", true),
        tls: readTls(checks, { domain, address, httpsPort, httpPort }),
        directory,
        users: readUsers(checks, directory),
        access: readAccess(checks, directory),
        accessTokens: accessTokens as AccessTokens,
        appTokens,
        olderDesktopClients,
        lifespans: readLifespans(checks),
        smtp: readSmtp(checks),
        images,
        keepData: checks.truth("keepData", true),
    };
    if (checks.faults.length > 0) {
        const lines = checks.faults.map(
            ({ key, value, allowed, cure }) =>
                `${key}: ${JSON.stringify(value) ?? "nothing"} cannot be used. Allowed: ${allowed}.\n    ${cure}`,
        );
        throw new pulumi.RunError(`The stack's configuration has to be mended first.\n  ${lines.join("\n  ")}`);
    }
    return settings;
}
