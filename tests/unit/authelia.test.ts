/**
 * What Authelia is given, against the rules by which it starts or refuses to, and against its oCIS guide. That it really
 * starts on this is proved by the deployment tests.
 */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { parse } from "yaml";

import {
    autheliaConfiguration,
    AutheliaConfigurationInput,
    autheliaSecretsFile,
    autheliaUsers,
    authorizationRewrites,
    clientSecretDigest,
    passwordAfterPasskey,
} from "../../components/authelia/configuration";
import { accessPolicy } from "../../components/access";
import { ocisRelyingApplication } from "../../components/ocis/relying-parties";
import { toYaml } from "../../components/yaml";
import { hostsOf } from "../../hosts";
import { PRESETS } from "../../settings/ldap";
import { settingsOf } from "../configuration";
import { GUIDE } from "./guide";

const { desktop, android, ios } = GUIDE.clients;

/** Secrets that ownCloud compiles into its apps, by client id. */
const SECRETS: Record<string, string> = {
    [desktop.client_id]: GUIDE.secrets.desktop,
    [android.client_id]: GUIDE.secrets.android,
    [ios.client_id]: GUIDE.secrets.ios,
};

/** What a stack says beside GOOD that runs a release of Authelia. */
const of = (version: string, values: object = {}) =>
    settingsOf({ ...values, images: { authelia: `authelia/authelia:${version}` } });

function applicationOf(settings = settingsOf()) {
    return ocisRelyingApplication(hostsOf(settings).cloud.url, accessPolicy(settings.access), settings);
}

/** The configuration for a release and what a stack says beside GOOD. */
function configurationOf(version: string, values: object = {}, more: Partial<AutheliaConfigurationInput> = {}) {
    const settings = of(version, values);
    return autheliaConfiguration({
        settings,
        hosts: hostsOf(settings),
        application: applicationOf(settings),
        directory: { usersFile: "/etc/authelia/users.yml" },
        ...more,
    });
}

const clientsOf = (version: string, values?: object) => configurationOf(version, values).identity_providers.oidc.clients;

for (const version of ["4.38.0", "4.38.19", "4.39.20"]) {
    test(`${version}: the session cookie is the portal's alone, under a name of its own`, () => {
        const [cookie, ...more] = configurationOf(version).session.cookies;
        assert.equal(more.length, 0);
        assert.deepEqual(cookie, {
            name: "__Secure-authelia_session",
            domain: "auth.example.com",
            authelia_url: "https://auth.example.com",
        });
    });

    test(`${version}: a second factor is changed by whoever has shown it`, () => {
        const { elevated_session: elevated } = configurationOf(version).identity_validation;
        assert.deepEqual(elevated, { require_second_factor: true });
    });

    test(`${version}: one storage, one notifier, one users file, and a policy that starts`, () => {
        const { storage, notifier, authentication_backend: backend, access_control: control } = configurationOf(version);
        assert.deepEqual(Object.keys(storage), ["local"]);
        assert.deepEqual(Object.keys(notifier), ["filesystem"]);
        assert.deepEqual("file" in backend && backend.file, { path: "/etc/authelia/users.yml" });
        assert.equal(control.default_policy, "deny");
        assert.ok(control.rules.length > 0, "deny without rules is refused at start-up");
    });

    test(`${version}: every client says all that the server would otherwise guess or warn about`, () => {
        for (const client of clientsOf(version)) {
            assert.match(client.client_id, /^[A-Za-z0-9._~-]{1,100}$/);
            assert.deepEqual(client.response_types, ["code"]);
            assert.equal(client.require_pkce, true);
            assert.equal(client.pkce_challenge_method, "S256");
            assert.equal(client.authorization_policy, "two_factor");
            assert.equal(client.lifespan, client.public ? "ocis" : "ocis_native");
            assert.equal(client.public, !("client_secret" in client), "a public client has no secret, others must");
        }
    });

    test(`${version}: no secret stands in the configuration`, () => {
        const text = toYaml(configurationOf(version));
        for (const secret of Object.values(SECRETS)) {
            assert.ok(!text.includes(secret));
        }
        assert.doesNotMatch(text, /hmac_secret|encryption_key|jwks|PRIVATE KEY/);
    });
}

