/**
 * What Authelia reads: configuration.yml without any secret, secrets.yml with nothing else, users.yml. Authelia merges the
 * first two. All pure: the same input gives the same bytes.
 */
import { createHash, pbkdf2Sync } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import { Host, Hosts } from "../../hosts";
import { Settings } from "../../settings";
import { LdapDirectory } from "../../settings/ldap";
import { Smtp } from "../../settings/smtp";
import { SecondFactors } from "../../settings/second-factors";
import { User } from "../../settings/users";
import { AutheliaLine } from "../../versions";
import { LLDAP_ADMINISTRATORS } from "../lldap/configuration";
import { RelyingApplication, RelyingParty } from "../relying-party";
import { AutheliaSecrets } from "../secrets";
import { portalConfiguration } from "./looks";
import { Closed, Guard, PrecededRequest, QueryRewrite, Queue } from "../site";
import { rateLimits } from "./rate-limits";
import { AUTHELIA_DATA, sessionStore, storage } from "./state";

/** Port of Authelia's server; its default. */
export const AUTHELIA_PORT = 9091;

/** Port of Authelia's metrics; its default. Source: Authelia's documentation, telemetry.metrics. */
export const AUTHELIA_METRICS_PORT = 9959;

/** The file with the last one-time code, where mail is off. */
export const NOTIFICATIONS = `${AUTHELIA_DATA}/notification.txt`;

/** Where Authelia finds the people who sign in. */
export type AutheliaDirectory =
    /** Path of the users file in the container. */
    { readonly usersFile: string } | { readonly ldap: LdapDirectory };

export interface AutheliaConfigurationInput {
    readonly settings: Settings;
    readonly hosts: Hosts;
    readonly application: RelyingApplication;
    readonly directory: AutheliaDirectory;
    /** Folder in the container with the certificates to trust besides the public authorities', if there are any. */
    readonly trustFolder?: string;
}

/**
 * Digest of a published client secret, in the form that Authelia reads, the same at each run. One thousand rounds: the secret
 * is public, so a slow digest would protect nothing and cost every refresh of every app 0.1 s. Source of the encoding and
 * the cost: Authelia, "Frequently Asked Questions" of OpenID Connect 1.0; go-crypt, algorithm/pbkdf2.
 */
export function clientSecretDigest({ clientId, clientSecret }: { clientId: string; clientSecret: string }): string {
    const rounds = 1000;
    const salt = createHash("sha256").update(clientId).digest().subarray(0, 16);
    const key = pbkdf2Sync(clientSecret, salt, rounds, 64, "sha512");
    const encode = (bytes: Buffer) => bytes.toString("base64").replaceAll("+", ".").replaceAll("=", "");
    return `$pbkdf2-sha512$${rounds}$${encode(salt)}$${encode(key)}`;
}

function client(party: RelyingParty, application: RelyingApplication, line: AutheliaLine) {
    const { clientId, clientSecret } = party;
    return {
        client_id: clientId,
        client_name: party.clientName,
        ...(clientSecret === undefined
            ? { public: true }
            : { public: false, client_secret: clientSecretDigest({ clientId, clientSecret }) }),
        lifespan: party.lifespans.name,
        ...(party.consentLifespan === undefined
            ? {}
            : { consent_mode: "pre-configured", pre_configured_consent_duration: party.consentLifespan }),
        authorization_policy: application.access.groups === undefined ? application.access.policy : application.name,
        require_pkce: true,
        pkce_challenge_method: "S256",
        redirect_uris: [...party.redirectUris],
        ...(line.endSession ? { post_logout_redirect_uris: [...party.postLogoutRedirectUris] } : {}),
        scopes: [...party.scopes],
        response_types: ["code"],
        grant_types: ["authorization_code", "refresh_token"],
        access_token_signed_response_alg: application.accessTokenAlgorithm,
        userinfo_signed_response_alg: "none",
        token_endpoint_auth_method: party.tokenEndpointAuthMethod,
        ...(party.multipleAuthMethods ? { allow_multiple_auth_methods: true } : {}),
    };
}

const SESSION_COOKIE = "__Secure-authelia_session";

/**
 * The cookie of the portal's session, which no other host below the domain is sent. Authelia redirects nowhere outside of a cookie's
 * scope, so who opens the portal by itself stays there. The name is not the default: browsers keep an earlier cookie of that name, for
 * the whole domain and for up to a month, and would send it first. With this prefix they take the cookie over TLS alone.
 * Source: RFC 6265bis, "Cookie Name Prefixes"; Authelia 4.39.20, internal/configuration/validator/session.go.
 */
