/**
 * A person at a browser, without the browser: keeps cookies, trusts one certificate authority and nothing else, and signs in
 * at Authelia by the requests that its own pages send. Source: Authelia 4.39.20 and 4.38.0, internal/handlers.
 */
import { lookup, LookupOptions } from "node:dns";
import { isIP } from "node:net";
import { generateSync } from "otplib";
import { CookieJar } from "tough-cookie";
import { Agent, fetch, Headers, RequestInit, Response } from "undici";

type Found = (
    error: NodeJS.ErrnoException | null,
    address: string | { address: string; family: number }[],
    family?: number,
) => void;

/**
 * Where names lead. Those under .localhost lead to `loopback`, of this machine; Node, unlike browsers and curl, asks DNS for them.
 * Source: RFC 6761, 6.3.
 */
const resolver =
    (loopback: string, family = isIP(loopback)) =>
    (name: string, options: LookupOptions, found: Found): void => {
        const local = name === "localhost" || name.endsWith(".localhost");
        if (!local) {
            lookup(name, options, found);
        } else if (options.all) {
            found(null, [{ address: loopback, family }]);
        } else {
            found(null, loopback, family);
        }
    };

/** Where programs on this machine expect to be found. */
const LOOPBACK = "127.0.0.1";

/** Where a name leads. */
export const resolveName = resolver(LOOPBACK);

/** Options of a TLS connection that verifies against `ca` (PEM) alone; without it against the public authorities. */
export function tlsOptions(ca?: string, loopback = LOOPBACK) {
    return { ...(ca === undefined ? {} : { ca }), lookup: resolver(loopback) as never };
}

/** Headers of HTTP's basic authentication. */
export const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

/** Who signs in, and with what. */
export interface Credentials {
    readonly username: string;
    readonly password: string;
    /** The code of the second factor, asked for once it is needed. */
    readonly code: () => string | Promise<string>;
}

/** For how long an authenticator app shows a code, seconds. */
export const CODE_PERIOD = 30;

/** The code that an authenticator app shows for a secret in base32: now, or at another second since 1970. */
export function totp(secret: string, epoch = Math.floor(Date.now() / 1000)): string {
    return generateSync({ secret, epoch, period: CODE_PERIOD });
}

/** What a server answered, read to its end. */
export interface Answer {
    readonly status: number;
    readonly headers: Headers;
    readonly text: string;
}

/** A request; what is given as `json` is its body, and says so. */
export interface Question extends RequestInit {
    readonly json?: object;
}

/** Authelia refused a step of signing in. */
export class Refused extends Error {
    constructor(
        readonly step: string,
        readonly status: number,
        answer: string,
    ) {
        super(`${step} was refused with ${status}: ${answer}`);
    }
}

/** How the two lines of Authelia call the same things. */
interface Dialect {
    readonly flow: Record<string, unknown>;
    readonly consentId: string;
    readonly consentKey: "flow_id" | "id";
}

export class Browser {
    /** How often the person was asked for consent. */
    consents = 0;
    private readonly jar = new CookieJar();
    private readonly dispatcher: Agent;

    /**
     * @param ca The one authority to trust, PEM; the public ones by default.
     * @param keepConsent Whether the person ticks "remember" where consent is asked for, so that the provider keeps it.
     * @param loopback The address of this machine to which names under .localhost lead.
     */
    constructor(
        ca?: string,
        private readonly keepConsent = true,
        loopback = LOOPBACK,
    ) {
        this.dispatcher = new Agent({ connect: tlsOptions(ca, loopback) });
    }

    /** Ends open connections, so that the process can end. */
    close(): Promise<void> {
        return this.dispatcher.close();
    }

    /** Keeps a cookie, as a header of `url` would set it. */
    async remember(cookie: string, url: string): Promise<void> {
        await this.jar.setCookie(cookie, url);
    }

    /** One request; redirects are returned, not followed. */
    async request(url: string | URL, init: RequestInit = {}): Promise<Response> {
        const cookie = await this.jar.getCookieString(String(url));
        const headers = { ...(init.headers as Record<string, string>), ...(cookie === "" ? {} : { cookie }) };
        const response = await fetch(url, { ...init, headers, redirect: "manual", dispatcher: this.dispatcher });
        for (const line of response.headers.getSetCookie()) {
            await this.jar.setCookie(line, String(url));
        }
        return response;
    }

    /** One request, and its whole answer. */
    async ask(url: string | URL, { json, ...init }: Question = {}): Promise<Answer> {
        const type = { ...(init.headers as Record<string, string>), "content-type": "application/json" };
        const response = await this.request(
            url,
            json === undefined ? init : { method: "POST", ...init, headers: type, body: JSON.stringify(json) },
        );
        return { status: response.status, headers: response.headers, text: await response.text() };
    }

    /** Where `url` redirects to; undefined if it does not. */
    async redirect(url: string | URL): Promise<URL | undefined> {
        const response = await this.request(url);
        await response.body?.cancel();
        const location = response.headers.get("location");
        return location === null ? undefined : new URL(location, url);
    }

