/**
 * What oCIS reads: its environment, ocis.yaml with every secret (in the place of `ocis init`), and csp.yaml. All pure: the
 * same input gives the same bytes.
 */
import * as pulumi from "@pulumi/pulumi";

import { Settings } from "../../settings";
import { below, LdapDirectory } from "../../settings/ldap";
import { Looks } from "../../settings/looks";
import { Office } from "../../settings/office";
import { Quotas } from "../../settings/quotas";
import { OcisLine } from "../../versions";
import { RoleGroups } from "../access";
import { OcisSecrets } from "../secrets";
import { Closed } from "../site";
import { antivirusEnvironment } from "./antivirus";
import { busEnvironment } from "./bus";
import { webEnvironment, webStyles } from "./looks";
import { officeEnvironment, officeSources } from "./office";
import { projectQuota, roleQuotas } from "./quotas";
import { WEB_CLIENT_ID } from "./relying-parties";
import { searchEnvironment } from "./search";

/** Port of oCIS's proxy, the one way in; its default. */
export const OCIS_PORT = 9200;

/**
 * Port of the proxy's metrics, which are those of all services in the process; its default. Source: oCIS 8.2.0,
 * services/proxy/pkg/config/defaults, and ocis-pkg/service/debug, which hands out what the process has registered.
 */
export const OCIS_METRICS_PORT = 9205;

/**
 * Where oCIS's services send files to each other, and read them: straight to the frontend, in oCIS's own container. By default they take
 * the public URL, and whatever a person writes or reads passes the edge twice, the second time in TLS that oCIS opens to it. Source: oCIS
 * 8.2.0, services/gateway/pkg/revaconfig (datagateway) and services/frontend/pkg/config/defaults; run with it.
 */
export const OCIS_DATA_GATEWAY = "http://127.0.0.1:9140";

/** Where oCIS keeps files, shares, its directory and its indexes. The image gives the folder to the process's user. */
export const OCIS_DATA = "/var/lib/ocis";

/** Claim with a person's groups, which Authelia gives with the scope of the same name. */
const GROUPS_CLAIM = "groups";

/** Port on which oCIS serves its own directory; its default. */
const LDAPS_PORT = 9235;

/** oCIS's own directory, as others on the stack's network read it. Source: oCIS 7.0.0, services/idm/ldif/base.ldif.tmpl. */
export function ocisLdapDirectory(host: string): LdapDirectory {
    return {
        url: `ldaps://${host}:${LDAPS_PORT}`,
        baseDn: "o=libregraph-idm",
        // The account of oCIS's own OpenID Connect provider, in whose place Authelia stands; it may read and nothing else.
        bindDn: "uid=idp,ou=sysusers,o=libregraph-idm",
        userBase: "ou=users",
        userObjectClass: "inetOrgPerson",
        // Set when an administrator forbids somebody to sign in.
        userFilter: "(!(ownCloudUserEnabled=FALSE))",
        userId: "owncloudUUID",
        userName: "uid",
        userMail: "mail",
        userDisplayName: "displayName",
        groupBase: "ou=groups",
        groupObjectClass: "groupOfNames",
        groupId: "owncloudUUID",
        groupName: "cn",
        groupMember: "member",
    };
}

/** Where oCIS finds the people who use it. */
export type OcisDirectory =
    /** In its own directory, into which it puts everybody at the first sign-in; without those who are shut out, by name. */
    | { readonly mode: "authelia"; readonly shutOut: readonly string[] }
    /** In its own directory, which it serves to others with this certificate; paths in the container. */
    | { readonly mode: "ocis"; readonly certificateFile: string; readonly keyFile: string }
    | {
          readonly mode: "ldap";
          readonly ldap: LdapDirectory;
          /** File with the certificates to trust, in the container; the image's own by default. */
          readonly trustFile?: string;
      };

/** Values of a claim that stand for a role in oCIS. Who has none of them is refused. */
export interface RoleValues extends RoleGroups {
    readonly claim: string;
}

/** Claim with the user name. */
const NAME_CLAIM = "preferred_username";

/** Name of oCIS's built-in administrator, as whom the operator acts by an app token. Nobody signs in under it; see settings/users.ts. */
const BUILT_IN_ADMINISTRATOR = "admin";

/**
 * Whether what people are called and which role they have must follow from their user names: oCIS takes whoever shows an app token for
 * somebody who signs in, is told no more by it, and refuses who comes without a claim that it asks for.
 */
