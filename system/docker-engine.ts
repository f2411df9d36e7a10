/**
 * Which Docker Engine a stack is on, as Pulumi's docker provider is told it (`docker:host` and the other keys of its configuration), and how
 * the docker command, which the program and the commands ask, reaches the same one. Pure.
 */
import { join } from "node:path";

/** Keys of the provider's configuration, without "docker:", that say which engine it is and how it is reached. */
export const ENGINE_KEYS = ["host", "context", "certPath"] as const;

/** Their values; where there are none, the docker command's own choice holds: DOCKER_HOST, or its current context. */
export type EngineKeys = Readonly<Partial<Record<(typeof ENGINE_KEYS)[number], string>>>;

/** The files of a folder `certPath`: certificates of the engine's authority and of whoever asks it, and the key to the latter. */
export const TLS_FILES = { "--tlscacert": "ca.pem", "--tlscert": "cert.pem", "--tlskey": "key.pem" } as const;

/** The keys among all texts of a configuration by key. */
export function engineKeys(configuration: Readonly<Record<string, unknown>>): EngineKeys {
    const given = ENGINE_KEYS.map((key) => [key, configuration[`docker:${key}`]] as const);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** The opposite: each as it stands in a configuration, undefined where it does not. */
export function engineConfiguration(keys: EngineKeys): Record<string, string | undefined> {
    return Object.fromEntries(ENGINE_KEYS.map((key) => [`docker:${key}`, keys[key]]));
}

/** Options by which the docker command reaches that engine. */
export function dockerOptions({ host, context, certPath }: EngineKeys): string[] {
    if (context !== undefined) {
        return ["--context", context]; // the provider prefers it too
    }
    const files = Object.entries(TLS_FILES).flatMap(([option, file]) => [option, join(certPath ?? "", file)]);
    return [...(host === undefined ? [] : ["--host", host]), ...(certPath === undefined ? [] : ["--tlsverify", ...files])];
}
