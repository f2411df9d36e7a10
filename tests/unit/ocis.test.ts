/** What oCIS is given, against the guide and against what `ocis init` writes. That it starts on this the deployment proves. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { BUS_PASSWORD_FILE, busFiles, busStart } from "../../components/ocis/bus";
import {
    ocisClosed,
    ocisContentSecurityPolicy,
    ocisEnvironment,
    OcisEnvironmentInput,
    ocisLdapDirectory,
    ocisYaml,
    roleValues,
} from "../../components/ocis/configuration";
import { toYaml } from "../../components/yaml";
import { hostsOf } from "../../hosts";
import { PRESETS } from "../../settings/ldap";
import { settingsOf } from "../configuration";
import { nats, s3 } from "../wrong-inputs";

/** The environment for a release and what a stack says beside GOOD. */
function environmentOf(version: string, more: Partial<OcisEnvironmentInput> = {}, values: object = {}) {
    const settings = settingsOf({ ...values, images: { ocis: `owncloud/ocis:${version}` } });
    const { auth, cloud } = hostsOf(settings);
    return ocisEnvironment({
        url: cloud.url,
        issuer: auth.url,
        settings,
        directory: { mode: "authelia", shutOut: [] },
        configDir: "/run/secrets",
        cspFile: "/etc/ocis/csp.yaml",
        ...more,
    });
}

/** Of the default release. */
const LINE = settingsOf().images.ocis.line;

/** Every value is its own name, so that a test sees where each goes. */
const SECRETS = new Proxy({} as Parameters<typeof ocisYaml>[0], { get: (_, name) => name });

test("signed tokens are verified by oCIS itself", () => {
    assert.equal(environmentOf("8.0.5").PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD, "jwt");
    assert.equal(environmentOf("8.0.5", {}, { accessTokens: "opaque" }).PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD, "none");
});

test("the account page leads to the second factors where a stack says so, on every release", () => {
    for (const version of ["4.0.5", "8.2.0"]) {
        const href = (values: object) => environmentOf(version, {}, values).WEB_OPTION_ACCOUNT_EDIT_LINK_HREF;
        assert.equal(href({}), undefined);
        assert.equal(href({ secondFactors: { passkeys: "alone" } }), undefined);
        assert.equal(
            href({ secondFactors: { accountLink: true } }),
            "https://auth.example.com/settings/two-factor-authentication",
        );
    }
});

test("an upload waits until it is done, where what it takes may be away", () => {
    assert.equal(environmentOf("8.2.0").OCIS_ASYNC_UPLOADS, undefined);
    assert.equal(environmentOf("8.2.0", {}, nats()).OCIS_ASYNC_UPLOADS, "false");
    assert.equal(environmentOf("8.2.0", {}, s3()).OCIS_ASYNC_UPLOADS, "false");
});

test("metrics are open on the stack's network where they are asked for", () => {
    assert.equal(environmentOf("8.2.0").PROXY_DEBUG_ADDR, undefined);
    assert.equal(environmentOf("8.2.0", {}, { metricsPort: 9464 }).PROXY_DEBUG_ADDR, "0.0.0.0:9205");
});

test("of a service that logs each request there is one, where that is asked for", () => {
    const { OCIS_LOG_LEVEL, PROXY_LOG_LEVEL } = environmentOf("8.2.0", {}, { requestLogs: true });
    assert.deepEqual([OCIS_LOG_LEVEL, PROXY_LOG_LEVEL], ["warn", "info"]);
    assert.equal(environmentOf("8.2.0").PROXY_LOG_LEVEL, undefined);
});

