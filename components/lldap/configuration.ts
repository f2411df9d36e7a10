/**
 * What LLDAP is told, and how the accounts come into it by which the servers read the directory. All pure: the same input gives the same
 * bytes. Source of the variables: LLDAP 0.6.3, lldap_config.docker_template.toml and server/src/cli.rs.
 */
import { Hosts } from "../../hosts";
import { LdapDirectory, PRESETS } from "../../settings/ldap";

/** Name on the network. */
export const LLDAP_HOST = "lldap";

/** Port of LDAP with TLS; its default. */
const LDAPS_PORT = 6360;

/** Port of its page and of what that asks; its default. */
export const LLDAP_PORT = 17170;

/** Where its volume is: the image's own folder, which belongs to the process's user. */
export const LLDAP_DATA = "/data";

/** There once the accounts are. Taken away by an operator, they are made again at the next start; see docs/directories.md. */
const ACCOUNTS_MADE = `${LLDAP_DATA}/accounts-made`;

/** Whoever is in it may do everything on LLDAP's page. Source: LLDAP 0.6.3, README.md. */
export const LLDAP_ADMINISTRATORS = "lldap_admin";

/** Whoever is in it is let in nowhere. LLDAP has no switch of its own for that. */
export const DISABLED = "disabled";

/** The first administrator. */
export const FIRST_ADMINISTRATOR = "admin";

/**
 * The accounts of the servers, with what they may: read everybody and set passwords, but not those of administrators; and read everybody.
 * Source: LLDAP 0.6.3, README.md and crates/auth/src/access_control.rs.
 */
const ACCOUNTS = { authelia: "lldap_password_manager", ocis: "lldap_strict_readonly" } as const;

export type Account = keyof typeof ACCOUNTS;

export const ACCOUNT_NAMES = Object.keys(ACCOUNTS) as Account[];

/** Whose passwords are files: of the accounts, and of the administrator who makes them. */
export const WITH_PASSWORD = [FIRST_ADMINISTRATOR, ...ACCOUNT_NAMES] as const;

/** Not the domain: that may change, and people stay. */
const BASE_DN = "dc=cloud";

/** The directory as a server reads it by its account. Those of the servers are no people. */
export function lldapDirectory(account: Account): LdapDirectory {
    const hidden = [...ACCOUNT_NAMES.map((name) => `(uid=${name})`), `(memberof=cn=${DISABLED},ou=groups,${BASE_DN})`];
    return {
        ...PRESETS.lldap,
        userFilter: `(!(|${hidden.join("")}))`,
        url: `ldaps://${LLDAP_HOST}:${LDAPS_PORT}`,
        baseDn: BASE_DN,
        bindDn: `uid=${account},ou=people,${BASE_DN}`,
    };
}

/** Paths of its files in the container, and the folder with those that are secret. */
export interface LldapFiles {
    readonly certificate: string;
    readonly certificateKey: string;
    readonly keySeed: string;
    readonly jwtSecret: string;
    readonly secrets: string;
}

/** LLDAP's environment. No secret is in it. It speaks LDAP without TLS too, which cannot be switched off, and which nothing here uses. */
export function lldapEnvironment(
    { domain, users }: { readonly domain: string; readonly users: Hosts["users"] },
    files: LldapFiles,
): Record<string, string> {
    return {
        LLDAP_ASSETS_PATH: "/app/app",
        LLDAP_DATABASE_URL: `sqlite://${LLDAP_DATA}/users.db?mode=rwc`,
        LLDAP_HTTP_PORT: String(LLDAP_PORT),
        LLDAP_HTTP_URL: users?.url ?? "",
        LLDAP_JWT_SECRET_FILE: files.jwtSecret,
        // Empty: the seed alone makes the key.
        LLDAP_KEY_FILE: "",
        LLDAP_KEY_SEED_FILE: files.keySeed,
        LLDAP_LDAPS_OPTIONS__CERT_FILE: files.certificate,
        LLDAP_LDAPS_OPTIONS__ENABLED: "true",
        LLDAP_LDAPS_OPTIONS__KEY_FILE: files.certificateKey,
        LLDAP_LDAPS_OPTIONS__PORT: String(LDAPS_PORT),
        LLDAP_LDAP_BASE_DN: BASE_DN,
        // Read at the first start alone.
        LLDAP_LDAP_USER_DN: FIRST_ADMINISTRATOR,
        LLDAP_LDAP_USER_EMAIL: `${FIRST_ADMINISTRATOR}@${domain}`,
        LLDAP_LDAP_USER_PASS_FILE: `${files.secrets}/${FIRST_ADMINISTRATOR}`,
    };
}