export function knowsNamesAlone({ appTokens, directory, images }: Pick<Settings, "appTokens" | "directory" | "images">) {
    return appTokens && images.ocis.line.appTokensAreSignIns && directory.mode === "authelia";
}

/** By which claim oCIS tells the roles that follow from groups: by the groups themselves, or by the names of their members. */
export function roleValues(
    groups: RoleGroups | undefined,
    settings: Pick<Settings, "appTokens" | "directory" | "images" | "users">,
): RoleValues | undefined {
    if (groups === undefined || !knowsNamesAlone(settings)) {
        return groups && { ...groups, claim: GROUPS_CLAIM };
    }
    const members = (of: readonly string[]) =>
        settings.users.filter((user) => user.groups.some((group) => of.includes(group))).map(({ name }) => name);
    return {
        claim: NAME_CLAIM,
        administrators: [BUILT_IN_ADMINISTRATOR, ...members(groups.administrators)],
        users: members(groups.users),
    };
}

/** Of several processes one keeps shares: this one, or that of a host. */
export type Sharing = "here" | { readonly host: string };

export interface OcisEnvironmentInput {
    /** Public URL of ownCloud, without a trailing slash. */
    readonly url: string;
    /** URL of the OpenID Connect provider, without a trailing slash. */
    readonly issuer: string;
    readonly settings: Settings;
    /** Undefined: every new person is a user, and keeps the role that an administrator gives. */
    readonly roles?: RoleValues;
    readonly directory: OcisDirectory;
    /** Folder of ocis.yaml in the container. */
    readonly configDir: string;
    /** Path of csp.yaml in the container; used by lines that have such a policy. */
    readonly cspFile: string;
    /** File with the root certificates of the private authority, if there is one. */
    readonly trustBundle?: string;
    /** Where shares are kept, if several processes work on the same data; undefined for the only one. */
    readonly sharing?: Sharing;
}

/** Authorities that an image trusts. Source: Alpine's package ca-certificates, which oCIS's Dockerfile installs. */
const SYSTEM_TRUST_FILE = "/etc/ssl/certs/ca-certificates.crt";

/**
 * What of a person oCIS only takes over: the web interface does not offer to change it. From 7.0 on the person's own "Change
 * password" goes with it. Source: oCIS 7.0.0, services/frontend/pkg/revaconfig/config.go.
 */
const OWNED_ELSEWHERE = ["user.onPremisesSamAccountName", "user.displayName", "user.mail", "user.passwordProfile"];