test("of several processes one keeps shares, and none keeps what another one may have changed", () => {
    const here = environmentOf("8.2.0", { sharing: "here" });
    const elsewhere = environmentOf("8.2.0", { sharing: { host: "ocis-shares" } });
    assert.equal(here.OCIS_EXCLUDE_RUN_SERVICES, "idp");
    assert.equal(here.SHARING_GRPC_ADDR, "0.0.0.0:9150");
    assert.equal(elsewhere.OCIS_EXCLUDE_RUN_SERVICES, "idp,sharing");
    assert.equal(elsewhere.GATEWAY_SHARING_ENDPOINT, "dns:///ocis-shares:9150");
    assert.equal(elsewhere.STORAGE_SHARES_USER_SHARE_PROVIDER_ENDPOINT, "dns:///ocis-shares:9150");
    const names = ["SEARCH_ENGINE_BLEVE_SCALE", "STORAGE_USERS_FILEMETADATA_CACHE_STORE", "STORAGE_SYSTEM_CACHE_STORE"];
    const valuesOf = (environment: Record<string, string>) => names.map((name) => environment[name]);
    assert.deepEqual([here, elsewhere].map(valuesOf), Array(2).fill(["true", "noop", "noop"]));
    assert.deepEqual(valuesOf(environmentOf("8.2.0")), [undefined, undefined, undefined]);
});

test("a bus outside is reached over TLS, for everything that oCIS tells and remembers, and its password is in no environment", () => {
    const servers = ["nats-1.example.com", "nats-2.example.com:4223"];
    const values = nats({ servers, user: "ocis", password: "canary-bus" });
    const environment = environmentOf("8.2.0", {}, values);
    assert.equal(environment.OCIS_EXCLUDE_RUN_SERVICES, "idp,nats");
    assert.equal(environment.OCIS_EVENTS_ENABLE_TLS, "true");
    const { bus } = settingsOf(values);
    const [script] = busStart(bus).command;
    const told = { OCIS_EVENTS: "ENDPOINT", OCIS_CACHE: "STORE_NODES", OCIS_PERSISTENT_STORE: "NODES" };
    for (const [part, list] of Object.entries(told)) {
        assert.equal(environment[`${part}_${list}`], "tls://nats-1.example.com:4222,tls://nats-2.example.com:4223");
        assert.equal(environment[`${part}_AUTH_USERNAME`], "ocis");
        assert.ok(script!.includes(`${part}_AUTH_PASSWORD="$password"`), part);
    }
    assert.match(script!, /nc -w 2 nats-1\.example\.com 4222 .*\|\| busybox nc -w 2 nats-2\.example\.com 4223 /);
    assert.doesNotMatch(JSON.stringify([environment, script]), /canary/);
    assert.deepEqual(
        busFiles(bus).map(({ name }) => `/run/secrets/${name}`),
        [BUS_PASSWORD_FILE],
    );
});

test("no switch weakens TLS, and no value of the environment is a secret", () => {
    for (const version of ["4.0.5", "5.0.9", "7.0.0", "8.0.5"]) {
        for (const [name, value] of Object.entries(environmentOf(version))) {
            assert.ok(!/INSECURE|SKIP_VERIFY/.test(name) || value === "false", name);
            assert.doesNotMatch(name, /SECRET|PASSWORD|API_KEY/);
        }
    }
});

test("whoever is shut out is hidden from the services that let people in and make accounts, and nobody else is", () => {
    const environment = environmentOf("8.0.5", { directory: { mode: "authelia", shutOut: ["a.b", "c*(d)"] } });
    for (const service of ["USERS", "GRAPH"]) {
        assert.equal(environment[`${service}_LDAP_USER_FILTER`], String.raw`(!(|(uid=a.b)(uid=c\2a\28d\29)))`);
    }
    assert.ok(!Object.keys(environmentOf("8.0.5")).some((name) => name.endsWith("USER_FILTER")));
});

test("a line with a Content-Security-Policy is given one that lets the web interface reach the issuer", () => {
    assert.equal(environmentOf("7.0.0").PROXY_CSP_CONFIG_FILE_LOCATION, "/etc/ocis/csp.yaml");
    assert.ok(!("PROXY_CSP_CONFIG_FILE_LOCATION" in environmentOf("5.0.9")));
    const { directives } = ocisContentSecurityPolicy("https://auth.example.com", { fontsInStyles: false });
    assert.ok(directives["connect-src"].includes("https://auth.example.com/"));
    assert.ok(directives["frame-src"].includes("https://auth.example.com/"));
    assert.deepEqual(directives["default-src"], ["'none'"]);
    assert.deepEqual(directives["font-src"], ["'self'"]);
    const later = ocisContentSecurityPolicy("https://auth.example.com", { fontsInStyles: true });
    assert.deepEqual(later.directives["font-src"], ["'self'", "data:"]);
});

