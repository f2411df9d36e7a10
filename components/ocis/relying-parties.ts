/** The clients of ownCloud as OpenID Connect relying parties. Pure. */
import { Settings } from "../../settings";
import { AccessPolicy, RelyingApplication, RelyingParty } from "../relying-party";

/** Scopes that every client may ask for. Source: Authelia's oCIS guide, "Configuration". */
const SCOPES = ["openid", "offline_access", "groups", "profile", "email"];

/**
 * The native apps' scopes are fixed in them and lack groups, so their tokens do too; oCIS would then empty the groups of
 * whoever signs in with one (owncloud/ocis#11435), and refuse whoever's role comes from a group.
 */
const NATIVE_UNREQUESTED = ["groups"];

/** Client id of the web interface, also told to oCIS as WEB_OIDC_CLIENT_ID. Source: the guide. */
export const WEB_CLIENT_ID = "ocis";

/**
 * Published ids and secrets of ownCloud's native apps; compiled into them, so public by design. Source: Authelia's oCIS
 * guide, "Configuration".
 */
export const NATIVE_CLIENTS = {
    desktop: {
        clientId: "xdXOt13JKxym1B1QcEncf2XDkLAexMBFwiT9j6EfhhHFJhs2KM9jbjTmf8JBXE69",
        clientSecret: "UBntmLjC2yYCeHwsyj73Uwo9TAaecAetRwMw0xYcvNL9yRdLSUi0hUAHfvCHFeFh",
    },
    android: {
        clientId: "e4rAsNUSIUs0lF4nbv9FmCeUkTlV9GdgTLDH1b5uie7syb90SzEVrbN7HIpmWJeD",
        clientSecret: "dInFYGV33xKzhbRmpqQltYNdfLdJIfJ9L5ISoKhNoT9qZftpdWSP71VrpGR9pmoD",
    },
    ios: {
        clientId: "mxd5OQDk6es5LzOzRvidJNfXLUZS2oN3oUFeXPP8LpPrhx3UroJFduGEYIBOxkY1",
        clientSecret: "KFeFWWEZO9TkisIQzR3fo7hfiMXlOpaqP8CFuTbSHzV1TUuGECglPxpiVKJfOXIx",
    },
} as const;

/**
 * What oCIS asks the provider to register.
 *
 * @param url Public URL of ownCloud, without a trailing slash.
 * @param access Who may sign in.
 */
export function ocisRelyingApplication(
    url: string,
    access: AccessPolicy,
    { accessTokens, lifespans, olderDesktopClients }: Pick<Settings, "accessTokens" | "lifespans" | "olderDesktopClients">,
): RelyingApplication {
    const { accessToken, refreshToken, nativeRefreshToken } = lifespans;
    const web = { name: "ocis", accessToken, refreshToken };
    const native = { name: "ocis_native", accessToken, refreshToken: nativeRefreshToken };
    const relyingParties: RelyingParty[] = [
        {
            clientId: WEB_CLIENT_ID,
            clientName: "ownCloud Infinite Scale",
            tokenEndpointAuthMethod: "none",
            redirectUris: [
                `${url}/`,
                `${url}/oidc-callback.html`,
                `${url}/oidc-silent-redirect.html`,
                `${url}/apps/openidconnect/redirect`,
            ],
            // Source: oCIS 8.2.0, web/packages/web-runtime/src/services/auth/userManager.ts.
            postLogoutRedirectUris: [`${url}/`],
            scopes: SCOPES,
            lifespans: web,
            // The native apps ask for consent at each sign-in themselves, by their prompt.
            consentLifespan: "1 year",
            unrequestedScopes: [],
        },
        {
            ...NATIVE_CLIENTS.desktop,
            clientName: "ownCloud Infinite Scale (Desktop Client)",
            tokenEndpointAuthMethod: "client_secret_basic",
            // Apps before 5.3 send their secret by Basic and in the body. Source: owncloud/client, commit 40b29d239.
            multipleAuthMethods: olderDesktopClients,
            redirectUris: ["http://127.0.0.1", "http://localhost"],
            postLogoutRedirectUris: [],
            scopes: SCOPES,
            lifespans: native,
            unrequestedScopes: NATIVE_UNREQUESTED,
        },
        {
            ...NATIVE_CLIENTS.android,
            clientName: "ownCloud Infinite Scale (Android)",
            // The guide says client_secret_basic, which the app has not sent since 4.7. Source: owncloud/android#4575.
            tokenEndpointAuthMethod: "client_secret_post",
            redirectUris: ["oc://android.owncloud.com"],
            postLogoutRedirectUris: [],
            scopes: SCOPES,
            lifespans: native,
            unrequestedScopes: NATIVE_UNREQUESTED,
        },
        {
            ...NATIVE_CLIENTS.ios,
            clientName: "ownCloud Infinite Scale (iOS)",
            tokenEndpointAuthMethod: "client_secret_basic",
            redirectUris: ["oc://ios.owncloud.com", "oc.ios://ios.owncloud.com"],
            postLogoutRedirectUris: [],
            scopes: SCOPES,
            lifespans: native,
            unrequestedScopes: NATIVE_UNREQUESTED,
        },
    ];
    return {
        name: "ocis",
        access,
        accessTokenAlgorithm: accessTokens === "signed" ? "RS256" : "none",
        origin: url,
        relyingParties,
    };
}