test("of passkeys nothing is said by default, whatever the release", () => {
    for (const version of ["4.38.0", "4.39.20", "4.39.28"]) {
        assert.ok(!("webauthn" in configurationOf(version)));
        assert.ok(!("webauthn" in configurationOf(version, { secondFactors: { accountLink: true } })));
    }
    assert.deepEqual(passwordAfterPasskey(settingsOf().secondFactors), []);
});

test("a passkey by which somebody signs in shows who holds it, and alone it is two factors", () => {
    const selection_criteria = { discoverability: "required", user_verification: "required" };
    const before = of("4.39.20", { secondFactors: { passkeys: "beforePassword" } });
    const alone = of("4.39.20", { secondFactors: { passkeys: "alone" } });
    const said = ({ secondFactors }: typeof alone) =>
        (configurationOf("4.39.20", { secondFactors }) as { webauthn?: unknown }).webauthn;
    assert.deepEqual(said(before), { enable_passkey_login: true, selection_criteria });
    assert.deepEqual(said(alone), {
        enable_passkey_login: true,
        experimental_enable_passkey_uv_two_factors: true,
        selection_criteria,
    });
    assert.deepEqual(passwordAfterPasskey(before.secondFactors), []);
    assert.deepEqual(passwordAfterPasskey(alone.secondFactors), [{ paths: ["/api/secondfactor/password"], status: 404 }]);
    // A mailbox and a password replace no second factor, with passkeys neither.
    for (const { secondFactors } of [before, alone]) {
        const { identity_validation: validation } = configurationOf("4.39.20", { secondFactors });
        assert.deepEqual(validation, { elevated_session: { require_second_factor: true } });
    }
});

test("4.38 is not told of the password change that it does not know, 4.39 has it switched off", () => {
    const backend = (version: string) => configurationOf(version).authentication_backend;
    assert.ok(!("password_change" in backend("4.38.19")));
    assert.deepEqual((backend("4.39.20") as { password_change?: unknown }).password_change, { disable: true });
});

test("the secrets complete the configuration with what it leaves out, and nothing is in both", () => {
    const secrets = autheliaSecretsFile({
        sessionSecret: "session",
        storageEncryptionKeys: ["storage", "before"],
        hmacSecret: "hmac",
        issuerPrivateKeys: ["-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n"],
    });
    const paths = (value: unknown, path = ""): string[] =>
        typeof value === "object" && value !== null && !Array.isArray(value)
            ? Object.entries(value).flatMap(([key, member]) => paths(member, `${path}.${key}`))
            : [path];
    const shared = paths(secrets).filter((path) => paths(configurationOf("4.39.20")).includes(path));
    assert.deepEqual(shared, []);
    assert.deepEqual(paths(secrets), [
        ".session.secret",
        ".storage.encryption_key",
        ".identity_providers.oidc.hmac_secret",
        ".identity_providers.oidc.jwks",
    ]);
    assert.deepEqual(parse(toYaml(secrets)), secrets, "the key survives YAML with its lines");
});

test("the users file holds what Authelia asks of each user", () => {
    const alice = {
        name: "alice",
        displayName: "A",
        email: "a@b.c",
        groups: ["x"],
        disabled: true,
        passwordDigest: "$2b$10$abc",
    };
    assert.deepEqual(parse(toYaml(autheliaUsers([alice]))), {
        users: { alice: { disabled: true, displayname: "A", email: "a@b.c", groups: ["x"], password: "$2b$10$abc" } },
    });
});