test("the private authority is trusted through a file, and only where there is one", () => {
    assert.equal(environmentOf("8.0.5", { trustBundle: "/etc/ocis/root.pem" }).SSL_CERT_FILE, "/etc/ocis/root.pem");
    assert.ok(!("SSL_CERT_FILE" in environmentOf("8.0.5")));
});

test("ocis.yaml holds everything that ocis init generates", () => {
    const yaml = ocisYaml(SECRETS, LINE);
    const bind = (password: string) => ({ ldap: { bind_password: password } });
    assert.equal(yaml.token_manager.jwt_secret, "jwtSecret");
    assert.deepEqual(yaml.users.drivers, bind("revaPassword"));
    assert.deepEqual(yaml.groups.drivers, bind("revaPassword"));
    assert.deepEqual(yaml.auth_basic.auth_providers, bind("revaPassword"));
    assert.deepEqual(yaml.idp, bind("idpPassword"));
    assert.deepEqual(yaml.graph.identity, bind("idmPassword"));
    assert.deepEqual(yaml.idm.service_user_passwords, {
        admin_password: "adminPassword",
        idm_password: "idmPassword",
        reva_password: "revaPassword",
        idp_password: "idpPassword",
    });
    assert.equal(yaml.storage_users.mount_id, yaml.gateway.storage_registry.storage_users_mount_id);
    assert.deepEqual(yaml.settings.service_account_ids, [yaml.graph.service_account.service_account_id]);
    const text = toYaml(yaml);
    for (const service of ["activitylog", "auth_service", "clientlog", "frontend", "notifications", "ocm", "userlog"]) {
        assert.match(text, new RegExp(`^${service}:\\n {2}service_account:`, "m"));
    }
});

test("roles come from groups where some administer, the mightiest first", () => {
    const roles = { claim: "groups", administrators: ["parents"], users: ["family", "guests"] };
    const environment = environmentOf("7.0.0", { roles });
    assert.equal(environment.PROXY_ROLE_ASSIGNMENT_DRIVER, "oidc");
    assert.equal(environment.PROXY_ROLE_ASSIGNMENT_OIDC_CLAIM, "groups");
    assert.deepEqual(ocisYaml(SECRETS, LINE, roles).proxy, {
        ...ocisYaml(SECRETS, LINE).proxy,
        role_assignment: {
            oidc_role_mapper: {
                role_mapping: [
                    { role_name: "admin", claim_value: "parents" },
                    { role_name: "user", claim_value: "family" },
                    { role_name: "user", claim_value: "guests" },
                ],
            },
        },
    });
    assert.equal(environmentOf("7.0.0").PROXY_ROLE_ASSIGNMENT_DRIVER, "default");
});

test("a group gives a role to its own members alone, where oCIS takes its name for a regular expression", () => {
    const roles = { administrators: ["it.admin", "a+b (c)"], users: ["family"] };
    const values = (version: string) => {
        const { line } = settingsOf({ images: { ocis: `owncloud/ocis:${version}` } }).images.ocis;
        const { role_assignment: assignment } = ocisYaml(SECRETS, line, roles).proxy;
        return assignment!.oidc_role_mapper.role_mapping.map(({ claim_value }) => claim_value);
    };
    assert.deepEqual(values("7.2.0"), ["it.admin", "a+b (c)", "family"]);
    assert.deepEqual(values("7.3.0"), [String.raw`it\.admin`, String.raw`a\+b \(c\)`, "family"]);
    const [pattern] = values("8.2.0").map((value) => new RegExp(`^(?:${value})$`));
    assert.deepEqual(
        ["it.admin", "it-admin"].map((name) => pattern!.test(name)),
        [true, false],
    );
});

