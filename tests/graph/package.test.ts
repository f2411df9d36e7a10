/** What a program gets that imports this repository: two clouds side by side in one stack, and errors that name its arguments. */
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { relative } from "node:path";
import { before, test } from "node:test";

import { Cloud, CloudArgs } from "../../components/cloud";
import { ROOT } from "../../system/folders";
import { GOOD } from "../configuration";
import { installedExample } from "../example";
import { WRONG } from "../wrong-inputs";
import { CANARY, plainTexts, Program, runProgram } from "./program";

let program: Program;

before(async () => {
    const { program: folder } = await installedExample("package-graph");
    const values = { familyPort: 8443, clubPort: 8444, images: {} };
    program = await runProgram(values, "test", relative(ROOT, folder));
});

const ofType = (type: string) => program.resources.filter((resource) => resource.type === type);

test("the example makes two clouds", () => {
    assert.deepEqual(
        ofType("ocis-authelia:index:Cloud").map(({ name }) => name),
        ["family", "club"],
    );
});

test("nothing of the two has the same name on the Docker host, or the same port", () => {
    for (const type of ["container:Container", "volume:Volume", "network:Network"]) {
        const names = ofType(`docker:index/${type}`).map(({ inputs }) => String(inputs.name));
        assert.ok(names.length > 0, type);
        assert.deepEqual(names, [...new Set(names)]);
        for (const name of names) {
            assert.match(name, /^ocis-authelia-test-(family|club)-/);
        }
        assert.equal(names.filter((name) => name.includes("-family-")).length, names.length / 2, type);
    }
    const ports = ofType("docker:index/container:Container").flatMap(({ inputs }) =>
        ((inputs.ports ?? []) as { external: number; protocol?: string }[]).map(
            ({ external, protocol = "tcp" }) => `${external}/${protocol}`,
        ),
    );
    assert.deepEqual(ports.sort(), ["8443/tcp", "8443/udp", "8444/tcp", "8444/udp"]);
});

test("nothing of one cloud is part of the other", () => {
    for (const { name, type, parent } of program.resources) {
        const [cloud] = name.split("-");
        assert.ok(parent === "" || parent.split("::").pop()!.startsWith(cloud!), `${type} ${name} in ${parent}`);
    }
});

test("no planted secret reaches a plain property", () => {
    for (const { name, type, inputs } of program.resources) {
        for (const { path, text } of plainTexts(inputs)) {
            assert.ok(!text.includes(CANARY), `${type} ${name}${path}`);
        }
    }
});

/** What the class says of arguments. */
function refusal(args: object): pulumi.InputPropertiesError {
    try {
        new Cloud("cloud", args as CloudArgs);
    } catch (error) {
        assert.ok(pulumi.InputPropertiesError.isInstance(error), String(error));
        return error;
    }
    throw new Error("the arguments are accepted");
}

/** Arguments that no stack's configuration has. */
const ARGUMENTS: [what: string, args: Record<string, unknown>, key: string][] = [
    ["a prefix in upper case", { prefix: "Family" }, "prefix"],
    ["a prefix with an underscore", { prefix: "my_family" }, "prefix"],
    ["an empty prefix", { prefix: "" }, "prefix"],
    ["a long prefix", { prefix: "a".repeat(41) }, "prefix"],
    ["an output that is to be plain", { domain: pulumi.output("example.com") }, "domain"],
    ["users as an output", { users: pulumi.output(GOOD.users) }, "users"],
    ["an output among groups", { access: { groups: [pulumi.output("family")] } }, "access.groups[0]"],
];

for (const [what, args, key] of [...WRONG.map(([what, args, key]) => [what, args, key] as const), ...ARGUMENTS]) {
    test(`arguments: ${what}`, () => {
        const { errors = [] } = refusal({ ...GOOD, ...args });
        const found = errors.find(({ propertyPath }) => propertyPath === key);
        assert.ok(found, `${key} is named in ${JSON.stringify(errors)}`);
        assert.doesNotMatch(JSON.stringify(errors), /pulumi config|--stack|toJSON/, "a program has no command line");
    });
}

test("every fault is reported at once", () => {
    const { errors } = refusal({ ...GOOD, prefix: "-", domain: "localhost", httpsPort: 0 });
    assert.deepEqual(errors.map(({ propertyPath }) => propertyPath).sort(), ["domain", "httpsPort", "prefix"]);
});

test("no secret is part of an error", () => {
    const users = { alice: { ...GOOD.users.alice, passwordDigest: "canary-digest" } };
    const { errors } = refusal({ ...GOOD, users });
    assert.ok(errors.some(({ propertyPath }) => propertyPath === "users.alice.passwordDigest"));
    assert.doesNotMatch(JSON.stringify(errors), /canary/);
});
