/** Which engine a stack is on: how docker reaches the one that the provider is told, and what the provider must not be told. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { engineFaults } from "../../settings/provider";
import { printFault } from "../../settings/fault";
import { dockerOptions, engineConfiguration, engineKeys } from "../../system/docker-engine";

const print = (configuration: Record<string, string>, environment = {}) =>
    engineFaults(configuration, environment).map((fault) => printFault(fault, { command: "pulumi", stack: "prod" }));

test("docker reaches the engine that the provider is told", () => {
    assert.deepEqual(dockerOptions({}), []);
    assert.deepEqual(dockerOptions(engineKeys({ "docker:host": "ssh://me@cloud", "ocis-authelia:domain": "x" })), [
        "--host",
        "ssh://me@cloud",
    ]);
    assert.deepEqual(dockerOptions({ context: "prod", host: "ssh://me@cloud" }), ["--context", "prod"]);
    assert.deepEqual(dockerOptions({ host: "tcp://cloud:2376", certPath: "/certs" }), [
        "--host",
        "tcp://cloud:2376",
        ...["--tlsverify", "--tlscacert", "/certs/ca.pem", "--tlscert", "/certs/cert.pem", "--tlskey", "/certs/key.pem"],
    ]);
});

test("a restored configuration names the engine of now, and nothing of that of then", () => {
    assert.deepEqual(engineConfiguration({ host: "ssh://me@cloud" }), {
        "docker:host": "ssh://me@cloud",
        "docker:context": undefined,
        "docker:certPath": undefined,
    });
});

test("an engine's address may be every form that is encrypted, or stays on the machine", () => {
    const folder = mkdtempSync(join(tmpdir(), "engine-test-"));
    ["ca.pem", "cert.pem", "key.pem"].forEach((name) => writeFileSync(join(folder, name), ""));
    for (const host of [
        "ssh://cloud.example.com",
        "ssh://deploy@cloud.example.com:2222",
        "ssh://root@[2001:db8::1]",
        "unix:///run/user/1000/docker.sock",
        "npipe:////./pipe/docker_engine",
        "tcp://127.0.0.1:2375",
        "tcp://[::1]:2375",
        "tcp://localhost:2375",
    ]) {
        assert.deepEqual(print({ "docker:host": host }), [], host);
    }
    assert.deepEqual(print({ "docker:host": "tcp://cloud.example.com:2376", "docker:certPath": folder }), []);
    assert.deepEqual(print({ "docker:host": "tcp://cloud.example.com:2376" }, { DOCKER_CERT_PATH: folder }), []);
    assert.deepEqual(print({ "docker:context": "prod" }, { DOCKER_HOST: "tcp://cloud.example.com:2375" }), []);
    rmSync(folder, { recursive: true });
});

test("what leaves an engine to whoever is on the way is refused, wherever it stands", () => {
    const [inClear] = print({ "docker:host": "tcp://cloud.example.com:2375" });
    assert.match(
        inClear!,
        /^docker:host: "tcp:\/\/cloud\.example\.com:2375" cannot be used\. Allowed: ssh:\/\/user@host, or tcp:\/\/ with docker:certPath/,
    );
    assert.match(inClear!, /\n {4}pulumi config set docker:host ssh:\/\/root@cloud\.example\.com --stack prod/);
    assert.match(inClear!, /\n {4}or, where the engine asks for certificates:\n {4}pulumi config set docker:certPath/);
    assert.equal(print({}, { DOCKER_HOST: "tcp://cloud.example.com:2375" }).length, 1);
});

test("other forms of an address, folders without certificates and keys that docker has no equal of are refused", () => {
    assert.match(print({ "docker:host": "cloud.example.com" })[0]!, /cannot be used\. Allowed: ssh:\/\/user@host, tcp:/);
    assert.match(
        print({ "docker:certPath": "/nowhere" })[0]!,
        /^docker:certPath: "\/nowhere" .* there is no ca\.pem, cert\.pem, key\.pem\./,
    );
    const [options, key] = print({ "docker:sshOpts": '["-p","22"]', "docker:keyMaterial": "canary" });
    assert.match(options!, /^docker:sshOpts: .*~\/\.ssh\/config.*\n {4}pulumi config rm docker:sshOpts --stack prod$/s);
    assert.match(key!, /^docker:keyMaterial: .*docker:certPath/);
    assert.ok(!key!.includes("canary"));
});