/** A value in an LDAP filter. Source: RFC 4515, section 3. */
const ldapEscaped = (value: string) =>
    value.replaceAll(/[\\*()\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, "0")}`);

/**
 * Hides people of oCIS's own directory from the services that look for them: `users`, which everything asks that lets somebody in (access
 * tokens, app tokens, signed URLs, public links), and `graph`. Without the latter the proxy takes a person who is hidden for a new one
 * whose account it has just made, and panics. Source: services/proxy/pkg/middleware/account_resolver.go; run with oCIS 4.0.5 and 8.1.0.
 */
function hidden(names: readonly string[]): Record<string, string> {
    const filter = `(!(|${names.map((name) => `(uid=${ldapEscaped(name)})`).join("")}))`;
    return names.length === 0 ? {} : { USERS_LDAP_USER_FILTER: filter, GRAPH_LDAP_USER_FILTER: filter };
}

/** What of the environment depends on where people are found. */
function directoryEnvironment(directory: OcisDirectory): Record<string, string> {
    switch (directory.mode) {
        case "authelia":
            return {
                // With the guide's "false" oCIS would know nobody, and answer 401 after a good login.
                PROXY_AUTOPROVISION_ACCOUNTS: "true",
                // Authelia decides what a user name is.
                GRAPH_USERNAME_MATCH: "none",
                FRONTEND_READONLY_USER_ATTRIBUTES: OWNED_ELSEWHERE.join(","),
                ...hidden(directory.shutOut),
            };
        case "ocis":
            return {
                PROXY_AUTOPROVISION_ACCOUNTS: "false",
                IDM_LDAPS_ADDR: `0.0.0.0:${LDAPS_PORT}`,
                IDM_LDAPS_CERT: directory.certificateFile,
                IDM_LDAPS_KEY: directory.keyFile,
                OCIS_LDAP_CACERT: directory.certificateFile,
                // By default in a folder that oCIS makes only together with a certificate of its own. Source: run with 7.0.0.
                IDM_DATABASE_PATH: `${OCIS_DATA}/idm.boltdb`,
            };
        case "ldap":
            return ldapEnvironment(directory.ldap, directory.trustFile ?? SYSTEM_TRUST_FILE);
    }
}

/** An LDAP server outside the stack, which oCIS reads and never writes. */
function ldapEnvironment(ldap: LdapDirectory, trustFile: string): Record<string, string> {
    return {
        PROXY_AUTOPROVISION_ACCOUNTS: "false",
        OCIS_LDAP_URI: ldap.url,
        OCIS_LDAP_CACERT: trustFile,
        OCIS_LDAP_INSECURE: "false",
        OCIS_LDAP_BIND_DN: ldap.bindDn,
        OCIS_LDAP_SERVER_WRITE_ENABLED: "false",
        // Leaves identifiers to the server, which has its own.
        GRAPH_LDAP_SERVER_UUID: "true",
        OCIS_LDAP_USER_BASE_DN: below(ldap.baseDn, ldap.userBase),
        OCIS_LDAP_USER_SCOPE: "sub",
        OCIS_LDAP_USER_FILTER: ldap.userFilter,
        OCIS_LDAP_USER_OBJECTCLASS: ldap.userObjectClass,
        OCIS_LDAP_USER_SCHEMA_ID: ldap.userId,
        OCIS_LDAP_USER_SCHEMA_USERNAME: ldap.userName,
        OCIS_LDAP_USER_SCHEMA_MAIL: ldap.userMail,
        OCIS_LDAP_USER_SCHEMA_DISPLAYNAME: ldap.userDisplayName,
        OCIS_LDAP_GROUP_BASE_DN: below(ldap.baseDn, ldap.groupBase),
        OCIS_LDAP_GROUP_SCOPE: "sub",
        OCIS_LDAP_GROUP_OBJECTCLASS: ldap.groupObjectClass,
        OCIS_LDAP_GROUP_SCHEMA_ID: ldap.groupId,
        OCIS_LDAP_GROUP_SCHEMA_GROUPNAME: ldap.groupName,
        OCIS_LDAP_GROUP_SCHEMA_DISPLAYNAME: ldap.groupName,
        OCIS_LDAP_GROUP_SCHEMA_MEMBER: ldap.groupMember,
        // Whom the directory no longer lets in is not found by the filter; oCIS's own attribute for it is not there.
        OCIS_LDAP_DISABLE_USER_MECHANISM: "none",
        FRONTEND_READONLY_USER_ATTRIBUTES: [...OWNED_ELSEWHERE, "user.accountEnabled"].join(","),
    };
}

/** The services that are not started by default, and what they need; the mail server's password is among the secrets. */
function furtherServices({ appTokens, smtp, images }: OcisEnvironmentInput["settings"]): Record<string, string> {
    const services = [...(appTokens ? ["auth-app"] : []), ...(smtp === undefined ? [] : ["notifications"])];
    return {
        ...(services.length === 0 ? {} : { OCIS_ADD_RUN_SERVICES: services.join(",") }),
        ...(appTokens ? { PROXY_ENABLE_APP_AUTH: "true" } : {}),
        ...(smtp === undefined
            ? {}
            : {
                  NOTIFICATIONS_SMTP_HOST: smtp.host,
                  NOTIFICATIONS_SMTP_PORT: String(smtp.port),
                  NOTIFICATIONS_SMTP_SENDER: smtp.sender,
                  NOTIFICATIONS_SMTP_ENCRYPTION: smtp.encryption === "starttls" ? "starttls" : "ssltls",
                  ...(smtp.user === undefined
                      ? { NOTIFICATIONS_SMTP_AUTHENTICATION: "none" }
                      : {
                            NOTIFICATIONS_SMTP_AUTHENTICATION: images.ocis.line.mailAuthentication,
                            NOTIFICATIONS_SMTP_USERNAME: smtp.user,
                        }),
              }),
    };
}

/** Where the contents of files go; everything else stays in its data. */
export function blobStore({ storage: { blobs } }: Pick<Settings, "storage">): Record<string, string> {
    return blobs.mode === "files"
        ? {}
        : {
              STORAGE_USERS_DRIVER: "s3ng",
              STORAGE_USERS_S3NG_ENDPOINT: blobs.endpoint,
              STORAGE_USERS_S3NG_REGION: blobs.region,
              STORAGE_USERS_S3NG_BUCKET: blobs.bucket,
          };
}

/** Port on which the one process that keeps shares is asked by the others; oCIS's default. */
const SHARING_PORT = 9150;

/**
 * What one of several processes is told. Another one may have written to the index of the search, and changed the attributes of files, since
 * it has looked itself. Shares and links it leaves to one: every process would write the one file with all links, and of 400 that were made at
 * once by two processes 92 were lost, while each was said to be there. It has a successor before it ends, because who asks for a folder waits for
 * it, and one that does not answer is waited for longer than anybody has patience. Source: oCIS 8.2.0, services/search/pkg/engine/bleve/index.go,
 * services/storage-users/pkg/config, and owncloud/reva, pkg/publicshare/manager/json/persistence/cs3; run with it
 * (tests/deployment/swarm.test.ts).
 */
function oneOfSeveral(sharing: Sharing): Record<string, string> {
    return {
        SEARCH_ENGINE_BLEVE_SCALE: "true",
        STORAGE_USERS_FILEMETADATA_CACHE_STORE: "noop",
        STORAGE_SYSTEM_CACHE_STORE: "noop",
        ...(sharing === "here"
            ? { SHARING_GRPC_ADDR: `0.0.0.0:${SHARING_PORT}` }
            : {
                  GATEWAY_SHARING_ENDPOINT: `dns:///${sharing.host}:${SHARING_PORT}`,
                  STORAGE_SHARES_USER_SHARE_PROVIDER_ENDPOINT: `dns:///${sharing.host}:${SHARING_PORT}`,
              }),
    };
}