function sessionCookie({ name, url }: Host) {
    return { name: SESSION_COOKIE, domain: name, authelia_url: url };
}

/** A policy that lets in the members of some groups and nobody else; only needed where there are such groups. */
function authorizationPolicies({ name, access: { policy, groups } }: RelyingApplication) {
    if (groups === undefined) {
        return {};
    }
    // A list of subjects is "any of them"; one within another would be "all of them".
    const rules = [{ policy, subject: groups.map((group) => `group:${group}`) }];
    return { authorization_policies: { [name]: { default_policy: "deny", rules } } };
}

/**
 * Who guards LLDAP's page: this portal, which is asked inside the stack's network. It knows people by their session alone: a request cannot
 * try passwords there. Source: Authelia's documentation, "Server Authz Endpoints".
 */
export function pageGuard(host: string): Guard {
    return { upstream: `${host}:${AUTHELIA_PORT}`, path: "/api/authz/forward-auth", cookie: SESSION_COOKIE };
}

const GUARDING = { "forward-auth": { implementation: "ForwardAuth", authn_strategies: [{ name: "CookieSession" }] } };

/**
 * Forward authentication, which nobody outside needs. It checks passwords, up to 4.38 without counting failures. Source: Authelia 4.38.0,
 * internal/handlers/handler_authz_authn.go.
 */
export const FORWARD_AUTHENTICATION: Closed = { paths: ["/api/verify*", "/api/authz/*"], status: 404 };

/** Memory that Authelia may use, MiB: for itself about 100, and 64 for each password that it checks with an argon2id digest. */
export const AUTHELIA_MEMORY = 1024;

/**
 * Checks of a password. Sixty at once with argon2id digests would take 4 GiB; run with Authelia 4.39.20, which was killed by ten within
 * 512 MiB. Source of the memory: Authelia's documentation, authentication_backend.file.password.argon2.
 */
export const PASSWORD_CHECKS: Queue = { paths: ["/api/firstfactor*", "/api/secondfactor/password*"], atOnce: 8 };

/**
 * Requests that the edge refuses in the place of a release that does not: to delete an authenticator app for the password alone, after
 * which another one is enrolled as if it were the first.
 */
export function unguarded(line: AutheliaLine): Closed[] {
    return line.guardedDeletion ? [] : [{ method: "DELETE", paths: ["/api/secondfactor/totp"], status: 403 }];
}

/**
 * Passkeys by which people sign in, rather than second factors after a password; nothing by default. The device has to check who holds it:
 * else a stolen one is enough to guess the password as often as one likes, because Authelia counts no password that is shown after a passkey.
 * And a passkey alone is two factors by that check only. Source: Authelia 4.39.21, internal/handlers/handler_sign_password.go,
 * internal/regulation/regulator.go (HandleAttempt) and internal/session/user_session.go (AuthenticationLevel).
 */
function webauthn({ passkeys }: SecondFactors) {
    return passkeys === "afterPassword"
        ? {}
        : {
              webauthn: {
                  enable_passkey_login: true,
                  ...(passkeys === "alone" ? { experimental_enable_passkey_uv_two_factors: true } : {}),
                  // "required": what is enrolled can begin, and is not found out to be less when it is needed.
                  selection_criteria: { discoverability: "required", user_verification: "required" },
              },
          };
}

/** The password after a passkey, which nobody is asked for where a passkey alone is enough; see webauthn. */
export function passwordAfterPasskey({ passkeys }: SecondFactors): Closed[] {
    return passkeys === "alone" ? [{ paths: ["/api/secondfactor/password"], status: 404 }] : [];
}

/**
 * Before somebody is sent the code with which a second factor is changed, Authelia is asked about the person, as its own pages do after
 * the password. It notes then who has signed in; whoever is not noted counts as somebody without a second factor, although there is
 * one. Source: Authelia 4.39.20, internal/storage/sql_provider.go, LoadUserInfo, and internal/handlers/handler_user_info.go; run
 * with it and 4.38.0.
 */
export const NOTED_FIRST: PrecededRequest[] = [{ method: "POST", path: "/api/user/session/elevation", by: "/api/user/info" }];

/**
 * What the edge mends in authorization requests: scopes that a client needs and does not ask for, and the prompt of the native
 * apps where Authelia does not know it. Everything else of a request stays as it is.
 */