test("where an app token tells no more than the name, people's roles and what they are called follow from it", () => {
    const user = (name: string, groups: string[]) => ({ displayName: name, email: `${name}@example.com`, groups });
    const users = { alice: user("alice", ["parents"]), bob: user("bob", ["family", "x"]), carol: user("carol", ["x"]) };
    const groups = { administrators: ["parents"], users: ["family"] };
    const roles = (version: string, appTokens: boolean) => {
        const images = { ocis: `owncloud/ocis:${version}` };
        return roleValues(groups, settingsOf({ users, appTokens, images }));
    };
    const byName = { claim: "preferred_username", administrators: ["admin", "alice"], users: ["bob"] };
    assert.deepEqual(roles("8.2.0", true), byName);
    assert.deepEqual(roles("8.2.0", false), { ...groups, claim: "groups" });
    assert.deepEqual(roles("8.1.0", true), { ...groups, claim: "groups" });
    assert.equal(roleValues(undefined, settingsOf()), undefined);
    const called = (version: string, appTokens: boolean) =>
        environmentOf(version, {}, { appTokens }).PROXY_AUTOPROVISION_CLAIM_DISPLAYNAME;
    assert.deepEqual(
        [called("8.2.0", true), called("8.2.0", false), called("8.1.0", true)],
        ["preferred_username", "name", "name"],
    );
});

test("people may change no more of their own accounts than the language, where oCIS would let them take another's name", () => {
    const closed = (version: string) =>
        ocisClosed(settingsOf({ images: { ocis: `owncloud/ocis:${version}` } }).images.ocis.line);
    assert.deepEqual(
        ["4.0.5", "5.0.9", "7.0.0", "7.3.1", "8.0.0", "8.1.0", "8.2.0"].map((version) => closed(version).length),
        [0, 1, 1, 1, 1, 1, 0],
    );
    const open = new RegExp(closed("8.0.0")[0]!.unlessBody!);
    assert.ok(['{"preferredLanguage":"de"}', '{"preferredLanguage":"zh_CN"}'].every((body) => open.test(body)));
    const harmful = [
        '{"onPremisesSamAccountName":"bob"}',
        '{"preferredLanguage":"de","onPremisesSamAccountName":"bob"}',
        '{"preferredLanguage":"de"}{"accountEnabled":false}',
        '{"preferredLanguage":"de\\u0022,"}',
        "",
    ];
    assert.ok(!harmful.some((body) => open.test(body)));
});

const READER = { url: "ldaps://ldap.example.com", baseDn: "dc=example,dc=com", bindDn: "cn=reader,dc=example,dc=com" };

/** oCIS's own directory. */
const OWN = {
    mode: "ocis",
    certificateFile: "/run/configuration/directory.pem",
    keyFile: "/run/secrets/directory.key",
} as const;

test("people whom oCIS knows from elsewhere are offered no change of what it does not own", () => {
    const directories = [
        { mode: "authelia", shutOut: [] },
        { mode: "ldap", ldap: { ...PRESETS.openldap, ...READER } },
    ] as const;
    for (const directory of directories) {
        const readOnly = environmentOf("8.0.5", { directory }).FRONTEND_READONLY_USER_ATTRIBUTES!.split(",");
        assert.ok(readOnly.includes("user.passwordProfile"), directory.mode);
    }
    assert.ok(!("FRONTEND_READONLY_USER_ATTRIBUTES" in environmentOf("8.0.5", { directory: OWN })));
});