/** The services that run by default and are not wanted: what they do is done elsewhere. */
function servicesElsewhere({ directory, settings, sharing }: OcisEnvironmentInput): string[] {
    return [
        "idp",
        ...(directory.mode === "ldap" ? ["idm"] : []),
        ...(settings.bus.mode === "nats" ? ["nats"] : []),
        ...(sharing === undefined || sharing === "here" ? [] : ["sharing"]),
    ];
}

/**
 * Whether an upload waits until it is done. By default oCIS takes it first, and hands it on by its bus and to the bucket later: where one of
 * them is away then, and be it for the seconds in which NATS chooses a leader, the file is listed, answers 425 for ever, and nobody was told.
 * Source: run with oCIS 8.2.0 (tests/deployment/s3.test.ts, bus.test.ts).
 */
function waitingUploads({ bus, storage: { blobs } }: Pick<Settings, "bus" | "storage">): Record<string, string> {
    return bus.mode === "nats" || blobs.mode === "s3" ? { OCIS_ASYNC_UPLOADS: "false" } : {};
}

/** oCIS's environment. No secret is in it. Values are the guide's where it has one, else those that a note explains. */
export function ocisEnvironment(input: OcisEnvironmentInput): Record<string, string> {
    const { url, issuer, settings, directory, roles, configDir, cspFile, trustBundle, sharing } = input;
    const { line } = settings.images.ocis;
    return {
        OCIS_URL: url,
        GATEWAY_FRONTEND_PUBLIC_URL: OCIS_DATA_GATEWAY,
        // Also the issuer half of every user's id, so it is set from the first start on and for all services.
        OCIS_OIDC_ISSUER: issuer,
        OCIS_CONFIG_DIR: configDir,
        OCIS_BASE_DATA_PATH: OCIS_DATA,
        OCIS_INSECURE: "false",
        OCIS_LOG_LEVEL: "warn",
        // Of all services the proxy alone, which sees each request once.
        ...(settings.requestLogs ? { PROXY_LOG_LEVEL: "info" } : {}),
        OCIS_EXCLUDE_RUN_SERVICES: servicesElsewhere(input).join(","),
        PROXY_HTTP_ADDR: `0.0.0.0:${OCIS_PORT}`,
        PROXY_TLS: "false",
        PROXY_ENABLE_BASIC_AUTH: "false",
        ...(settings.metricsPort === 0 ? {} : { PROXY_DEBUG_ADDR: `0.0.0.0:${OCIS_METRICS_PORT}` }),

        PROXY_OIDC_ISSUER: issuer,
        PROXY_OIDC_REWRITE_WELLKNOWN: "true",
        PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD: settings.accessTokens === "signed" ? "jwt" : "none",
        PROXY_OIDC_SKIP_USER_INFO: "false",
        PROXY_AUTOPROVISION_CLAIM_USERNAME: NAME_CLAIM,
        PROXY_AUTOPROVISION_CLAIM_EMAIL: "email",
        // oCIS refuses whoever comes without this claim.
        PROXY_AUTOPROVISION_CLAIM_DISPLAYNAME: knowsNamesAlone(settings) ? NAME_CLAIM : "name",
        PROXY_AUTOPROVISION_CLAIM_GROUPS: GROUPS_CLAIM,
        PROXY_USER_OIDC_CLAIM: NAME_CLAIM,
        PROXY_USER_CS3_CLAIM: "username",
        ...(roles === undefined
            ? { PROXY_ROLE_ASSIGNMENT_DRIVER: "default" }
            : { PROXY_ROLE_ASSIGNMENT_DRIVER: "oidc", PROXY_ROLE_ASSIGNMENT_OIDC_CLAIM: roles.claim }),
        ...directoryEnvironment(directory),

        WEB_OIDC_CLIENT_ID: WEB_CLIENT_ID,
        // A refresh token renews the session; the hidden frame that would do it otherwise is blocked by Authelia's headers.
        WEB_OIDC_SCOPE: "openid profile email groups offline_access",
        // Authelia offers no logout for relying parties yet; this is its own page.
        WEB_OPTION_LOGOUT_URL: `${issuer}/logout`,
        // "Edit" on the account page. Source: Authelia 4.38.0 and 4.39.21, web/src/constants/Routes.ts; oCIS 4.0.5 to 8.2.0, services/web.
        ...(settings.secondFactors.accountLink
            ? { WEB_OPTION_ACCOUNT_EDIT_LINK_HREF: `${issuer}/settings/two-factor-authentication` }
            : {}),

        ...furtherServices(settings),
        ...blobStore(settings),
        ...waitingUploads(settings),
        ...busEnvironment(settings.bus),
        ...projectQuota(settings.quotas),
        ...webEnvironment(settings.looks),
        ...officeEnvironment(settings.office, url),
        ...antivirusEnvironment(settings.antivirus, OCIS_DATA_GATEWAY),
        ...searchEnvironment(settings.fullTextSearch, OCIS_DATA),
        ...(sharing === undefined ? {} : oneOfSeveral(sharing)),
        ...(line.contentSecurityPolicy ? { PROXY_CSP_CONFIG_FILE_LOCATION: cspFile } : {}),
        ...(trustBundle === undefined ? {} : { SSL_CERT_FILE: trustBundle }),
    };
}

