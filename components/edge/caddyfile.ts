/** The Caddyfile of the edge. Pure: the same input gives the same bytes. */
import { Host } from "../../hosts";
import { Settings } from "../../settings";
import { isPublic } from "../../settings/tls";
import { Branch, Closed, Guard, JsonMembers, PrecededRequest, QueryRewrite, Queue, Site } from "../site";
import { Published, secondPorts } from "./second-address";

/** Where the edge answers its own health check; on the container's loopback only. */
export const HEALTH_ADDRESS = "127.0.0.1:2020";

/** Where metrics are published, wherever the sites are: whoever reads them is on the Docker host, or comes there by a way of one's own. */
export const METRICS_ADDRESS = "127.0.0.1";

export interface CaddyfileInput {
    readonly settings: Pick<Settings, "engine" | "http3" | "requestLogs" | "tls"> & Published;
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

/**
 * A refusal as a matcher, called `name`, and the directive that it guards. Caddy compares paths decoded, cleaned and in lower case, so
 * that no other spelling gets past. The body is looked at within a route of its own: a matcher's conditions have no order, and every
 * upload would be read for it otherwise. Source: Caddy 2.11.9, modules/caddyhttp, matchers.go and routes.go.
 */
function refusal({ paths, status, method, unlessBody }: Closed, name: string): string[] {
    const matcher = block(`@${name}`, [...(method === undefined ? [] : [`method ${method}`]), `path ${paths.join(" ")}`]);
    if (unlessBody === undefined) {
        return [...matcher, `respond @${name} ${status}`];
    }
    const others = `${name}others`;
    return [
        ...matcher,
        ...block(`route @${name}`, [
            ...block("request_body", ["max_size 1KB"]),
            `@${others} not vars_regexp {http.request.body} \`${unlessBody}\``,
            `respond @${others} ${status}`,
        ]),
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
 * The client's address from what the proxy says: what it wrote itself, which is the last entry of the last such header. Those before
 * came with the request, and Authelia, which counts by address, would take the first. Caddy has put all of them into one header by then,
 * and the proxy's own address at its end. Source: Caddy 2.11.9, modules/caddyhttp/reverseproxy/reverseproxy.go, addForwardedHeaders;
 * Authelia 4.39.20, internal/middlewares/wrap.go, RequestCtxRemoteIP.
 */
const behindProxy = 'header_up X-Forwarded-For "^(.*, *)?([^,]*), *[^,]*$" "$2"';

/** How long a request waits for its turn: for sixty people on two cores it takes 20 seconds. */
const LONGEST_QUEUE = "60s";

/** A server, and what `reverse_proxy` is told of it after the matcher, and within its block. */
interface Upstream {
    readonly to: string;
    readonly lines: readonly string[];
}

/**
 * One process by its name, or as many as the name leads to at the moment: in a swarm to those that can serve, so that one that has gone is
 * not asked for longer than a second. Whoever is asked has to take the connection as fast, or another one is. Source: Caddy 2.11.9,
 * modules/caddyhttp/reverseproxy/upstreams.go.
 */
function upstreamOf({ engine }: Pick<Settings, "engine">, hostAndPort: string): Upstream {
    if (engine.mode !== "swarm") {
        return { to: ` ${hostAndPort}`, lines: [] };
    }
    const [name, port] = hostAndPort.split(":");
    const dynamic = block("dynamic a", [`name ${name}`, `port ${port}`, "refresh 1s", "dial_timeout 1s", "versions ipv4"]);
    return { to: "", lines: [...dynamic, ...block("transport http", ["dial_timeout 1s"])] };
}

/** Asks the upstream something before a request; with its success the request goes on. */
function questionBefore({ method, path, by }: PrecededRequest, name: string, upstream: Upstream, headers: readonly string[]) {
    return [
        ...block(`@${name}`, [`method ${method}`, `path ${path}`]),
        ...block(`reverse_proxy @${name}${upstream.to}`, [
            ...upstream.lines,
            `rewrite ${by}`,
            ...headers,
            "@success status 2xx",
            // Nothing: the request goes on to the server.
            ...block("handle_response @success", []),
        ]),
    ];
}

/**
 * Asks the guard before every request, and passes on what it answers unless that is a success. Source: Caddy 2.11.9,
 * modules/caddyhttp/reverseproxy/forwardauth/caddyfile.go.
 */
function guarded({ upstream, path }: Guard, settings: Pick<Settings, "engine">, headers: readonly string[]): string[] {
    const { to, lines } = upstreamOf(settings, upstream);
    return block(`forward_auth${to}`, [...lines, `uri ${path}`, ...headers, "lb_try_duration 10s"]);
}

/** Lets few requests of a kind through at once. */
function waitingLine({ paths, atOnce }: Queue, upstream: Upstream, headers: readonly string[]): string[] {
    return [
        ...block("@queue", [`path ${paths.join(" ")}`]),
        ...block(`reverse_proxy @queue${upstream.to}`, [
            ...upstream.lines,
            ...headers,
            `unhealthy_request_count ${atOnce}`,
            `lb_try_duration ${LONGEST_QUEUE}`,
            "lb_try_interval 50ms",
        ]),
    ];
}

/** Another server for some requests, under the same conditions: while it restarts they wait. */
function branch({ path, upstream: hostAndPort }: Branch, settings: Pick<Settings, "engine">, headers: readonly string[]) {
    const { to, lines } = upstreamOf(settings, hostAndPort);
    return block(`reverse_proxy ${path}${to}`, [...lines, ...headers, "lb_try_duration 10s"]);
}

/**
 * Fetches an object as the client would, and answers with it and other members. What the client has of it from before does not count:
 * the server knows its own object alone. What is fetched is taken for a template too, hence signs that stand in none. Source: Caddy 2.11.9,
 * modules/caddyhttp/templates/tplcontext.go, which also marks its own requests.
 */
function jsonMembers({ path, members }: JsonMembers, name: string): string[] {
    const own = JSON.stringify(JSON.stringify(members));
    return [
        ...block(`@${name}`, [`path_regexp ${path}`, "not header Caddy-Templates-Include *"]),
        ...block(`route @${name}`, [
            "request_header -If-None-Match",
            "header Content-Type application/json",
            "header Cache-Control no-cache",
            ...block("templates", ["mime application/json", "between <% %>"]),
            `respond \`<%toJson (merge (fromJson ${own}) (fromJson (httpInclude .Req.URL.Path)))%>\``,
        ]),
    ];
}

/** Says what a picture is, and that nothing in it runs or is fetched, also where somebody opens it by itself. */
function svg(paths: readonly string[]): string[] {
    const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox";
    return paths.length === 0
        ? []
        : [
              `@pictures path ${paths.join(" ")}`,
              ...block("header @pictures", [">Content-Type image/svg+xml", `>Content-Security-Policy "${policy}"`]),
          ];
}

/**
 * What every line about a request leaves out; those of errors are there without an access log too. The query, which has authorization codes and
 * signatures, and of an upload by tus its token, which oCIS puts into the path; headers, which have addresses with queries.
 */
const LOG = block(
    "log",
    block("format filter", [
        "request>uri regexp `^(/data/)[^?]*|\\?.*` `$1`",
        ...["request>headers", "request>tls", "resp_headers"].map((field) => `${field} delete`),
    ]),
);

/** Gives each request an id of its own, in the place of one that a client claims, and logs it. */
const LOGGED = ["log", "request_header X-Request-ID {http.request.uuid}"];

/**
 * Counts requests. What is not a site's is named, so that it can be told from people's; before other options of servers, because Caddy takes
 * the first that fits. Source: Caddy 2.11.9, caddyconfig/httpcaddyfile/serveroptions.go.
 */
function counting(metricsPort: number): string[] {
    const named = { health: HEALTH_ADDRESS, metrics: `:${metricsPort}` };
    return ["metrics", ...Object.entries(named).flatMap(([name, listener]) => block(`servers ${listener}`, [`name ${name}`]))];
}

/**
 * Figures of every server at a path that is the server's name. They are a site of their own, which answers to the loopback's names alone: a
 * page that a browser on the Docker host shows comes under the page's, even where its name leads to the loopback.
 */
function metricsSite({ sites, settings: { metricsPort } }: CaddyfileInput): string[] {
    const names = [METRICS_ADDRESS, "localhost"].map((name) => `http://${name}:${metricsPort}`);
    return block(names.join(", "), [
        ...block("handle /edge", ["metrics"]),
        ...sites.flatMap(({ metrics }) =>
            metrics === undefined
                ? []
                : block(`handle /${metrics.server}`, ["rewrite * /metrics", `reverse_proxy ${metrics.upstream}`]),
        ),
        "respond 404",
    ]);
}

/** An address of a site, and the same on a port that the second address leads to. */
const twice = (first: string, url: string, second: number | undefined) =>
    second === undefined ? first : `${first}, ${url}:${second}`;

/**
 * For how long clients remember that a site speaks HTTP/3, and where. Caddy names the port on which it was asked, and of the second
 * address that is one that only the container has. Source: Caddy 2.11.9, modules/caddyhttp/server.go; quic-go 0.63.0, http3/server.go,
 * generateAltSvcHeader.
 */
const altSvc = (httpsPort: number) => `header Alt-Svc \`h3=":${httpsPort}"; ma=2592000\``;

/**
 * Caddy's defaults serve synchronising clients well: TLS 1.2 or newer, bodies of any size and duration, streaming, and
 * forwarded headers of clients overwritten. What is written here is only what differs.
 */
export function caddyfile(input: CaddyfileInput): string {
    const { sites, settings } = input;
    const { httpsPort, httpPort, http3, metricsPort, requestLogs, tls } = settings;
    const second = secondPorts(settings);
    /** Names of a site on plain HTTP. */
    const plain = ({ name }: Host) => twice(`http://${name}:${httpPort}`, `http://${name}`, second?.http);
    const options = [
        "admin off",
        "persist_config off",
        // Longer than a request usually takes, shorter than the time that the container has to stop.
        "grace_period 20s",
        ...(metricsPort === 0 ? [] : counting(metricsPort)),
        ...LOG,
        ...tlsOptions(input),
    ];
    const site = ({ host, upstream: hostAndPort, inside, rewrites, closed = [], preceded = [], queue, ...more }: Site) => {
        const { branches = [], guard, members = [], pictures = [] } = more;
        const upstream = upstreamOf(settings, hostAndPort);
        const { host: authority } = new URL(host.url);
        // The servers name themselves by these, Authelia even its issuer: by the URL that people know, whatever port a request
        // claims, and whatever a proxy in front makes of it.
        const headers = [
            `header_up Host ${authority}`,
            `header_up X-Forwarded-Host ${authority}`,
            "header_up X-Forwarded-Proto https",
            ...(tls.mode === "none" ? [behindProxy] : []),
        ];
        return block(tls.mode === "none" ? plain(host) : twice(host.url, `https://${host.name}`, second?.https), [
            ...siteCertificate(input),
            ...(second === undefined || !http3 || tls.mode === "none" ? [] : [altSvc(httpsPort)]),
            // Where a browser may not verify the site, it must not be told never to come without.
            ...(isPublic(tls) ? [HSTS] : []),
            ...(requestLogs ? LOGGED : []),
            ...closed.flatMap((each, index) => refusal(each, `closed${index}`)),
            ...(guard === undefined ? [] : guarded(guard, settings, headers)),
            ...preceded.flatMap((each, index) => questionBefore(each, `preceded${index}`, upstream, headers)),
            ...rewrites.flatMap((each, index) => rewrite(each, `rewrite${index}`)),
            ...members.flatMap((each, index) => jsonMembers(each, `members${index}`)),
            ...svg(pictures),
            ...(queue === undefined ? [] : waitingLine(queue, upstream, headers)),
            ...branches.flatMap((each) => branch(each, settings, headers)),
            // While a server restarts, requests wait for it instead of failing.
            ...block(`reverse_proxy${upstream.to}`, [
                ...upstream.lines,
                ...headers,
                ...(guard === undefined ? [] : [`header_up Cookie "${guard.cookie}=[^;]*(; *)?" ""`]),
                ...(inside === undefined
                    ? []
                    : [`header_down Location "^${inside.replaceAll(".", String.raw`\.`)}/" "${host.url}/"`]),
                "lb_try_duration 10s",
            ]),
        ]);
    };
    const redirect = ({ host }: Site) => block(plain(host), [`redir ${host.url}{uri} 308`]);
    const redirects = httpPort === 0 || tls.mode === "none" ? [] : sites.flatMap(redirect);
    const health = block(`http://${HEALTH_ADDRESS}`, ["bind 127.0.0.1", "respond 200"]);
    const metrics = metricsPort === 0 ? [] : metricsSite(input);
    return [...block("", options), ...sites.flatMap(site), ...redirects, ...metrics, ...health, ""].join("\n");
}
