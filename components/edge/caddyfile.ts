/** The Caddyfile of the edge. Pure: the same input gives the same bytes. */
import { Tls } from "../../settings";
import { QueryRewrite, Site } from "../site";

/** Where the edge answers its own health check; on the container's loopback only. */
export const HEALTH_ADDRESS = "127.0.0.1:2020";

export interface CaddyfileInput {
    readonly sites: readonly Site[];
    readonly httpsPort: number;
    /** 0: no plain HTTP, no redirect. */
    readonly httpPort: number;
    readonly tls: Tls;
    /** Certificate and key of the private authority, paths in the container; needed with "private-ca". */
    readonly root: { readonly certificate: string; readonly key: string };
}

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
 * Caddy's defaults serve synchronising clients well: bodies of any size and duration, streaming, and forwarded headers
 * of clients overwritten. What is written here is only what differs.
 */
export function caddyfile({ sites, httpsPort, httpPort, tls, root }: CaddyfileInput): string {
    const options = [
        "admin off",
        "persist_config off",
        `https_port ${httpsPort}`,
        ...(httpPort === 0 ? ["auto_https disable_redirects"] : [`http_port ${httpPort}`]),
        // Longer than a request usually takes, shorter than the time that the container has to stop.
        "grace_period 20s",
        // HTTP/3 needs a UDP port, and none is published.
        ...block("servers", ["protocols h1 h2"]),
        ...(tls.mode === "private-ca"
            ? [
                  "skip_install_trust",
                  ...block(
                      "pki",
                      block(
                          "ca local",
                          block("root", ["format pem_file", `cert ${root.certificate}`, `key ${root.key}`]),
                      ),
                  ),
              ]
            : tls.email === undefined
              ? []
              : [`email ${tls.email}`]),
    ];
    const site = ({ host, upstream, rewrites }: Site) =>
        block(host.url, [
            // The authority renews an intermediate (7 days) and leaves (12 hours) by itself. Source: run with Caddy 2.11.
            ...(tls.mode === "private-ca" ? block("tls", block("issuer internal", ["ca local"])) : []),
            ...(tls.mode === "acme" ? [`header Strict-Transport-Security "max-age=31536000"`] : []),
            ...rewrites.flatMap((each, index) => rewrite(each, `rewrite${index}`)),
            // While a server restarts, requests wait for it instead of failing.
            ...block(`reverse_proxy ${upstream}`, ["lb_try_duration 10s"]),
        ]);
    const health = block(`http://${HEALTH_ADDRESS}`, ["bind 127.0.0.1", "respond 200"]);
    return [...block("", options), ...sites.flatMap(site), ...health, ""].join("\n");
}
