/**
 * What a backup says of its stack beside the data: configuration, state, images. Its secrets stand there in clear: the repository is
 * encrypted, and a machine that was lost has taken its passphrase with it. Pure.
 */
import { parse, parseDocument } from "yaml";

import { Path } from "../../settings/cure";

/** A stack by its names. */
export interface StackName {
    readonly project: string;
    readonly stack: string;
}

/** What `pulumi stack export` writes, as far as it is looked at. Source: Pulumi, sdk/go/common/apitype, DeploymentV3. */
export interface Exported {
    readonly deployment: {
        readonly resources?: readonly Resource[];
        readonly pending_operations?: readonly unknown[];
        readonly secrets_providers?: SecretsProvider;
    };
}

/** What a state's secrets are encrypted with: the passphrase of `npm run pulumi`, and this salt. */
interface SecretsProvider {
    readonly type: "passphrase";
    readonly state: { readonly salt: string };
}

interface Resource {
    readonly urn: string;
    readonly type: string;
    readonly protect?: boolean;
    readonly dependencies?: readonly string[];
    readonly propertyDependencies?: Readonly<Record<string, readonly string[] | null>>;
}

/** What a stack runs, by the keys of its configuration. */
export type Images = Readonly<Record<"authelia" | "ocis" | "caddy", string>> & {
    readonly postgres?: string;
    readonly redis?: string;
    readonly lldap?: string;
    readonly tika?: string;
    readonly clamav?: string;
};

export interface Description extends StackName {
    /** Of this form; another one is of another release of this program. */
    readonly format: typeof FORMAT;
    /** Text of the stack's file. */
    readonly file: string;
    /** The secrets that stand in it encrypted, by their places below `config`. */
    readonly secrets: readonly Secret[];
    readonly state: Exported;
    /** Absent where the stack was not up. */
    readonly images?: Images;
}

export interface Secret {
    /** Members as `pulumi config set --path` takes them: without the project's name. */
    readonly path: Path;
    readonly value: string;
}

export const FORMAT = 1;

type Yaml = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Yaml => typeof value === "object" && value !== null && !Array.isArray(value);

/** A key of a stack's file as the command line takes it. */
const bare = (key: string, project: string) => (key.startsWith(`${project}:`) ? key.slice(project.length + 1) : key);

/**
 * The secrets of a stack's file.
 *
 * @param file Text of the file, in which they stand as `secure: …`.
 * @param texts What `pulumi config --show-secrets --json` says: value by key with the project's name, those with members as JSON.
 */
export function secretsOf(file: string, project: string, texts: Readonly<Record<string, string>>): Secret[] {
    const { config = {} } = (parse(file) ?? {}) as { config?: Yaml };
    const found = (path: Path, encrypted: unknown, clear: unknown): Secret[] => {
        if (isMap(encrypted) && typeof encrypted.secure === "string" && Object.keys(encrypted).length === 1) {
            return [{ path, value: String(clear) }];
        }
        const members = Array.isArray(encrypted) ? [...encrypted.entries()] : isMap(encrypted) ? Object.entries(encrypted) : [];
        return members.flatMap(([member, value]) => found([...path, member], value, (clear as never)[member]));
    };
    return Object.entries(config).flatMap(([key, value]) => {
        const text = texts[key.includes(":") ? key : `${project}:${key}`];
        const isText = text === undefined || !(isMap(value) || Array.isArray(value)) || (isMap(value) && "secure" in value);
        return found([bare(key, project)], value, isText ? text : JSON.parse(text));
    });
}

/** What a saved configuration gives by one of our keys; secrets in it are encrypted. */
export function givenIn({ file, project }: Pick<Description, "file" | "project">, key: string): unknown {
    const { config = {} } = (parse(file) ?? {}) as { config?: Yaml };
    return config[`${project}:${key}`] ?? config[key];
}

/** What differs in a stack's file from the one that was saved: values by key (ours without the project's name), undefined takes one out. */
export type Changes = Readonly<Record<string, unknown>>;

/**
 * The file of a stack as it was saved, comments and all, with places for its secrets, which are encrypted anew.
 *
 * @param salt What the new stack's passphrase goes with.
 */
export function fileFor(
    { file, project, secrets }: Pick<Description, "file" | "project" | "secrets">,
    salt: string,
    changes: Changes,
): string {
    const document = parseDocument(file);
    document.set("encryptionsalt", salt);
    const spelling = (key: string) => (document.hasIn(["config", `${project}:${key}`]) ? `${project}:${key}` : key);
    for (const { path } of secrets) {
        document.setIn(["config", spelling(String(path[0])), ...path.slice(1)], "");
    }
    for (const [key, value] of Object.entries(changes)) {
        const whole = key.includes(":") ? key : `${project}:${key}`;
        [key, whole].forEach((spelt) => document.deleteIn(["config", spelt]));
        if (value !== undefined) {
            document.setIn(["config", whole], document.createNode(value));
        }
    }
    return document.toString({ lineWidth: 0 });
}

/** What is on the engine is made again around the volumes, whose data are restored. */
const isOnEngine = ({ type }: Resource) => type.startsWith("docker:");

/**
 * A saved state for a stack: without what was on the lost engine, under the stack's name, and to be encrypted as that stack's secrets are.
 *
 * @param salt What the stack's passphrase goes with.
 * @param isPassing Whether the stack goes again, so that nothing of it is protected.
 */
export function stateFor(state: Exported, from: StackName, to: StackName, salt: string, isPassing: boolean): Exported {
    const { resources = [], ...deployment } = state.deployment;
    const kept = resources.filter((resource) => !isOnEngine(resource));
    const known = new Set(kept.map(({ urn }) => urn));
    const present = (urns: readonly string[]) => urns.filter((urn) => known.has(urn));
    const changed: Exported = {
        ...state,
        deployment: {
            ...deployment,
            pending_operations: [],
            secrets_providers: { type: "passphrase", state: { salt } },
            resources: kept.map((resource) => ({
                ...resource,
                ...(isPassing ? { protect: false } : {}),
                ...(resource.dependencies && { dependencies: present(resource.dependencies) }),
                ...(resource.propertyDependencies && {
                    propertyDependencies: Object.fromEntries(
                        Object.entries(resource.propertyDependencies).map(([name, urns]) => [name, urns && present(urns)]),
                    ),
                }),
            })),
        },
    };
    // Names of stacks and projects need no quoting, and a URN begins with them wherever it stands.
    const start = ({ project, stack }: StackName) => `urn:pulumi:${stack}::${project}::`;
    return JSON.parse(JSON.stringify(changed).replaceAll(start(from), start(to))) as Exported;
}
