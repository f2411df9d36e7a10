/** ownCloud's clients as an independent OpenID Connect library plays them, over verified TLS. */
import * as oidc from "openid-client";

import { NATIVE_CLIENTS, WEB_CLIENT_ID } from "../../components/ocis/relying-parties";
import { Browser, Credentials } from "./browser";

/** A client with what it really sends. Source: shared scopes and prompt as in each app's source, see docs of the clients. */
export interface Client {
    readonly id: string;
    readonly authentication: oidc.ClientAuth;
    readonly scope: string;
    readonly prompt?: string;
}

/** The web interface, with the scope that oCIS tells it to ask for. */
export const WEB: Client = {
    id: WEB_CLIENT_ID,
    authentication: oidc.None(),
    scope: "openid profile email groups offline_access",
};

/** The desktop app. Source: owncloud/client, src/libsync/theme.cpp and src/gui/creds/oauth.cpp (5.3). */
export const DESKTOP: Client = {
    id: NATIVE_CLIENTS.desktop.clientId,
    authentication: oidc.ClientSecretBasic(NATIVE_CLIENTS.desktop.clientSecret),
    scope: "openid offline_access email profile",
    prompt: "select_account consent",
};

/** The Android app. Source: owncloud/android, 4.7: src in owncloudData and setup.xml. */
export const ANDROID: Client = {
    id: NATIVE_CLIENTS.android.clientId,
    authentication: oidc.ClientSecretPost(NATIVE_CLIENTS.android.clientSecret),
    scope: "openid offline_access email profile",
    prompt: "select_account consent",
};

/** The iOS app. Source: owncloud/ios-sdk, OCAuthenticationMethodOpenIDConnect. */
export const IOS: Client = {
    id: NATIVE_CLIENTS.ios.clientId,
    authentication: oidc.ClientSecretBasic(NATIVE_CLIENTS.ios.clientSecret),
    scope: "openid offline_access email profile",
    prompt: "select_account consent",
};

/** Tokens and the way back to the provider. */
export interface Session {
    readonly configuration: oidc.Configuration;
    readonly tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;
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
    redirectUri: string,
    credentials: Credentials,
    receive: (callback: URL) => Promise<URL> = (callback) => Promise.resolve(callback),
): Promise<Session> {
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
    return { configuration, tokens };
}