export function authorizationRewrites({ relyingParties }: RelyingApplication, line: AutheliaLine): QueryRewrite[] {
    const path = "/api/oidc/authorization";
    const scopes = relyingParties.flatMap(({ clientId, unrequestedScopes }) =>
        unrequestedScopes.map((scope) => ({
            path,
            where: { parameter: "client_id", value: clientId },
            parameter: "scope",
            unless: `(^| )${scope}( |$)`,
            pattern: "^(.*)$",
            replacement: `$1 ${scope}`,
        })),
    );
    const prompt = { path, parameter: "prompt", pattern: "(^| *)select_account( *|$)", replacement: "" };
    return line.selectAccount ? scopes : [...scopes, prompt];
}

/** Authelia's connection to an LDAP server, without the password. Its certificate is verified by default. */
function ldapBackend(ldap: LdapDirectory, implementation: "custom" | "lldap") {
    return {
        address: ldap.url,
        implementation,
        base_dn: ldap.baseDn,
        ...(ldap.userBase === "" ? {} : { additional_users_dn: ldap.userBase }),
        users_filter: `(&({username_attribute}={input})(objectClass=${ldap.userObjectClass})${ldap.userFilter})`,
        ...(ldap.groupBase === "" ? {} : { additional_groups_dn: ldap.groupBase }),
        groups_filter: `(&(${ldap.groupMember}={dn})(objectClass=${ldap.groupObjectClass}))`,
        user: ldap.bindDn,
        attributes: {
            username: ldap.userName,
            mail: ldap.userMail,
            display_name: ldap.userDisplayName,
            group_name: ldap.groupName,
        },
    };
}

/** Where one-time codes go: by mail, or into a file that the operator reads. The server's certificate is verified by default. */
function notifier(smtp: Smtp | undefined) {
    if (smtp === undefined) {
        return { filesystem: { filename: NOTIFICATIONS } };
    }
    const { host, port, encryption, sender, user } = smtp;
    return {
        // A mail server that is out of reach must keep nobody out who has a second factor.
        disable_startup_check: true,
        smtp: {
            address: `${encryption === "starttls" ? "submission" : "submissions"}://${host}:${port}`,
            sender,
            ...(user === undefined ? {} : { username: user }),
        },
    };
}

/** Authelia's configuration.yml, which `pulumi preview` shows. */
export function autheliaConfiguration(input: AutheliaConfigurationInput) {
    const { settings, hosts, application, directory, trustFolder } = input;
    const { domain, peopleAtOneAddress, secondFactors, smtp } = settings;
    const { line } = settings.images.authelia;
    const { server: assets, ...looks } = portalConfiguration(settings.looks);
    // The account there may set passwords, and the page there is guarded.
    const inLldap = settings.directory.mode === "lldap";
    const endpoints = {
        ...(line.limits.length === 0 ? {} : { rate_limits: rateLimits(line.limits, peopleAtOneAddress) }),
        ...(inLldap ? { authz: GUARDING } : {}),
    };
    return {
        ...looks,
        server: {
            address: `tcp://:${AUTHELIA_PORT}/`,
            // The image's own check writes into the read-only root; the workload brings a check of its own.
            disable_healthcheck: true,
            ...assets,
            ...(Object.keys(endpoints).length === 0 ? {} : { endpoints }),
        },
        log: { level: "info", format: settings.requestLogs ? "json" : "text" },
        ...(settings.metricsPort === 0
            ? {}
            : { telemetry: { metrics: { enabled: true, address: `tcp://:${AUTHELIA_METRICS_PORT}/metrics` } } }),
        totp: { issuer: domain },
        ...webauthn(secondFactors),
        // The host keeps the time; a start must not depend on a time server that may be out of reach.
        ntp: { disable_startup_check: true },
        ...(trustFolder === undefined ? {} : { certificates_directory: trustFolder }),
        authentication_backend: {
            ...("ldap" in directory
                ? { ldap: ldapBackend(directory.ldap, inLldap ? "lldap" : "custom") }
                : { file: { path: directory.usersFile } }),
            // The users file comes from the stack's configuration: a password changed in Authelia would be lost at the next
            // run. And an LDAP directory outside is only read. The link for a forgotten one goes by mail or nowhere.
            password_reset: { disable: !inLldap || smtp === undefined },
            ...(line.passwordChange ? { password_change: { disable: !inLldap } } : {}),
        },
        // LLDAP's own page asks for as much.
        ...(inLldap ? { password_policy: { standard: { enabled: true, min_length: 8 } } } : {}),
        // Else password and mailbox are enough to replace a second factor.
        identity_validation: { elevated_session: { require_second_factor: true } },
        // OpenID Connect clients carry their own policy. "deny" does not start without a rule, and this one makes the portal
        // offer second factors.
        access_control: {
            default_policy: "deny",
            rules: [
                { domain: [hosts.cloud.name], policy: "two_factor" },
                ...(hosts.users === undefined
                    ? []
                    : [{ domain: [hosts.users.name], policy: "two_factor", subject: `group:${LLDAP_ADMINISTRATORS}` }]),
            ],
        },
        // Said, because 4.38 counts nothing where it is not. Source: Authelia 4.38.0, internal/regulation/regulator.go; run with it.
        regulation: { max_retries: 3 },
        session: { cookies: [sessionCookie(hosts.auth)], ...sessionStore(settings.sessions) },
        storage: storage(settings.database),
        notifier: notifier(smtp),
        identity_providers: {
            oidc: {
                lifespans: {
                    custom: Object.fromEntries(
                        application.relyingParties.map(({ lifespans: { name, accessToken, refreshToken } }) => [
                            name,
                            { access_token: accessToken, refresh_token: refreshToken },
                        ]),
                    ),
                },
                cors: {
                    endpoints: ["authorization", "token", "revocation", "introspection", "userinfo"],
                    // Without a list every https origin may call the endpoints from a browser.
                    allowed_origins: [application.origin],
                },
                ...authorizationPolicies(application),
                clients: application.relyingParties.map((party) => client(party, application, line)),
            },
        },
    };
}