/** What somebody signs in to LLDAP with, as it takes it. Source: LLDAP 0.6.3, docs/scripting.md. */
export const signInBody = (username: string, password: string) => JSON.stringify({ username, password });

/**
 * The program that the container starts. LLDAP makes one administrator at its first start and no other account, takes accounts by its page's
 * way alone, and passwords by a protocol that nothing in its image speaks but the start itself, which sets the password of whoever is named
 * as its administrator. So it is started once for each account, on the loopback alone, before it serves; the tokens of that time are signed
 * by a secret that ends with it. What is interrupted is begun again at the next start. Source: LLDAP 0.6.3, server/src/main.rs; run with it.
 */
export function lldapStart({ domain, secrets }: { readonly domain: string; readonly secrets: string }): string {
    const http = `http://127.0.0.1:${LLDAP_PORT}`;
    const post = `busybox wget -q -O - --header 'Content-Type: application/json'`;
    return `set -eu
trap 'exit 1' INT TERM

# With the password of its file, whatever it was; only this script reaches it.
start_as() {
    LLDAP_HTTP_HOST=127.0.0.1 LLDAP_LDAP_HOST=127.0.0.1 LLDAP_JWT_SECRET_FILE=/proc/sys/kernel/random/uuid \\
        LLDAP_LDAP_USER_DN="$1" LLDAP_LDAP_USER_PASS_FILE="${secrets}/$1" LLDAP_FORCE_LDAP_USER_PASS_RESET=always \\
        /app/lldap run &
    server=$!
    tries=0
    until busybox wget -q -O /dev/null ${http}/health 2>/dev/null; do
        tries=$((tries + 1))
        test "$tries" -lt 150
        sleep 0.2
    done
    token=$(${post} --post-file "${secrets}/$1.json" ${http}/auth/simple/login | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
    test -n "$token"
}
stop() {
    kill "$server"
    wait "$server" || true
}
# Asks by GraphQL.
ask() {
    query=$(echo "$1" | sed 's/"/\\\\"/g')
    ${post} --header "Authorization: Bearer $token" --post-data "{\\"query\\":\\"$query\\"}" ${http}/api/graphql
}
# What is there already is refused, and that is as well; only what is not there in the end is not.
account() {
    group=$(ask '{groups{displayName id}}' | sed "s/.*\\"$2\\",\\"id\\":\\([0-9]*\\).*/\\1/")
    ask "mutation{createUser(user:{id:\\"$1\\",email:\\"$1@${domain}\\",displayName:\\"$1\\"}){id}}" >/dev/null
    ask "mutation{addUserToGroup(userId:\\"$1\\",groupId:$group){ok}}" >/dev/null
    ask "{user(userId:\\"$1\\"){groups{displayName}}}" | grep -q "\\"$2\\""
}

if [ ! -e ${ACCOUNTS_MADE} ]; then
    start_as ${FIRST_ADMINISTRATOR}
${ACCOUNT_NAMES.map((name) => `    account ${name} ${ACCOUNTS[name]}\n`).join("")}    ask '{groups{displayName}}' | grep -q '"${DISABLED}"' || ask 'mutation{createGroup(name:"${DISABLED}"){id}}' >/dev/null
    stop
${ACCOUNT_NAMES.map((name) => `    start_as ${name}\n    stop\n`).join("")}    touch ${ACCOUNTS_MADE}
fi
exec /app/lldap run
`;
}

/** Whether it serves, with the accounts in it. */
export const LLDAP_READY = `test -e ${ACCOUNTS_MADE} && busybox wget -q -O /dev/null http://127.0.0.1:${LLDAP_PORT}/health`;