    /** Posts JSON and returns `data` of the answer. */
    private async post(step: string, url: URL, body: object): Promise<Record<string, string>> {
        const { status, text } = await this.ask(url, { json: body, headers: { accept: "application/json" } });
        const answer = (text.startsWith("{") ? JSON.parse(text) : {}) as { status?: string; data?: Record<string, string> };
        if (status !== 200 || answer.status !== "OK") {
            throw new Refused(step, status, text);
        }
        return answer.data ?? {};
    }

    /**
     * Follows an authorization request to its end: password, code, consent, as far as each is asked for.
     *
     * @returns The URL that the provider sends the browser to: the redirect URI with a code or an error.
     * @throws Refused where the provider refuses a step.
     */
    async authorize(authorization: URL, credentials: Credentials, redirectUri: string): Promise<URL> {
        let next: URL | undefined = authorization;
        for (let hops = 0; hops < 10; hops++) {
            const location: URL | undefined = await this.redirect(next);
            if (location === undefined) {
                const response = await this.request(next);
                throw new Refused("authorization", response.status, await response.text());
            }
            if (location.href.startsWith(redirectUri)) {
                return location;
            }
            if (location.origin !== authorization.origin) {
                throw new Refused("authorization", 303, `redirects to ${location.href}`);
            }
            next = location.pathname.startsWith("/consent")
                ? await this.consent(location)
                : location.searchParams.has("flow") || location.searchParams.has("workflow")
                  ? await this.signIn(location, credentials)
                  : location;
        }
        throw new Error(`${authorization.href} leads in circles`);
    }

    /** How far this browser is signed in at `issuer`: 0 not at all, 1 by password, 2 by a code too. */
    async authenticationLevel(issuer: string | URL): Promise<number> {
        const { data } = (await (await this.request(new URL("/api/state", issuer))).json()) as {
            data: { authentication_level: number };
        };
        return data.authentication_level;
    }

    /** Ends the session at `issuer`, as its page /logout does. */
    async signOut(issuer: string): Promise<void> {
        await this.post("signing out", new URL("/api/logout", issuer), {});
    }

    /** Has the provider mail a one-time code to the person who is signed in, as its settings page does, and revokes the code. */
    async mailCode(issuer: string): Promise<void> {
        const codes = new URL("/api/user/session/elevation", issuer);
        // Without a body, as Authelia's own page asks.
        const { status, text } = await this.ask(codes, { method: "POST" });
        if (status !== 200) {
            throw new Refused("mailing a code", status, text);
        }
        const { data } = JSON.parse(text) as { data: { delete_id: string } };
        const revoked = await this.ask(new URL(`${codes.pathname}/${data.delete_id}`, codes), { method: "DELETE" });
        if (revoked.status !== 200) {
            throw new Refused("revoking the code", revoked.status, revoked.text);
        }
    }

    private dialect(page: URL): Dialect {
        const flowId = page.searchParams.get("flow_id");
        if (flowId !== null) {
            const flow = { flow: "openid_connect", flowID: flowId };
            return { flow, consentId: flowId, consentKey: "flow_id" };
        }
        const id = page.searchParams.get("consent_id") ?? page.searchParams.get("id") ?? "";
        const workflowId = page.searchParams.get("workflow_id");
        const flow = {
            workflow: "openid_connect",
            ...(workflowId === null ? { targetURL: page.searchParams.get("rd") } : { workflowID: workflowId }),
        };
        return { flow, consentId: id, consentKey: "id" };
    }

    private async signIn(page: URL, { username, password, code }: Credentials): Promise<URL> {
        const { flow } = this.dialect(page);
        const url = (path: string) => new URL(path, page);
        // 4.38 asks for the password on one page and, after a redirect, for the code on the next.
        if ((await this.authenticationLevel(page)) === 0) {
            const answer = { username, password, keepMeLoggedIn: false, ...flow };
            const first = await this.post("the password", url("/api/firstfactor"), answer);
            if (first.redirect !== undefined) {
                return new URL(first.redirect, page);
            }
        }
        const second = await this.post("the code", url("/api/secondfactor/totp"), { token: await code(), ...flow });
        return new URL(second.redirect!, page);
    }

    private async consent(page: URL): Promise<URL> {
        const { consentId, consentKey } = this.dialect(page);
        const asked = await this.request(new URL(`/api/oidc/consent?${consentKey}=${consentId}`, page));
        const { data } = (await asked.json()) as { data: { client_id: string; pre_configuration: boolean } };
        this.consents++;
        const answer = await this.post("the consent", new URL("/api/oidc/consent", page), {
            [consentKey]: consentId,
            client_id: data.client_id,
            consent: true,
            // Only where the page offers it.
            pre_configure: this.keepConsent && data.pre_configuration,
            claims: [],
        });
        return new URL(answer.redirect_uri!, page);
    }
}
