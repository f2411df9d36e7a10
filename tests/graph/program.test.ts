/** The resource graph of the whole program: parents, names, options, and where secrets go. */
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { initialPassword } from "../../components/initial-passwords";
import { Authority } from "../authority";
import { stackFile } from "../configuration";
import { CANARY, plainTexts, Program, Registered, runProgram } from "./program";

const CONTAINER = "docker:index/container:Container";
const VOLUME = "docker:index/volume:Volume";

let dev: Program;
let production: Program;
/** With every server that a key brings. */
let everything: Program;
let inLldap: Program;

before(async () => {
    dev = await runProgram(stackFile("dev"), "dev");
    const users = { alice: { displayName: "Alice", email: "alice@example.com" } };
    production = await runProgram({ domain: "example.com", users }, "prod");
    inLldap = await runProgram({ domain: "example.com", directory: { mode: "lldap" } }, "lldap");
    const servers = {
        database: { mode: "postgres" },
        sessions: { mode: "redis" },
        office: { mode: "collabora", url: "https://office.example.com" },
        fullTextSearch: true,
        antivirus: { mode: "clamav" },
    };
    everything = await runProgram({ domain: "example.com", users, ...servers }, "all");
});

const named = (program: Program, name: string, type = CONTAINER): Registered => {
    const found = program.resources.find((resource) => resource.name === `cloud-${name}` && resource.type === type);
    assert.ok(found, `${type} ${name} is registered`);
    return found;
};

const ofType = (program: Program, type: string) => program.resources.filter((resource) => resource.type === type);

test("every resource has a component as parent, and nothing but the cloud stands in the stack by itself", () => {
    for (const { type, name, parent } of dev.resources) {
        // Under mocks there is no stack resource, so what stands in the stack has no parent.
        const expected = type === "ocis-authelia:index:Cloud" ? /^$/ : /::ocis-authelia:index:/;
        assert.match(parent, expected, `${type} ${name}`);
    }
});

test("the parts are known by their earlier names, so that a stack which had them by themselves keeps its volumes", () => {
    const later = ["cloud-blobs", "cloud-bus", "cloud-database", "cloud-releases", "cloud-user-names"];
    const parts = dev.resources.filter(({ name, parent }) => parent.endsWith("::cloud") && !later.includes(name));
    const before = ["authelia", "certificates", "directory", "edge", "network", "ocis", "secrets"];
    assert.deepEqual(parts.map(({ aliases }) => aliases[0]).sort(), before);
    for (const { name, aliases } of parts) {
        // A second one is of a type that a part had under its present name.
        assert.deepEqual(aliases, [name.replace("cloud-", ""), ...(name === "cloud-directory" ? [""] : [])]);
    }
});

test("children are called after their component", () => {
    for (const { name, type, parent } of dev.resources) {
        const component = parent.split("::").pop();
        if (parent.includes("ocis-authelia:index:") && component !== undefined) {
            assert.ok(name === component || name.startsWith(`${component}-`), `${type} ${name} in ${component}`);
        }
    }
});

test("project and stack are part of every name on the Docker host", () => {
    for (const type of [CONTAINER, VOLUME, "docker:index/network:Network"]) {
        const resources = ofType(dev, type);
        assert.ok(resources.length > 0, type);
        for (const { inputs } of resources) {
            assert.match(String(inputs.name), /^ocis-authelia-dev-/);
        }
    }
});

