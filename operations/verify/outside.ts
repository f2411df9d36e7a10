/** What a client sees of a stack without signing in: names, certificates, TLS, and what both servers publish. */
import assert from "node:assert/strict";
import { LookupAddress } from "node:dns";
import { connect, PeerCertificate, SecureVersion, TLSSocket } from "node:tls";

import { Answer, Browser, Question, resolveName, tlsOptions } from "../../client/browser";
import { WEB } from "../../client/relying-party";
import { allHosts, hostsOf } from "../../hosts";
import { Settings } from "../../settings";
import { isPublic } from "../../settings/tls";
import { FORWARD_AUTHENTICATION } from "../../components/authelia/configuration";
import { RENEWAL_DAYS } from "../certificate";
import { NoServer } from "./causes";
import { Check, Warning } from "./report";

/** What the checks look at. */
export interface Seen {
    readonly settings: Settings;
    /** Root certificates to trust, PEM; the public ones by default. */
    readonly ca?: string;
    /** What commands in cures name. */
    readonly stack: string;
}

/** How long a TLS connection or an answer may take, seconds: longer than the edge waits for a server, which is 10. */
export const PATIENCE_SECONDS = 20;

const DAY = 24 * 60 * 60 * 1000;

/** Whole days from `now` to the end of a certificate, as Node writes it. */
export const daysLeft = (validTo: string, now: number) => Math.floor((Date.parse(validTo) - now) / DAY);

/** Whether a Content-Security-Policy lets scripts connect to an origin. Source: W3C, CSP Level 3, 6.1.2 and 6.7.2. */
export function mayConnect(policy: string, origin: string): boolean {
    const directives = policy.split(";").map((directive) => directive.trim().split(/\s+/));
    const sources = (name: string) => directives.find(([given]) => given?.toLowerCase() === name)?.slice(1);
    const allowed = sources("connect-src") ?? sources("default-src");
    return allowed === undefined || allowed.some((source) => source === "*" || source.replace(/\/$/, "") === origin);
}

/** Whether an answer lets a page of `origin` read it. Source: WHATWG, Fetch, CORS check. */
export const mayRead = ({ headers }: Pick<Answer, "headers">, origin: string) =>
    [origin, "*"].includes(headers.get("access-control-allow-origin") ?? "");

function addresses(name: string): Promise<string[]> {
    return new Promise((resolve, reject) =>
        resolveName(name, { all: true }, (error, found) =>
            error === null ? resolve((found as LookupAddress[]).map(({ address }) => address)) : reject(error),
        ),
    );
}

/** One TLS connection, verified. */
function handshake(url: string, ca: string | undefined, version?: SecureVersion): Promise<[PeerCertificate, string]> {
    const { hostname, port } = new URL(url);
    const only = version && {
        minVersion: version,
        maxVersion: version,
        // Else OpenSSL itself refuses to speak what the server is meant to refuse.
        ...(version === "TLSv1.1" ? { ciphers: "DEFAULT@SECLEVEL=0" } : {}),
    };
    return new Promise((resolve, reject) => {
        const options = { ...tlsOptions(ca), host: hostname, port: Number(port || 443), servername: hostname, ...only };
        const socket: TLSSocket = connect(options);
        const timeout = () => Object.assign(new Error(`no answer in ${PATIENCE_SECONDS} s`), { code: "ETIMEDOUT" });
        socket.setTimeout(PATIENCE_SECONDS * 1000, () => socket.destroy(timeout()));
        socket.on("error", reject);
        socket.on("secureConnect", () => {
            resolve([socket.getPeerCertificate(), socket.getProtocol()!]);
            socket.end();
        });
    });
}

/** One request to a server behind the edge. */
export async function askServer(
    browser: Browser,
    server: NoServer["server"],
    url: string | URL,
    question: Question = {},
): Promise<Answer> {
    const signal = AbortSignal.timeout(PATIENCE_SECONDS * 1000);
    const answer = await browser.ask(url, { ...question, signal }).catch((error: Error) => {
        throw error.name === "TimeoutError" ? new NoServer(server, `no answer in ${PATIENCE_SECONDS} s`) : error;
    });
    if ([502, 503, 504].includes(answer.status)) {
        throw new NoServer(server, `${String(url)} answers ${answer.status}`);
    }
    return answer;
}