/**
 * oCIS's Content-Security-Policy, which replaces the built-in one: that, the issuer, which the web interface asks for tokens, and the office
 * server, if there is one. Source of the built-in list: oCIS 7.0.0 and 8.2.0, services/proxy/pkg/config/csp.yaml.
 */
export function ocisContentSecurityPolicy(
    issuer: string,
    { fontsInStyles }: Pick<OcisLine, "fontsInStyles">,
    office: Office = { mode: "none" },
) {
    const own = "'self'";
    const shown = officeSources(office);
    return {
        directives: {
            "child-src": [own],
            "connect-src": [own, "blob:", `${issuer}/`, "https://raw.githubusercontent.com/owncloud/awesome-ocis/"],
            "default-src": ["'none'"],
            "font-src": fontsInStyles ? [own, "data:"] : [own],
            "frame-ancestors": [own],
            "frame-src": [own, "blob:", `${issuer}/`, "https://embed.diagrams.net/", ...shown],
            "img-src": [own, "data:", "blob:", "https://raw.githubusercontent.com/owncloud/awesome-ocis/", ...shown],
            "manifest-src": [own],
            "media-src": [own],
            "object-src": [own, "blob:"],
            "script-src": [own, "'unsafe-inline'"],
            "style-src": [own, "'unsafe-inline'"],
        },
    };
}

/**
 * What a person may change of the own account: the language, as the web interface sends it. Elsewhere in such a body stands the name by
 * which oCIS finds people, so that whoever takes the name of somebody who has not signed in yet would be found in that one's place.
 * Source: oCIS 8.0.0, services/graph/pkg/service/v0/users.go, PatchMe; run with it.
 */
const CHANGES_OF_OWN_ACCOUNT: Closed = {
    paths: ["*/graph/v1.0/me*"],
    method: "PATCH",
    unlessBody: '^\\{"preferredLanguage":"[A-Za-z_-]{2,20}"\\}$',
    status: 403,
};