test("every process is hardened", () => {
    const processesOf = (program: Program) => ofType(program, CONTAINER).filter(({ name }) => !/-(files|secrets)$/.test(name));
    const names = processesOf(dev).map(({ name }) => name);
    assert.deepEqual(names.sort(), ["cloud-authelia", "cloud-edge", "cloud-ocis"]);
    const running = processesOf(everything);
    assert.ok(running.length > names.length);
    for (const { name, inputs } of running) {
        assert.equal(inputs.readOnly, true, name);
        assert.equal(inputs.user, "1000:1000", name);
        assert.deepEqual((inputs.capabilities as { drops: string[] }).drops, ["ALL"], name);
        assert.deepEqual(inputs.securityOpts, ["no-new-privileges:true"], name);
        assert.ok(Number(inputs.memory) > 0 && inputs.memory === inputs.memorySwap, name);
        assert.ok(Number(inputs.destroyGraceSeconds) > 0, `${name} would be killed at each change`);
        assert.ok(inputs.logOpts, name);
        assert.ok(inputs.healthcheck, name);
        assert.notEqual(inputs.privileged, true, name);
    }
});

test("no container sees the Docker socket or a folder of the host", () => {
    for (const { name, inputs } of ofType(everything, CONTAINER)) {
        for (const volume of inputs.volumes as { hostPath?: string }[]) {
            assert.equal(volume.hostPath, undefined, name);
        }
        assert.equal(inputs.mounts, undefined, name);
    }
});

test("only the edge publishes ports, on dev on the loopback", () => {
    const published = (inputs: Registered["inputs"]) => (inputs.ports ?? []) as { ip: string; external: number }[];
    for (const { name, inputs } of ofType(everything, CONTAINER)) {
        assert.equal(published(inputs).length > 0, name === "cloud-edge", name);
    }
    for (const { name, inputs } of ofType(dev, CONTAINER)) {
        const https = { ip: "127.0.0.1", internal: 8443, external: 8443 };
        const expected = name === "cloud-edge" ? [https, { ...https, protocol: "udp" }] : [];
        assert.deepEqual(published(inputs), expected, name);
    }
    assert.deepEqual(
        published(named(production, "edge").inputs).map(({ external }) => external),
        [443, 443, 80],
    );
});

test("a container that changes is replaced after the old one is gone, one that could not be started is made anew", () => {
    for (const container of ofType(dev, CONTAINER)) {
        assert.equal(container.deleteBeforeReplace, true, container.name);
    }
    assert.ok(named(dev, "ocis").replaceOnChanges.includes("#initerror"));
    assert.ok(named(dev, "ocis").replaceOnChanges.includes("healthcheck"));
});

test("keepData protects the data volumes together with the secrets, and only then", () => {
    const kept = production.resources.filter(({ type }) => type === VOLUME || /^(random|tls):.*(Random|PrivateKey)/.test(type));
    const data = kept.filter(({ parent }) => !parent.includes("Certificates"));
    assert.ok(data.some(({ type }) => type === VOLUME) && data.some(({ type }) => type.startsWith("random:")));
    for (const { name, protect } of data) {
        assert.equal(protect, true, name);
    }
    assert.deepEqual(
        dev.resources.filter(({ protect }) => protect),
        [],
    );
    const volumes = ofType(everything, VOLUME).map(({ name, protect }) => [name, protect]);
    assert.deepEqual(Object.fromEntries(volumes), {
        "cloud-authelia-data": true,
        "cloud-clamav-data": false,
        "cloud-edge-data": true,
        "cloud-ocis-data": true,
        "cloud-postgres-data": true,
        "cloud-redis-data": false,
    });
    // Without the seed no password can be verified; without the accounts' nobody is found.
    const ofLldap = inLldap.resources.filter(
        ({ name, type }) => name.startsWith("cloud-lldap") && /Volume|Password/.test(type),
    );
    assert.deepEqual(Object.fromEntries(ofLldap.map(({ name, protect }) => [name, protect])), {
        "cloud-lldap-data": true,
        "cloud-lldap-admin": true,
        "cloud-lldap-authelia": true,
        "cloud-lldap-ocis": true,
        "cloud-lldap-jwt": true,
        "cloud-lldap-key-seed": true,
        "cloud-lldap-password-reset": true,
    });
    for (const volume of ofType(production, VOLUME)) {
        assert.deepEqual(volume.ignoreChanges, ["labels", "driverOpts"], "a label must not cost the data");
    }
});