interface Discovery {
    readonly issuer: string;
    readonly jwks_uri: string;
    readonly authorization_endpoint: string;
    readonly token_endpoint: string;
    readonly userinfo_endpoint: string;
    readonly revocation_endpoint: string;
    readonly code_challenge_methods_supported?: readonly string[];
}

const DISCOVERY = "/.well-known/openid-configuration";

/** Names of the lines that others need. */
export const LINES = {
    reached: (name: string) => `TLS of ${name}`,
    issuer: "discovery at Authelia",
    relayed: "discovery at ownCloud",
} as const;

/** Everything that needs nobody to sign in. */
export function outsideChecks({ settings, ca, stack }: Seen, browser: Browser): Check[] {
    const hosts = hostsOf(settings);
    const { auth, cloud, users } = hosts;
    const up = `npm run pulumi -- up --stack ${stack}`;
    const own = { cause: "what runs is not what the stack's configuration says", cure: `${up} --refresh` };
    const discover = async (server: NoServer["server"], url: string): Promise<Discovery> => {
        const { status, text } = await askServer(browser, server, url + DISCOVERY);
        assert.equal(status, 200, `${url}${DISCOVERY} answers ${status}`);
        const document = JSON.parse(text) as Discovery;
        assert.equal(document.issuer, auth.url, `names the issuer ${document.issuer}, not ${auth.url}`);
        return document;
    };
    const perHost = allHosts(hosts).flatMap(({ name, url }): Check[] => [
        {
            what: `name ${name}`,
            look: async () => `leads to ${(await addresses(name)).join(", ")}`,
            cause: "the name is not in DNS",
            cure: "make an A or AAAA record for it",
        },
        {
            what: LINES.reached(name),
            needs: [`name ${name}`],
            look: async () => {
                const [{ valid_to: end, issuer }, protocol] = await handshake(url, ca);
                const days = daysLeft(end, Date.now());
                const seen = `${protocol}, certificate of ${String(issuer.O ?? issuer.CN)}, ends ${end} (${days} days)`;
                // The stack's own authority issues for longer, and `up` renews in time; the limit is the same.
                return days < RENEWAL_DAYS
                    ? new Warning(seen, "the certificate was not renewed in time", `${up}; docs/operations.md`)
                    : seen;
            },
            cause: "something else than the edge answers there, or the edge has no certificate for the name yet",
            cure: "docker logs of the edge says what it does about certificates",
        },
        {
            what: `TLS versions of ${name}`,
            needs: [LINES.reached(name)],
            look: async () => {
                await handshake(url, ca, "TLSv1.2");
                await handshake(url, ca, "TLSv1.3");
                const old = await handshake(url, ca, "TLSv1.1").then(
                    () => undefined,
                    (error: Error & { code?: string }) => error,
                );
                assert.ok(old, "TLS 1.1 is accepted");
                // Any other error would not be the server's refusal.
                assert.ok(/PROTOCOL_VERSION|ECONNRESET|HANDSHAKE_FAILURE/.test(old.code ?? ""), old);
                return "1.2 and 1.3; 1.1 is refused";
            },
            cause: "something in front of the edge ends TLS",
            cure: "let it offer TLS 1.2 and 1.3 alone; docs/reverse-proxy.md",
        },
        ...(settings.httpPort === 0 || settings.tls.mode === "none"
            ? []
            : [
                  {
                      what: `HTTP of ${name}`,
                      needs: [`name ${name}`],
                      look: async () => {
                          const target = await browser.redirect(`http://${name}:${settings.httpPort}/`);
                          assert.equal(target?.href, `${url}/`, `leads to ${target?.href ?? "nothing else"}, not ${url}/`);
                          return `leads to ${url}`;
                      },
                      ...own,
                  },
              ]),
        ...(isPublic(settings.tls)
            ? [
                  {
                      what: `HSTS of ${name}`,
                      needs: [LINES.reached(name)],
                      look: async () => {
                          const { headers } = await askServer(browser, name === cloud.name ? "ocis" : "authelia", `${url}/`);
                          const said = headers.get("strict-transport-security");
                          assert.ok(said, "there is no Strict-Transport-Security");
                          return said;
                      },
                      ...own,
                  },
              ]
            : []),
    ]);
    return [
        ...perHost,
        {
            what: LINES.issuer,
            needs: [LINES.reached(auth.name)],
            look: async () => {
                const document = await discover("authelia", auth.url);
                assert.ok(document.code_challenge_methods_supported?.includes("S256"), "PKCE with S256 is not offered");
                const { authorization_endpoint, token_endpoint, userinfo_endpoint, revocation_endpoint, jwks_uri } = document;
                const endpoints = { authorization_endpoint, token_endpoint, userinfo_endpoint, revocation_endpoint, jwks_uri };
                for (const [name, endpoint] of Object.entries(endpoints)) {
                    assert.ok(endpoint?.startsWith(`${auth.url}/`), `${name} is ${String(endpoint)}`);
                }
                return `issuer ${document.issuer}, PKCE S256`;
            },
            ...own,
        },
        {
            what: "signing keys",
            needs: [LINES.issuer],
            look: async () => {
                const { jwks_uri } = await discover("authelia", auth.url);
                const { status, text } = await askServer(browser, "authelia", jwks_uri);
                assert.equal(status, 200, `${jwks_uri} answers ${status}`);
                const { keys } = JSON.parse(text) as { keys: { kty: string }[] };
                assert.ok(keys.length > 0, "there is no key");
                return keys.map(({ kty }) => kty).join(", ");
            },
            ...own,
        },
        {
            what: "CORS for the web interface",
            needs: [LINES.issuer],
            look: async () => {
                const { token_endpoint, userinfo_endpoint, revocation_endpoint } = await discover("authelia", auth.url);
                for (const endpoint of [token_endpoint, userinfo_endpoint, revocation_endpoint]) {
                    const headers = { origin: cloud.url, "access-control-request-method": "POST" };
                    const answer = await askServer(browser, "authelia", endpoint, { method: "OPTIONS", headers });
                    assert.ok(mayRead(answer, cloud.url), `${endpoint} does not allow ${cloud.url}`);
                }
                return `token, userinfo and revocation allow ${cloud.url}`;
            },
            ...own,
        },
        {
            what: "forward authentication",
            needs: [LINES.issuer],
            look: async () => {
                const paths = FORWARD_AUTHENTICATION.paths.map((path) => path.replace("*", ""));
                for (const path of paths) {
                    const { status } = await askServer(browser, "authelia", auth.url + path);
                    assert.equal(status, FORWARD_AUTHENTICATION.status, `${path} answers ${status}`);
                }
                return "closed, as nothing here uses it";
            },
            ...own,
        },
        ...(users === undefined
            ? []
            : [
                  {
                      what: "LLDAP's page",
                      needs: [LINES.reached(users.name), LINES.issuer],
                      look: async () => {
                          // The edge asks Authelia before LLDAP, which sends browsers to its portal and answers others by a status.
                          const headers = { accept: "text/html" };
                          const answer = await askServer(browser, "authelia", `${users.url}/`, { headers });
                          const target = answer.headers.get("location") ?? "nothing else";
                          const leads = `answers ${answer.status} and leads to ${target}, not to ${auth.url}`;
                          assert.ok([302, 303].includes(answer.status) && target.startsWith(`${auth.url}/?`), leads);
                          return `closed to whoever has not signed in at ${auth.url}`;
                      },
                      ...own,
                  },
              ]),
        {
            what: LINES.relayed,
            needs: [LINES.reached(cloud.name), LINES.issuer],
            look: async () => `issuer ${(await discover("ocis", cloud.url)).issuer}`,
            cause: "oCIS cannot reach Authelia by its public name, or does not trust its certificate",
            cure: `${up}; docker logs of oCIS names the error`,
        },
        {
            what: "settings of the web interface",
            needs: [LINES.relayed],
            look: async () => {
                const { status, text } = await askServer(browser, "ocis", `${cloud.url}/config.json`);
                assert.equal(status, 200, `config.json answers ${status}`);
                const { openIdConnect } = JSON.parse(text) as { openIdConnect?: { authority: string; client_id: string } };
                assert.equal(openIdConnect?.authority, auth.url, `names the authority ${String(openIdConnect?.authority)}`);
                assert.equal(openIdConnect?.client_id, WEB.id, `names the client ${String(openIdConnect?.client_id)}`);
                return `client ${WEB.id} of ${auth.url}`;
            },
            ...own,
        },
        {
            what: "policy of the web interface",
            needs: [LINES.relayed],
            look: async () => {
                const { headers } = await askServer(browser, "ocis", `${cloud.url}/`);
                const policy = headers.get("content-security-policy");
                assert.ok(policy, "there is no Content-Security-Policy");
                assert.ok(mayConnect(policy, auth.url), `connect-src does not allow ${auth.url}`);
                return `lets it connect to ${auth.url}`;
            },
            ...own,
        },
    ];
}