test("a client secret's digest verifies, is the same at each run and differs between clients", () => {
    for (const [clientId, clientSecret] of Object.entries(SECRETS)) {
        const digest = clientSecretDigest({ clientId, clientSecret });
        assert.equal(digest, clientSecretDigest({ clientId, clientSecret }));
        const [, scheme, rounds, salt, key] = digest.split("$");
        assert.equal(scheme, "pbkdf2-sha512");
        const bytes = (text: string) => Buffer.from(text.replaceAll(".", "+"), "base64");
        assert.deepEqual(pbkdf2Sync(clientSecret, bytes(salt!), Number(rounds), 64, "sha512"), bytes(key!));
    }
    assert.equal(new Set(Object.keys(SECRETS).map((id) => clientSecretDigest({ clientId: id, clientSecret: "x" }))).size, 3);
});

test("the same input gives the same bytes", () => {
    assert.equal(toYaml(configurationOf("4.39.20")), toYaml(configurationOf("4.39.20")));
});

test("access tokens are signed unless the guide's opaque ones are asked for", () => {
    for (const client of clientsOf("4.39.20")) {
        assert.equal(client.access_token_signed_response_alg, "RS256");
    }
    for (const client of configurationOf("4.39.20", { accessTokens: "opaque" }).identity_providers.oidc.clients) {
        assert.equal(client.access_token_signed_response_alg, "none");
    }
});

test("the native apps' tokens have a life of their own", () => {
    const { custom } = configurationOf("4.39.20").identity_providers.oidc.lifespans;
    assert.deepEqual(custom.ocis_native, { access_token: "2 days", refresh_token: "30 days" });
});

test("a port other than 443 is part of every URL", () => {
    const { session, identity_providers: providers } = configurationOf("4.39.20", { httpsPort: 8443 });
    assert.equal(session.cookies[0]!.authelia_url, "https://auth.example.com:8443");
    assert.equal(providers.oidc.clients[0]!.redirect_uris[0], "https://owncloud.example.com:8443/");
    assert.deepEqual(providers.oidc.cors.allowed_origins, ["https://owncloud.example.com:8443"]);
});

test("with groups only their members get in, with the factors that are asked for; without, everybody", () => {
    const open = configurationOf("4.39.20", { access: { policy: "one_factor" } }).identity_providers.oidc;
    assert.ok(open.clients.every((client) => client.authorization_policy === "one_factor"));
    assert.equal("authorization_policies" in open, false);
    const access = { groups: ["family"], administrators: ["parents"] };
    const closed = configurationOf("4.39.20", { access }).identity_providers.oidc;
    assert.ok(closed.clients.every((client) => client.authorization_policy === "ocis"));
    assert.deepEqual(closed.authorization_policies, {
        ocis: { default_policy: "deny", rules: [{ policy: "two_factor", subject: ["group:family", "group:parents"] }] },
    });
});

const lineOf = (version: string) => of(version).images.authelia.line;

test("the native apps get the groups that they never ask for, and on early releases no prompt that is refused", () => {
    const scopes = authorizationRewrites(applicationOf(), lineOf("4.39.20"));
    assert.deepEqual(
        scopes.map(({ where }) => where?.value),
        Object.keys(SECRETS),
    );
    assert.ok(scopes.every(({ path, parameter }) => path === "/api/oidc/authorization" && parameter === "scope"));
    assert.equal(authorizationRewrites(applicationOf(), lineOf("4.38.16")).length, 3);
    const { parameter, pattern, replacement } = authorizationRewrites(applicationOf(), lineOf("4.38.15"))[3]!;
    assert.equal(parameter, "prompt");
    assert.equal("select_account consent".replace(new RegExp(pattern), replacement), "consent");
    assert.equal("login".replace(new RegExp(pattern), replacement), "login");
});

const READER = { url: "ldaps://ldap.example.com", baseDn: "dc=example,dc=com", bindDn: "cn=reader,dc=example,dc=com" };