test("the private root is the one that a stack has made once, and its key reaches no container", () => {
    // Devices trust it: with another name or other inputs it would be replaced.
    const { inputs } = named(dev, "certificates-root", "tls:index/selfSignedCert:SelfSignedCert");
    const { privateKeyPem, ...rest } = inputs;
    assert.match(JSON.stringify(privateKeyPem), /canary-cloud-certificates-root-key/);
    assert.deepEqual(rest, {
        subject: { commonName: "ocis.localhost private CA", organization: "ocis-authelia" },
        isCaCertificate: true,
        allowedUses: ["cert_signing", "crl_signing"],
        validityPeriodHours: 87_600,
    });
    const containers = JSON.stringify(ofType(dev, CONTAINER).map(({ inputs }) => inputs));
    assert.match(containers, /canary-cloud-certificates-sites-key/);
    assert.doesNotMatch(containers, /canary-cloud-certificates-root-key/);
});

test("the private root certifies the two hosts, for less time than Apple's devices allow", () => {
    const request = named(dev, "certificates-sites-request", "tls:index/certRequest:CertRequest");
    assert.deepEqual(request.inputs.dnsNames, ["auth.ocis.localhost", "owncloud.ocis.localhost"]);
    const { inputs } = named(dev, "certificates-sites", "tls:index/locallySignedCert:LocallySignedCert");
    assert.ok(Number(inputs.validityPeriodHours) < 825 * 24);
    assert.ok(Number(inputs.earlyRenewalHours) > 366 * 24, "one up a year renews it");
    assert.ok(!inputs.isCaCertificate);
});

test("the releases of the data are remembered as long as the data", () => {
    for (const [program, protect] of [
        [production, true],
        [dev, false],
    ] as const) {
        const memory = named(program, "releases", "pulumi:index:Stash");
        assert.deepEqual(memory.inputs.input, program.values.versions);
        assert.equal(memory.protect, protect);
    }
});

test("the public names lead to the edge inside the network", () => {
    const [network] = named(dev, "edge").inputs.networksAdvanced as { aliases: string[] }[];
    assert.deepEqual(network!.aliases, ["edge", "auth.ocis.localhost", "owncloud.ocis.localhost"]);
});

test("a proxy in front is found on the Docker host, and the edge publishes plain HTTP on the loopback alone", async () => {
    const users = { alice: { displayName: "Alice", email: "alice@example.com" } };
    const proxied = { domain: "example.com", users, address: "127.0.0.1", httpPort: 8080, tls: { mode: "none" } };
    const program = await runProgram(proxied, "proxied");
    const [network] = named(program, "edge").inputs.networksAdvanced as { aliases: string[] }[];
    assert.deepEqual(network!.aliases, ["edge"]);
    assert.deepEqual(named(program, "edge").inputs.ports, [{ ip: "127.0.0.1", internal: 8080, external: 8080 }]);
    const hosts = ["auth.example.com", "owncloud.example.com"].map((host) => ({ host, ip: "host-gateway" }));
    assert.deepEqual(named(program, "ocis").inputs.hosts, hosts);
    assert.deepEqual(named(dev, "ocis").inputs.hosts, []);
});

test("a certificate of one's own goes to the edge, its key as a secret, and its root to oCIS", async () => {
    const authority = new Authority();
    const { certificate, key } = authority.issue("DNS:auth.example.com", "DNS:owncloud.example.com");
    const users = { alice: { displayName: "Alice", email: "alice@example.com" } };
    const tls = { mode: "files", certificate, key, authority: authority.root };
    const program = await runProgram({ domain: "example.com", users, tls }, "files");
    authority.close();
    const plain = JSON.stringify(program.resources.map(({ inputs }) => plainTexts(inputs)));
    const text = (pem: string) => JSON.stringify(pem).slice(1, -1);
    assert.ok(!plain.includes(text(text(key))) && !plain.includes("PRIVATE KEY"));
    assert.ok(JSON.stringify(named(program, "edge-secrets").inputs.uploads).includes(text(key)));
    assert.ok(JSON.stringify(named(program, "edge-files").inputs.uploads).includes(text(certificate)));
    assert.ok(JSON.stringify(named(program, "ocis-files").inputs.uploads).includes(text(authority.root)));
    assert.equal(program.values.caCertificate, authority.root);
});

