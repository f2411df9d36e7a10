/**
 * The contract between oCIS and Authelia: oCIS declares its relying parties, Authelia registers them. Neither knows the
 * other's configuration.
 */

/** Life of tokens, as Authelia writes durations: "2 days". */
export interface TokenLifespans {
    /** Names them in the provider's configuration. */
    readonly name: string;
    readonly accessToken: string;
    readonly refreshToken: string;
}

/** A client of the OpenID Connect provider, which signs people in by authorization code and PKCE with S256. */
export interface RelyingParty {
    readonly clientId: string;
    /** What people read on the consent page. */
    readonly clientName: string;
    /** Undefined for a public client. */
    readonly clientSecret?: string;
    readonly tokenEndpointAuthMethod: "none" | "client_secret_basic" | "client_secret_post";
    /** Whether it may send its secret in another way at the same time. */
    readonly multipleAuthMethods?: boolean;
    /** Absolute; compared as they stand, but for the port of http://127.0.0.1. */
    readonly redirectUris: readonly string[];
    /** Where it may send a person whom it has signed out of the provider; where the provider offers that. */
    readonly postLogoutRedirectUris: readonly string[];
    readonly scopes: readonly string[];
    readonly lifespans: TokenLifespans;
    /** How long a person's consent is remembered, where that person says so; asked for at each sign-in by default. */
    readonly consentLifespan?: string;
    /** Scopes that the application needs of this client and that it never asks for. */
    readonly unrequestedScopes: readonly string[];
}

/** Who may sign in to an application, and how. */
export interface AccessPolicy {
    /** Factors that a person has to show. */
    readonly policy: "two_factor" | "one_factor";
    /** Only members of one of these; everybody by default. */
    readonly groups?: readonly string[];
}

/** An application with its relying parties, who share the form of their tokens. */
export interface RelyingApplication {
    /** Names the policy in the provider's configuration. */
    readonly name: string;
    readonly access: AccessPolicy;
    /** Signing algorithm of access tokens; "none" makes them opaque. */
    readonly accessTokenAlgorithm: "RS256" | "none";
    /** Origin from which a browser calls the provider. */
    readonly origin: string;
    readonly relyingParties: readonly RelyingParty[];
}
