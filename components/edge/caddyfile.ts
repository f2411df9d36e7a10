/** The Caddyfile of the edge. Pure: the same input gives the same bytes. */
import { Settings } from "../../settings";
import { isPublic } from "../../settings/tls";
import { QueryRewrite, RequestKind, Site } from "../site";

/** Where the edge answers its own health check; on the container's loopback only. */
export const HEALTH_ADDRESS = "127.0.0.1:2020";

export interface CaddyfileInput {
    readonly settings: Pick<Settings, "httpsPort" | "httpPort" | "http3" | "tls">;
    readonly sites: readonly Site[];
    /** Root of the authority that is asked by ACME; a path in the container. */
    readonly root: string;
    /** The certificate of the modes "private-ca" and "files"; paths in the container. */
    readonly certificate: { readonly certificate: string; readonly key: string };
}

/** Let's Encrypt's environment for tests. Source: letsencrypt.org, "Staging Environment". */
const ACME_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory";

/** A year, as the preload lists ask for at least; seconds. */
const HSTS = `header Strict-Transport-Security "max-age=${365 * 24 * 60 * 60}"`;

function indent(lines: readonly string[]): string[] {
    return lines.map((line) => `\t${line}`);
}

function block(head: string, lines: readonly string[]): string[] {
    return [`${head}${head === "" ? "" : " "}{`, ...indent(lines), "}"];
}

/** A matcher, called `name`. */
function requests({ method, path }: RequestKind, name: string): string[] {
    return block(`@${name}`, [`method ${method}`, `path ${path}`]);
}

/** A rewrite as a matcher, called `name`, and the directive that it guards. */
function rewrite({ path, where, parameter, unless, pattern, replacement }: QueryRewrite, name: string): string[] {
    return [
        ...block(`@${name}`, [
            `path ${path}`,
            ...(where === undefined ? [] : [`query ${where.parameter}=${where.value}`]),
            ...(unless === undefined ? [] : [`not expression \`{query.${parameter}}.matches("${unless}")\``]),
        ]),
        `uri @${name} query ${parameter} "${pattern}" "${replacement}"`,
    ];
}

/** Global options that depend on who ends TLS and where the certificates come from. */
function tlsOptions({ settings: { httpsPort, httpPort, http3, tls } }: CaddyfileInput): string[] {
    if (tls.mode === "none") {
        return [
            "auto_https off",
            `http_port ${httpPort}`,
            // Whom the loopback's port forwards appears under a private address. The sites believe no header but the one
            // that names the client, and of that the last entry; see behindProxy.
            ...block("servers", ["trusted_proxies static private_ranges"]),
        ];
    }
    return [
        `https_port ${httpsPort}`,
        ...(httpPort === 0 ? [] : [`http_port ${httpPort}`]),
        // Caddy's own lead to port 443, wherever HTTPS is served.
        "auto_https disable_redirects",
        ...(http3 ? [] : block("servers", ["protocols h1 h2"])),
        ...(tls.mode === "acme" && tls.email !== undefined ? [`email ${tls.email}`] : []),
    ];
}

/** What a site says about its certificate. */
function siteCertificate({ settings: { tls }, root, certificate }: CaddyfileInput): string[] {
    switch (tls.mode) {
        case "acme":
            if (tls.server === "production") {
                return []; // Caddy's default: Let's Encrypt, with another authority in reserve
            }
            // Said for each site: Caddy takes certificates for local names from itself unless a site names its issuer.
            return block(
                "tls",
                block("issuer acme", [
                    `dir ${tls.server === "staging" ? ACME_STAGING : tls.server.href}`,
                    ...(tls.authority === undefined ? [] : [`trusted_roots ${root}`]),
                ]),
            );
        case "private-ca":
        case "files":
            return [`tls ${certificate.certificate} ${certificate.key}`];
        case "none":
            return [];
    }
}

/**
 * The client's address from what the proxy says: what it wrote itself, which is the last entry. Those before came with the
 * request, and Authelia, which counts failed sign-ins by address, would take the first. Source: Authelia 4.39.20,
 * internal/middlewares/authelia_context.go, RemoteIP.
 */
const behindProxy = ['request_header X-Forwarded-For "^.*, *" ""'];

/**
 * Caddy's defaults serve synchronising clients well: TLS 1.2 or newer, bodies of any size and duration, streaming, and
 * forwarded headers of clients overwritten. What is written here is only what differs.
 */
export function caddyfile(input: CaddyfileInput): string {
    const { sites, settings } = input;
    const { httpPort, tls } = settings;
    const options = [
        "admin off",
        "persist_config off",
        // Longer than a request usually takes, shorter than the time that the container has to stop.
        "grace_period 20s",
        ...tlsOptions(input),
    ];
    const site = ({ host, upstream, rewrites, closed = [], refused = [], preceded = [] }: Site) => {
        const { host: authority } = new URL(host.url);
        // The servers name themselves by these, Authelia even its issuer: by the URL that people know, whatever port a request
        // claims, and whatever a proxy in front makes of it.
        const names = [
            `header_up Host ${authority}`,
            `header_up X-Forwarded-Host ${authority}`,
            "header_up X-Forwarded-Proto https",
        ];
        return block(tls.mode === "none" ? `http://${host.name}:${httpPort}` : host.url, [
            ...siteCertificate(input),
            // Where a browser may not verify the site, it must not be told never to come without.
            ...(isPublic(tls) ? [HSTS] : []),
            ...closed.map((path) => `respond ${path} 404`),
            ...refused.flatMap((kind, index) => [...requests(kind, `refused${index}`), `respond @refused${index} 403`]),
            ...preceded.flatMap((kind, index) => [
                ...requests(kind, `preceded${index}`),
                ...block(`reverse_proxy @preceded${index} ${upstream}`, [
                    `rewrite ${kind.by}`,
                    ...names,
                    "@success status 2xx",
                    // Nothing: the request goes on to the server.
                    ...block("handle_response @success", []),
                ]),
            ]),
            ...rewrites.flatMap((each, index) => rewrite(each, `rewrite${index}`)),
            ...(tls.mode === "none" ? behindProxy : []),
            ...block(`reverse_proxy ${upstream}`, [
                ...names,
                // While a server restarts, requests wait for it instead of failing.
                "lb_try_duration 10s",
            ]),
        ]);
    };
    const redirect = ({ host }: Site) => block(`http://${host.name}:${httpPort}`, [`redir ${host.url}{uri} 308`]);
    const redirects = httpPort === 0 || tls.mode === "none" ? [] : sites.flatMap(redirect);
    const health = block(`http://${HEALTH_ADDRESS}`, ["bind 127.0.0.1", "respond 200"]);
    return [...block("", options), ...sites.flatMap(site), ...redirects, ...health, ""].join("\n");
}