test("no planted secret reaches a plain property", () => {
    for (const program of [dev, production]) {
        for (const { name, type, inputs } of program.resources) {
            for (const { path, text } of plainTexts(inputs)) {
                assert.ok(!text.includes(CANARY), `${type} ${name}${path}`);
            }
        }
    }
});

test("the planted secrets do reach the files", () => {
    const uploads = JSON.stringify(named(dev, "authelia-secrets").inputs.uploads);
    for (const use of ["authelia-session", "authelia-storage-encryption", "authelia-hmac", "authelia-issuer"]) {
        assert.ok(uploads.includes(`${CANARY}-cloud-secrets-${use}`), use);
    }
    const { digest } = initialPassword(`${CANARY}-cloud-secrets-initial-passwords`, "demo");
    assert.ok(uploads.includes(digest), "the digest of the initial password");
    assert.match(JSON.stringify(named(dev, "ocis-secrets").inputs.uploads), /canary-cloud-secrets-ocis-jwt/);
    assert.match(JSON.stringify(named(dev, "edge-secrets").inputs.uploads), /canary-cloud-certificates-sites-key/);
});

test("Authelia's configuration is readable in a preview, because the files with secrets are carried apart", () => {
    const { uploads } = named(dev, "authelia-files").inputs;
    const plain = plainTexts(uploads).map(({ text }) => text);
    assert.equal(plain.length, 3, "file, content and permissions of configuration.yml");
    assert.ok(plain.some((text) => text.includes("authelia_url: https://auth.ocis.localhost:8443")));
});

test("the outputs tell a person what to open, and the initial passwords are secret", async () => {
    assert.equal(dev.values.cloudUrl, "https://owncloud.ocis.localhost:8443");
    assert.equal(dev.values.issuer, "https://auth.ocis.localhost:8443");
    assert.equal(production.values.cloudUrl, "https://owncloud.example.com");
    assert.equal(await pulumi.isSecret(dev.outputs.initialPasswords!), true);
    assert.equal((dev.values.clientIds as unknown[]).length, 4);
});

test("a wrong setting stops the program before anything is registered", async () => {
    await assert.rejects(runProgram({ domain: "not a domain" }), /domain: "not a domain" cannot be used/);
});

test("names of users are remembered: who was removed is hidden from oCIS", async () => {
    const stash =
        "urn:pulumi:names::ocis-authelia::ocis-authelia:index:Cloud$ocis-authelia:index:UserNameMemory$pulumi:index:Stash";
    const before = {
        [`${stash}::cloud-user-names-known`]: { outputs: { input: { alice: "user", bob: "user", eve: "removed" } } },
    };
    const users = { alice: { displayName: "Alice", email: "alice@example.com" } };
    const program = await runProgram({ domain: "example.com", users }, "names", "index", before);
    const known = named(program, "user-names-known", "pulumi:index:Stash");
    assert.deepEqual(known.inputs.input, { alice: "user", bob: "removed", eve: "removed" });
    assert.equal(known.protect, true, "kept as long as the data");
    const filters = (named(program, "ocis").inputs.envs as string[]).filter((env) => /LDAP_USER_FILTER/.test(env));
    assert.deepEqual(
        filters.map((env) => env.replace(/^[A-Z_]+=/, "")),
        Array(2).fill("(!(|(uid=bob)(uid=eve)))"),
    );
});
