/**
 * Runs the whole program under Pulumi's mocks and records what it registers: every resource with its inputs as they go over
 * the wire (secrets still wrapped) and its options. Proves the shape of the graph, not what a provider makes of it.
 */
import * as pulumi from "@pulumi/pulumi";
import { join } from "node:path";

import { configuration } from "../configuration";
import { ROOT } from "../../system/folders";

/** Pulumi's mark of a secret on the wire. Source: @pulumi/pulumi, runtime/rpc. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Stands in every generated secret, so that a test can look where secrets go. */
export const CANARY = "canary";

/** A registered resource. */
export interface Registered {
    readonly type: string;
    readonly name: string;
    /** As sent to the engine: secrets are wrapped. */
    readonly inputs: Record<string, unknown>;
    /** URN of the parent. */
    readonly parent: string;
    readonly protect: boolean;
    readonly deleteBeforeReplace: boolean;
    readonly replaceOnChanges: readonly string[];
    readonly ignoreChanges: readonly string[];
    /** Names that it had in earlier programs. */
    readonly aliases: readonly string[];
}

/** What the program leaves behind. */
export interface Program {
    readonly resources: readonly Registered[];
    /** As the program exports them. */
    readonly outputs: Record<string, pulumi.Output<unknown>>;
    /** What they hold. */
    readonly values: Record<string, unknown>;
}

interface RegisterRequest {
    getType(): string;
    getName(): string;
    getParent(): string;
    getProtect(): boolean;
    getDeletebeforereplace(): boolean;
    getReplaceonchangesList(): string[];
    getIgnorechangesList(): string[];
    getAliasesList(): { getSpec(): { getName(): string; getType(): string } | undefined }[];
    getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
}

const wrapped = (value: unknown) => ({ [SIGNATURE]: SECRET, value });

/** A time that many days from now, as certificates have it. */
const at = (days: number) => new Date(Date.now() + days * 24 * 3_600_000).toISOString();

/** What the providers would compute, as far as the program uses it. */
function computed(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
    switch (type) {
        case "pulumi:index:Stash":
            return { output: inputs.input };
        case "random:index/randomPassword:RandomPassword":
            return { result: wrapped(`${CANARY}-${name}`) };
        case "random:index/randomUuid:RandomUuid":
            return { result: `uuid-${name}` };
        case "tls:index/privateKey:PrivateKey":
            return { privateKeyPem: wrapped(`-----BEGIN KEY-----\n${CANARY}-${name}\n-----END KEY-----\n`) };
        case "tls:index/selfSignedCert:SelfSignedCert":
            return { certPem: "-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n", validityEndTime: at(3650) };
        case "tls:index/certRequest:CertRequest":
            return { certRequestPem: "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n" };
        case "tls:index/locallySignedCert:LocallySignedCert":
            return { certPem: "-----BEGIN CERTIFICATE-----\nsites\n-----END CERTIFICATE-----\n", validityEndTime: at(820) };
        case "docker:index/remoteImage:RemoteImage":
            return { imageId: `sha256:${name}` };
        default:
            return {};
    }
}

/**
 * Runs a program on a configuration. A second run in one process starts from scratch.
 *
 * @param program Its main module, relative to the repository.
 * @param before The state of the last update: by URN, what each resource had.
 */
export async function runProgram(
    values: Record<string, unknown>,
    stack = "test",
    program = "index",
    before: Record<string, { outputs: object }> = {},
): Promise<Program> {
    const resources: Registered[] = [];
    const project = "ocis-authelia";
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs, id }) => ({
                id: id || `${name}-id`,
                state: { ...(inputs as Record<string, unknown>), ...computed(type, name, inputs as Record<string, unknown>) },
            }),
            // The one function that the program calls reads the state of the last update.
            call: () => ({ outputs: before }),
        },
        project,
        stack,
        true, // a preview: nothing waits for containers, of which there are none
        "organization",
    );
    const config = Object.entries(configuration(values)).map(([key, value]) => [`${project}:${key}`, value]);
    pulumi.runtime.setAllConfig(Object.fromEntries(config) as Record<string, string>);

    const monitor = pulumi.runtime.getMonitor() as unknown as Record<string, (request: unknown, done: unknown) => unknown>;
    const register = monitor.registerResource!.bind(monitor);
    monitor.registerResource = (request, done) => {
        const wire = request as RegisterRequest;
        resources.push({
            type: wire.getType(),
            name: wire.getName(),
            inputs: wire.getObject()?.toJavaScript() ?? {},
            parent: wire.getParent(),
            protect: wire.getProtect(),
            deleteBeforeReplace: wire.getDeletebeforereplace(),
            replaceOnChanges: wire.getReplaceonchangesList(),
            ignoreChanges: wire.getIgnorechangesList(),
            aliases: wire.getAliasesList().map((alias) => alias.getSpec()?.getName() ?? ""),
        });
        return register(request, done);
    };
    // The mocks of @pulumi/pulumi 3.256.0 do not know hooks; what ours does is tested by itself (tests/unit/diagnosis).
    const accept = (_: unknown, done: unknown) => (done as (error: null, reply: object) => void)(null, {});
    monitor.registerResourceHook = accept;
    monitor.registerErrorHook = accept;

    for (const path of Object.keys(require.cache)) {
        if (path.startsWith(ROOT) && !path.includes("node_modules") && !path.includes(join(ROOT, "tests"))) {
            delete require.cache[path];
        }
    }
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- each run needs the program anew
    const outputs = require(join(ROOT, program)) as Program["outputs"];
    // Registration follows data flow; the program has come to rest once no new promise appears.
    await pulumi.runtime.disconnect();
    const heldBy = (output: object) => new Promise<unknown>((resolve) => void pulumi.output(output).apply(resolve));
    const held = await Promise.all(
        Object.entries(outputs).map(async ([name, output]) => [name, await heldBy(output)] as const),
    );
    return { resources, outputs, values: Object.fromEntries(held) };
}

/** Every text in a value on the wire that is not inside a secret, with its path. */
export function plainTexts(value: unknown, path = ""): { path: string; text: string }[] {
    if (typeof value === "string") {
        return [{ path, text: value }];
    }
    if (typeof value !== "object" || value === null) {
        return [];
    }
    if ((value as Record<string, unknown>)[SIGNATURE] === SECRET) {
        return [];
    }
    return Object.entries(value).flatMap(([key, member]) => plainTexts(member, `${path}.${key}`));
}
