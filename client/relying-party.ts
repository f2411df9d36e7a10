/** ownCloud's clients as an independent OpenID Connect library plays them, over verified TLS. */
import assert from "node:assert/strict";
import * as oidc from "openid-client";
import { Response as Answered } from "undici";

import { NATIVE_CLIENTS, WEB_CLIENT_ID } from "../components/ocis/relying-parties";
import { Answer, Browser, Credentials, Question } from "./browser";

/** A client with what it really sends. Source: shared scopes and prompt as in each app's source, see docs of the clients. */
export interface Client {
    readonly id: string;
    readonly authentication: oidc.ClientAuth;
    readonly scope: string;
    readonly prompt?: string;
    /** Where it takes the code, for a cloud. */
    readonly redirectUri: (cloudUrl: string) => string;
}

/** The web interface, with the scope that oCIS tells it to ask for. */
export const WEB: Client = {
    id: WEB_CLIENT_ID,
    authentication: oidc.None(),
    scope: "openid profile email groups offline_access",
    redirectUri: (cloudUrl) => `${cloudUrl}/oidc-callback.html`,
};

/** The desktop app, on one of the ports that the system might choose. Source: owncloud/client, src/libsync/theme.cpp and src/gui/creds/oauth.cpp (5.3). */
export const DESKTOP: Client = {
    id: NATIVE_CLIENTS.desktop.clientId,
    authentication: oidc.ClientSecretBasic(NATIVE_CLIENTS.desktop.clientSecret),
    scope: "openid offline_access email profile",
    prompt: "select_account consent",
    redirectUri: () => "http://127.0.0.1:38080",
};

/** The Android app. Source: owncloud/android, 4.7: src in owncloudData and setup.xml. */
export const ANDROID: Client = {
    id: NATIVE_CLIENTS.android.clientId,
    authentication: oidc.ClientSecretPost(NATIVE_CLIENTS.android.clientSecret),
    scope: "openid offline_access email profile",
    prompt: "select_account consent",
    redirectUri: () => "oc://android.owncloud.com",
};

/** The iOS app. Source: owncloud/ios-sdk, OCAuthenticationMethodOpenIDConnect. */
export const IOS: Client = {
    id: NATIVE_CLIENTS.ios.clientId,
    authentication: oidc.ClientSecretBasic(NATIVE_CLIENTS.ios.clientSecret),
    scope: "openid offline_access email profile",
    prompt: "select_account consent",
    redirectUri: () => "oc://ios.owncloud.com",
};

/** The four of them. */
export const CLIENTS: Readonly<Record<string, Client>> = { web: WEB, desktop: DESKTOP, android: ANDROID, ios: IOS };

/** Where ownCloud says who asks. */
export const ME = "/graph/v1.0/me";

/** Somebody who has signed in: what the client sends to ownCloud from now on carries the access token. */
export class Session {
    constructor(
        readonly browser: Browser,
        private readonly cloudUrl: string,
        /** The way back to the provider. */
        readonly configuration: oidc.Configuration,
        readonly tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
    ) {}

    get authorization(): string {
        return `Bearer ${this.tokens.access_token}`;
    }

    /** One request to a path of ownCloud, for an answer that is too large to be held. */
    request(path: string): Promise<Answered> {
        return this.browser.request(`${this.cloudUrl}${path}`, { headers: { authorization: this.authorization } });
    }

    /** One request to a path of ownCloud, and its whole answer. */
    ask(path: string, question: Question = {}): Promise<Answer> {
        const headers = { ...(question.headers as Record<string, string>), authorization: this.authorization };
        return this.browser.ask(`${this.cloudUrl}${path}`, { ...question, headers });
    }

    /** Whether ownCloud lets the person in: 200, or how it refuses. */
    async status(): Promise<number> {
        return (await this.ask(ME)).status;
    }

    /** What ownCloud says of the person, who has to be let in. */
    async me(): Promise<Record<string, unknown>> {
        const { status, text } = await this.ask(ME);
        assert.equal(status, 200, text);
        return JSON.parse(text) as Record<string, unknown>;
    }

    /** The session with new tokens, for the refresh token. */
    async refresh(): Promise<Session> {
        const tokens = await oidc.refreshTokenGrant(this.configuration, this.tokens.refresh_token!);
        return new Session(this.browser, this.cloudUrl, this.configuration, tokens);
    }
}

/** What the provider publishes, found from the cloud's URL as the apps find it. */
export async function discover(browser: Browser, cloudUrl: string, client: Client): Promise<oidc.Configuration> {
    const request = (url: string, init: object) => browser.request(url, init) as unknown as Promise<Response>;
    return oidc.discovery(
        new URL(`${cloudUrl}/.well-known/openid-configuration`),
        client.id,
        undefined,
        client.authentication,
        {
            // oCIS answers with the document of its issuer; the apps take the issuer from it, and so does this.
            [oidc.customFetch]: request,
        },
    );
}

/** An authorization request as a client sends it, with what is needed to end it. */
export async function authorizationRequest(
    configuration: oidc.Configuration,
    client: Client,
    redirectUri: string,
    change: Record<string, string | undefined> = {},
) {
    const verifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const nonce = oidc.randomNonce();
    const parameters: Record<string, string | undefined> = {
        redirect_uri: redirectUri,
        scope: client.scope,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state,
        nonce,
        prompt: client.prompt,
        ...change,
    };
    const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const url = oidc.buildAuthorizationUrl(configuration, Object.fromEntries(given));
    return { url, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } };
}

/**
 * Signs a person in: discovery, authorization with PKCE, password, code and consent in the browser, tokens.
 *
 * @param receive Takes the browser's last URL where the client listens for it; by default nobody needs to listen.
 */
export async function signIn(
    browser: Browser,
    cloudUrl: string,
    client: Client,
    credentials: Credentials,
    receive: (callback: URL) => Promise<URL> = (callback) => Promise.resolve(callback),
): Promise<Session> {
    const redirectUri = client.redirectUri(cloudUrl);
    const configuration = await discover(browser, cloudUrl, client);
    const { url, checks } = await authorizationRequest(configuration, client, redirectUri);
    const callback = await receive(await browser.authorize(url, credentials, redirectUri));
    // The library takes the redirect URI from the callback, and a URL object always has a path; the apps' have none.
    configuration[oidc.customFetch] = (address, { body, ...init }) => {
        const form = new URLSearchParams(body as URLSearchParams);
        if (form.has("redirect_uri")) {
            form.set("redirect_uri", redirectUri);
        }
        return browser.request(address, { ...init, body: form }) as unknown as Promise<Response>;
    };
    const tokens = await oidc.authorizationCodeGrant(configuration, callback, checks);
    return new Session(browser, cloudUrl, configuration, tokens);
}