/** Passwords of accounts elsewhere. */
export interface AccountPasswords {
    /** Of the account that searches the LDAP directory, if there is one. */
    readonly bindPassword?: string;
    /** Signs the links by which forgotten passwords are set, where Authelia may set them. */
    readonly passwordResetSecret?: string;
    /** Of the account at the mail server, if there is one. */
    readonly smtpPassword?: string;
    /** Of the account at the database server, if there is one. */
    readonly databasePassword?: string;
    /** Of the account at the servers with the sessions, if there are some. */
    readonly sessionsPassword?: string;
    /** Of the account at those servers' sentinels, if they ask for one. */
    readonly sentinelPassword?: string;
}

/** Authelia's secrets.yml: the keys that configuration.yml leaves out. */
export function autheliaSecretsFile(
    secrets: pulumi.Unwrap<AutheliaSecrets>,
    {
        bindPassword,
        passwordResetSecret,
        smtpPassword,
        databasePassword,
        sessionsPassword,
        sentinelPassword,
    }: AccountPasswords = {},
) {
    return {
        ...(bindPassword === undefined ? {} : { authentication_backend: { ldap: { password: bindPassword } } }),
        ...(passwordResetSecret === undefined
            ? {}
            : { identity_validation: { reset_password: { jwt_secret: passwordResetSecret } } }),
        session: {
            secret: secrets.sessionSecret,
            ...(sessionsPassword === undefined
                ? {}
                : {
                      redis: {
                          password: sessionsPassword,
                          ...(sentinelPassword === undefined
                              ? {}
                              : { high_availability: { sentinel_password: sentinelPassword } }),
                      },
                  }),
        },
        storage: {
            encryption_key: secrets.storageEncryptionKeys[0],
            ...(databasePassword === undefined ? {} : { postgres: { password: databasePassword } }),
        },
        identity_providers: {
            oidc: { hmac_secret: secrets.hmacSecret, jwks: secrets.issuerPrivateKeys.map((key) => ({ key })) },
        },
        ...(smtpPassword === undefined ? {} : { notifier: { smtp: { password: smtpPassword } } }),
    };
}

/** A person in Authelia's users file. */
export type AutheliaUser = Omit<User, "passwordDigest" | "samePerson"> & { readonly passwordDigest: string };

/** Authelia's users.yml. */
export function autheliaUsers(users: readonly AutheliaUser[]) {
    const entries = users.map(({ name, displayName, email, groups, disabled, passwordDigest }) => [
        name,
        { disabled, displayname: displayName, password: passwordDigest, email, groups: [...groups] },
    ]);
    return { users: Object.fromEntries(entries) as Record<string, object> };
}
