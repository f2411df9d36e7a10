/** What is rendered where people live in an LLDAP of the stack. That the servers take it is proved by tests/deployment/lldap.test.ts. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { autheliaConfiguration, autheliaSecretsFile, pageGuard } from "../../components/authelia/configuration";
import { accessPolicy } from "../../components/access";
import { caddyfile } from "../../components/edge/caddyfile";
import { lldapDirectory, lldapEnvironment, lldapStart } from "../../components/lldap/configuration";
import { ocisRelyingApplication } from "../../components/ocis/relying-parties";
import { allHosts, hostsOf } from "../../hosts";
import { settingsOf } from "../configuration";

const smtp = { address: "submissions://mail.example.com", sender: "cloud@example.com" };

const settings = (more: object = {}) => settingsOf({ users: {}, directory: { mode: "lldap" }, ...more });

function configurationOf(more: object = {}) {
    const given = settings(more);
    const hosts = hostsOf(given);
    return autheliaConfiguration({
        settings: given,
        hosts,
        application: ocisRelyingApplication(hosts.cloud.url, accessPolicy(given.access), given),
        directory: { ldap: lldapDirectory("authelia") },
    });
}

test("the page is below the portal, so that no other host is sent the session; without LLDAP there is none", () => {
    const hosts = hostsOf(settings());
    assert.equal(hosts.users!.name, `users.${hosts.auth.name}`);
    assert.equal(allHosts(hosts).length, 3);
    assert.equal(allHosts(hostsOf(settingsOf())).length, 2);
});

test("Authelia may set passwords, by mail where there is mail, and asks for a session of two factors before the page", () => {
    const { authentication_backend: backend, access_control, server, password_policy } = configurationOf();
    assert.ok("ldap" in backend);
    assert.equal(backend.ldap.implementation, "lldap");
    assert.deepEqual([backend.password_change, backend.password_reset], [{ disable: false }, { disable: true }]);
    assert.deepEqual(configurationOf({ smtp }).authentication_backend.password_reset, { disable: false });
    assert.deepEqual(password_policy, { standard: { enabled: true, min_length: 8 } });
    const [, rule] = access_control.rules;
    const expected = { domain: [hostsOf(settings()).users!.name], policy: "two_factor", subject: "group:lldap_admin" };
    assert.deepEqual(rule, expected);
    assert.ok("endpoints" in server);
    const guarding = { "forward-auth": { implementation: "ForwardAuth", authn_strategies: [{ name: "CookieSession" }] } };
    assert.deepEqual(server.endpoints?.authz, guarding);
});

test("nothing of it is said to a stack without LLDAP", () => {
    const given = settingsOf();
    const hosts = hostsOf(given);
    const configuration = autheliaConfiguration({
        settings: given,
        hosts,
        application: ocisRelyingApplication(hosts.cloud.url, accessPolicy(given.access), given),
        directory: { usersFile: "/users.yml" },
    });
    assert.doesNotMatch(JSON.stringify(configuration), /lldap|authz|password_policy/);
    const secrets = { sessionSecret: "a", storageEncryptionKeys: ["b"] as [string], hmacSecret: "c", issuerPrivateKeys: ["d"] };
    assert.ok(!("identity_validation" in autheliaSecretsFile(secrets)));
    const { identity_validation: validation } = autheliaSecretsFile(secrets, { passwordResetSecret: "canary" });
    assert.deepEqual(validation, { reset_password: { jwt_secret: "canary" } });
});

test("each server reads by its own account and with TLS; neither those accounts nor who is disabled are people", () => {
    const [authelia, ocis] = [lldapDirectory("authelia"), lldapDirectory("ocis")];
    assert.deepEqual({ ...authelia, bindDn: ocis.bindDn }, ocis);
    assert.notEqual(authelia.bindDn, ocis.bindDn);
    assert.match(ocis.url, /^ldaps:/);
    for (const hidden of ["(uid=authelia)", "(uid=ocis)", "(memberof=cn=disabled,"]) {
        assert.ok(ocis.userFilter.includes(hidden), hidden);
    }
});

test("LLDAP is told of files alone, and its base stays when the domain changes", () => {
    const files = { certificate: "/c", certificateKey: "/k", keySeed: "/seed", jwtSecret: "/jwt", secrets: "/s" };
    const environmentOf = (domain: string) => lldapEnvironment({ domain, users: undefined }, files);
    assert.equal(environmentOf("example.com").LLDAP_LDAP_BASE_DN, environmentOf("example.org").LLDAP_LDAP_BASE_DN);
    assert.equal(environmentOf("example.com").LLDAP_LDAP_USER_PASS_FILE, "/s/admin");
    assert.equal(environmentOf("example.com").LLDAP_LDAPS_OPTIONS__ENABLED, "true");
});

test("the start is a program that a shell takes, without any secret", () => {
    const script = lldapStart({ domain: "example.com", secrets: "/run/secrets" });
    const { status, stderr } = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.match(script, /exec \/app\/lldap run\n$/);
});

test("the edge asks the portal before the page, and keeps the portal's session from it", () => {
    const given = settings({ httpPort: 0 });
    const { auth, users } = hostsOf(given);
    const text = caddyfile({
        settings: given,
        sites: [
            { host: auth, upstream: "authelia:9091", rewrites: [] },
            { host: users!, upstream: "lldap:17170", rewrites: [], guard: pageGuard("authelia") },
        ],
        certificate: { certificate: "/certificate.pem", key: "/certificate.key" },
        root: "/root.pem",
    });
    const [before, page] = text.split(`${users!.url} {`);
    assert.doesNotMatch(before!, /forward_auth/);
    assert.match(page!, /forward_auth authelia:9091 \{[^}]*uri \/api\/authz\/forward-auth[^}]*X-Forwarded-Host/);
    assert.match(page!, /reverse_proxy lldap:17170 \{[^}]*header_up Cookie "__Secure-authelia_session=/);
});