test("users who live in oCIS are not provisioned, as in the guide, and are served to Authelia by LDAPS", () => {
    const environment = environmentOf("7.0.0", { directory: OWN });
    assert.equal(environment.PROXY_AUTOPROVISION_ACCOUNTS, "false");
    assert.equal(environment.OCIS_EXCLUDE_RUN_SERVICES, "idp");
    assert.equal(environment.IDM_LDAPS_CERT, OWN.certificateFile);
    assert.equal(environment.IDM_LDAPS_KEY, OWN.keyFile);
    assert.equal(environment.OCIS_LDAP_CACERT, OWN.certificateFile);
    const { url, bindDn } = ocisLdapDirectory("ocis");
    assert.equal(new URL(url).port, environment.IDM_LDAPS_ADDR!.split(":")[1]);
    assert.match(bindDn, /^uid=idp,/, "the account that may only read");
});

test("an LDAP server outside replaces oCIS's own, is verified and never written", () => {
    const directory = {
        mode: "ldap",
        ldap: { ...PRESETS.lldap, ...READER },
        trustFile: "/run/configuration/directory.pem",
    } as const;
    const environment = environmentOf("7.0.0", { directory });
    const expected = {
        PROXY_AUTOPROVISION_ACCOUNTS: "false",
        OCIS_EXCLUDE_RUN_SERVICES: "idp,idm",
        OCIS_LDAP_URI: "ldaps://ldap.example.com",
        OCIS_LDAP_INSECURE: "false",
        OCIS_LDAP_CACERT: "/run/configuration/directory.pem",
        OCIS_LDAP_SERVER_WRITE_ENABLED: "false",
        OCIS_LDAP_BIND_DN: "cn=reader,dc=example,dc=com",
        OCIS_LDAP_USER_BASE_DN: "ou=people,dc=example,dc=com",
        OCIS_LDAP_USER_SCHEMA_ID: "entryuuid",
        OCIS_LDAP_USER_SCHEMA_USERNAME: "uid",
        OCIS_LDAP_GROUP_BASE_DN: "ou=groups,dc=example,dc=com",
        OCIS_LDAP_GROUP_OBJECTCLASS: "groupOfUniqueNames",
    };
    for (const [name, value] of Object.entries(expected)) {
        assert.equal(environment[name], value, name);
    }
    const base = environmentOf("7.0.0", { directory: { mode: "ldap", ldap: { ...PRESETS.openldap, ...READER } } });
    assert.equal(base.OCIS_LDAP_USER_BASE_DN, "dc=example,dc=com");
    assert.ok(base.OCIS_LDAP_CACERT, "oCIS's default is a certificate that does not exist without its own directory");
});

test("every service binds with the one account of an LDAP server outside", () => {
    const yaml = ocisYaml(SECRETS, LINE, undefined, { bindPassword: "canary" });
    const bind = { ldap: { bind_password: "canary" } };
    assert.deepEqual([yaml.graph.identity, yaml.users.drivers, yaml.groups.drivers], [bind, bind, bind]);
    assert.deepEqual(yaml.auth_basic.auth_providers, bind);
});

test("mail is sent by a service of its own, beside that of app tokens, as each line knows how", () => {
    assert.ok(!("OCIS_ADD_RUN_SERVICES" in environmentOf("8.0.5")));
    const smtp = { address: "submissions://mail.example.com", sender: "cloud@example.com", user: "cloud", password: "canary" };
    const environment = environmentOf("8.0.5", {}, { appTokens: true, smtp });
    assert.equal(environment.OCIS_ADD_RUN_SERVICES, "auth-app,notifications");
    assert.equal(environment.NOTIFICATIONS_SMTP_ENCRYPTION, "ssltls");
    assert.equal(environment.NOTIFICATIONS_SMTP_AUTHENTICATION, "auto");
    assert.ok(!Object.values(environment).includes("canary"));
    assert.equal(environmentOf("4.0.5", {}, { smtp }).NOTIFICATIONS_SMTP_AUTHENTICATION, "plain");
    const open = environmentOf("8.0.5", {}, { smtp: { ...smtp, user: undefined, password: undefined } });
    assert.equal(open.NOTIFICATIONS_SMTP_AUTHENTICATION, "none");
    const { notifications } = ocisYaml(SECRETS, LINE, undefined, { smtpPassword: "canary" });
    assert.deepEqual(notifications.notifications, { SMTP: { smtp_password: "canary" } });
});