test("an LDAP server is read with the names of its preset, and never written", () => {
    const { authentication_backend: backend, ...rest } = configurationOf(
        "4.39.20",
        {},
        { directory: { ldap: { ...PRESETS.lldap, ...READER, userFilter: "(!(employeeType=former))" } } },
    );
    assert.deepEqual(backend, {
        ldap: {
            address: "ldaps://ldap.example.com",
            implementation: "custom",
            base_dn: "dc=example,dc=com",
            additional_users_dn: "ou=people",
            users_filter: "(&({username_attribute}={input})(objectClass=inetOrgPerson)(!(employeeType=former)))",
            additional_groups_dn: "ou=groups",
            groups_filter: "(&(member={dn})(objectClass=groupOfUniqueNames))",
            user: "cn=reader,dc=example,dc=com",
            attributes: { username: "uid", mail: "mail", display_name: "cn", group_name: "cn" },
        },
        password_reset: { disable: true },
        password_change: { disable: true },
    });
    assert.ok(!("certificates_directory" in rest), "public authorities alone are trusted");
});

test("a base without relative names is searched as a whole, and an authority is trusted from its folder", () => {
    const configuration = configurationOf(
        "4.39.20",
        {},
        { directory: { ldap: { ...PRESETS.openldap, ...READER } }, trustFolder: "/run/configuration" },
    );
    const { authentication_backend: backend } = configuration;
    assert.ok("ldap" in backend && !("additional_users_dn" in backend.ldap) && !("additional_groups_dn" in backend.ldap));
    assert.ok("certificates_directory" in configuration);
    assert.equal(configuration.certificates_directory, "/run/configuration");
});

test("the newest key of the issuer comes first, because Authelia signs with the first and verifies with all", () => {
    const values = {
        sessionSecret: "a",
        storageEncryptionKeys: ["b"] as [string],
        hmacSecret: "c",
        issuerPrivateKeys: ["new", "old"],
    };
    assert.deepEqual(autheliaSecretsFile(values).identity_providers.oidc.jwks, [{ key: "new" }, { key: "old" }]);
});

test("the bind password stands among the secrets, where there is one", () => {
    const values = { sessionSecret: "a", storageEncryptionKeys: ["b"] as [string], hmacSecret: "c", issuerPrivateKeys: ["d"] };
    assert.ok(!("authentication_backend" in autheliaSecretsFile(values)));
    const secrets = autheliaSecretsFile(values, { bindPassword: "canary" });
    assert.deepEqual(secrets.authentication_backend, { ldap: { password: "canary" } });
});

test("mail is submitted with TLS, its password among the secrets; without a server codes go into a file", () => {
    assert.deepEqual(configurationOf("4.39.20").notifier, { filesystem: { filename: "/data/notification.txt" } });
    const smtp = { address: "submission://mail.example.com", sender: "cloud@example.com", user: "cloud", password: "canary" };
    assert.deepEqual(configurationOf("4.39.20", { smtp }).notifier, {
        disable_startup_check: true,
        smtp: { address: "submission://mail.example.com:587", sender: "cloud@example.com", username: "cloud" },
    });
    const values = { sessionSecret: "a", storageEncryptionKeys: ["b"] as [string], hmacSecret: "c", issuerPrivateKeys: ["d"] };
    assert.ok(!("notifier" in autheliaSecretsFile(values)));
    assert.deepEqual(autheliaSecretsFile(values, { smtpPassword: "canary" }).notifier, { smtp: { password: "canary" } });
});

test("where Authelia ends sessions for a relying party, the web interface alone says where people are sent afterwards", () => {
    const registered = (version: string) =>
        clientsOf(version, { untestedReleases: true }).map((client) => client.post_logout_redirect_uris);
    assert.deepEqual(registered("4.40.0"), [["https://owncloud.example.com/"], [], [], []]);
    assert.deepEqual(new Set(registered("4.39.28")), new Set([undefined]), "4.39 refuses a key that it does not know");
});

test("metrics are open on the stack's network where they are asked for", () => {
    assert.equal(configurationOf("4.39.20").telemetry, undefined);
    assert.deepEqual(configurationOf("4.39.20", { metricsPort: 9464 }).telemetry, {
        metrics: { enabled: true, address: "tcp://:9959/metrics" },
    });
});

test("its log is JSON where requests are logged", () => {
    assert.equal(configurationOf("4.39.20").log.format, "text");
    assert.equal(configurationOf("4.39.20", { requestLogs: true }).log.format, "json");
});