/** What the edge keeps from oCIS. */
export function ocisClosed({ changesOfOwnAccount }: Pick<OcisLine, "changesOfOwnAccount">): Closed[] {
    return changesOfOwnAccount ? [CHANGES_OF_OWN_ACCOUNT] : [];
}

/** Services that act in their own name through the service account (5.0; activitylog 7.0). Source: oCIS, ocis/pkg/init. */
const SERVICES_WITH_ACCOUNT = [
    "activitylog",
    "auth_service",
    "clientlog",
    "frontend",
    "graph",
    "ocm",
    "search",
    "storage_users",
    "userlog",
];

/** A regular expression of Go that matches a text and nothing else. */
const literally = (text: string) => text.replaceAll(/[\\.*+?^${}()|[\]]/g, String.raw`\$&`);

/** Which role of oCIS a value stands for, the mightiest first: oCIS takes the first that matches. */
function roleAssignment({ administrators, users }: RoleGroups, { roleClaimPatterns }: Pick<OcisLine, "roleClaimPatterns">) {
    const mapping = (role: string, values: readonly string[]) =>
        values.map((value) => ({ role_name: role, claim_value: roleClaimPatterns ? literally(value) : value }));
    return { oidc_role_mapper: { role_mapping: [...mapping("admin", administrators), ...mapping("user", users)] } };
}

/** Secrets of accounts at servers outside the stack. */
export interface OcisAccounts {
    /** At the LDAP server; without it every service has an account of its own in oCIS's directory. */
    readonly bindPassword?: string;
    /** At the mail server. */
    readonly smtpPassword?: string;
    /** At the S3 server, both or none. */
    readonly accessKey?: string;
    readonly secretKey?: string;
}

/**
 * oCIS's ocis.yaml: what `ocis init` would write, and what no variable can set: roles, quotas, colours. Older lines overlook the keys
 * that they do not know.
 *
 * @param accounts Of servers outside the stack.
 */
export function ocisYaml(
    secrets: pulumi.Unwrap<OcisSecrets>,
    line: OcisLine,
    roles?: RoleGroups,
    { bindPassword, smtpPassword, accessKey, secretKey }: OcisAccounts = {},
    quotas: Quotas = { roles: {} },
    looks?: Looks,
) {
    const account = {
        service_account: {
            service_account_id: secrets.serviceAccountId,
            service_account_secret: secrets.serviceAccountSecret,
        },
    };
    const bind = (own: string) => ({ ldap: { bind_password: bindPassword ?? own } });
    const services: Record<string, object> = Object.fromEntries(SERVICES_WITH_ACCOUNT.map((name) => [name, account]));
    return {
        token_manager: { jwt_secret: secrets.jwtSecret },
        machine_auth_api_key: secrets.machineAuthApiKey,
        system_user_api_key: secrets.systemUserApiKey,
        transfer_secret: secrets.transferSecret,
        system_user_id: secrets.systemUserId,
        admin_user_id: secrets.adminUserId,
        ...services,
        notifications: {
            ...account,
            ...(smtpPassword === undefined ? {} : { notifications: { SMTP: { smtp_password: smtpPassword } } }),
        },
        proxy: {
            ...account,
            ...(roles === undefined ? {} : { role_assignment: roleAssignment(roles, line) }),
            ...roleQuotas(quotas),
        },
        graph: {
            ...account,
            application: { id: secrets.graphApplicationId },
            identity: bind(secrets.idmPassword),
        },
        idm: {
            service_user_passwords: {
                admin_password: secrets.adminPassword,
                idm_password: secrets.idmPassword,
                reva_password: secrets.revaPassword,
                idp_password: secrets.idpPassword,
            },
        },
        idp: bind(secrets.idpPassword),
        auth_basic: { auth_providers: bind(secrets.revaPassword) },
        users: { drivers: bind(secrets.revaPassword) },
        groups: { drivers: bind(secrets.revaPassword) },
        storage_users: {
            ...account,
            mount_id: secrets.storageUsersMountId,
            ...(accessKey === undefined ? {} : { drivers: { s3ng: { access_key: accessKey, secret_key: secretKey } } }),
        },
        gateway: { storage_registry: { storage_users_mount_id: secrets.storageUsersMountId } },
        thumbnails: { thumbnail: { transfer_secret: secrets.thumbnailsTransferSecret } },
        collaboration: { wopi: { secret: secrets.wopiSecret } },
        ...(looks === undefined ? {} : webStyles(looks)),
        settings: { service_account_ids: [secrets.serviceAccountId] },
    };
}
