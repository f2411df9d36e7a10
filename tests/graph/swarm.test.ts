/** The resource graph of a stack on a swarm: services in the place of containers, and where secrets go. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { swarm } from "../wrong-inputs";
import { plainTexts, Program, runProgram } from "./program";

let program: Program;

before(async () => {
    program = await runProgram({ domain: "example.com", ...swarm() });
});

const ofType = (type: string) => program.resources.filter((resource) => resource.type === `docker:index/${type}`);

/** What a service is told of its processes. */
interface Inputs {
    readonly name: string;
    readonly mode: { readonly replicated: { readonly replicas: number } };
    readonly updateConfig: { readonly order: string; readonly failureAction: string };
    readonly endpointSpec: { readonly mode: string; readonly ports?: readonly { readonly publishMode: string }[] };
    readonly taskSpec: {
        readonly containerSpec: Record<string, unknown>;
        readonly placement: { readonly maxReplicas?: number };
    };
}

const service = (name: string) => {
    const found = ofType("service:Service").find((resource) => resource.name === `cloud-${name}`);
    assert.ok(found, name);
    return found.inputs as unknown as Inputs;
};

test("there is no container, and a network between the machines that is encrypted", () => {
    assert.deepEqual(ofType("container:Container"), []);
    const [network] = ofType("network:Network");
    assert.deepEqual([network!.inputs.driver, network!.inputs.options], ["overlay", { encrypted: "" }]);
});

test("two of each, one that keeps shares, and a machine with no more than one edge", () => {
    const replicas = Object.fromEntries(
        ["authelia", "edge", "ocis", "ocis-shares"].map((name) => [name, service(name).mode.replicated.replicas]),
    );
    assert.deepEqual(replicas, { authelia: 2, edge: 2, ocis: 2, "ocis-shares": 1 });
    assert.equal(service("edge").taskSpec.placement.maxReplicas, 1);
    assert.ok(service("edge").endpointSpec.ports!.every(({ publishMode }) => publishMode === "host"));
});

test("a new process starts before the old one ends, unless it has the port; what fails goes back", () => {
    const orders = ["authelia", "ocis", "edge", "ocis-shares"].map((name) => service(name).updateConfig.order);
    assert.deepEqual(orders, ["start-first", "start-first", "stop-first", "start-first"]);
    for (const name of ["authelia", "ocis", "edge", "ocis-shares"]) {
        assert.equal(service(name).updateConfig.failureAction, "rollback");
        assert.equal(service(name).endpointSpec.mode, "dnsrr");
        const { readOnly, capDrops, user } = service(name).taskSpec.containerSpec;
        assert.deepEqual([readOnly, capDrops, user], [true, ["ALL"], "1000:1000"]);
    }
});

test("no secret is a plain property, and what has one is a secret of the swarm", () => {
    for (const { name, type, inputs } of program.resources) {
        for (const { path, text } of plainTexts(inputs)) {
            const decoded = Buffer.from(text, "base64").toString("utf8");
            assert.ok(![text, decoded].some((plain) => plain.includes("canary")), `${type} ${name}${path}`);
        }
    }
    assert.ok(ofType("secret:Secret").length >= 4);
});

test("names are those that a swarm takes, and replaced resources are made before the old ones go", () => {
    for (const { name, inputs, deleteBeforeReplace } of [
        ...ofType("secret:Secret"),
        ...ofType("serviceConfig:ServiceConfig"),
    ]) {
        assert.equal(deleteBeforeReplace, false, name);
        const plain = plainTexts({ name: inputs.name }).map(({ text }) => text);
        assert.ok(
            plain.every((text) => text.length <= 64),
            name,
        );
    }
});
