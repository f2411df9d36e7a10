/**
 * What to do when Docker refuses: turns a failed operation of a workload into one message with the cause and the cure. A
 * container that does not become ready is explained by the last lines of its log, with every secret of its files masked.
 */
import * as pulumi from "@pulumi/pulumi";

import { CommandLine, Cure, printCure, printPath } from "../settings/cure";
import { dockerOptions, engineKeys } from "../system/docker-engine";
import { attempt, Ended } from "../system/run";

/** Lines of the log that are shown. */
const LOG_LINES = 20;

/** How long one answer of the engine may take, milliseconds. */
const DOCKER_TIMEOUT = 20_000;

/** Shorter words in secret files are too common to be secrets; every secret of ours is longer. */
const SHORTEST_SECRET = 8;

/** Mappings' keys in the secret files ("jwt_secret:") are no secrets, and the log is easier to read with them. */
const isKey = (word: string) => word.endsWith(":");

/** `text` without any word that stands in `secrets`, the contents of files. Pure. */
export function mask(text: string, secrets: readonly string[]): string {
    const words = new Set(secrets.flatMap((content) => content.split(/[\s"']+/)));
    return [...words]
        .filter((word) => word.length >= SHORTEST_SECRET && !isKey(word))
        .sort((a, b) => b.length - a.length)
        .reduce((masked, word) => masked.replaceAll(word, "[secret]"), text);
}

/** Writes a cure for the person who runs the program. */
export type Mender = (cure: Cure) => string;

/**
 * Writes cures as commands where the configuration comes from a stack's file, and as arguments of the component where another program
 * gives them.
 */
export function menderFor(commandLine: CommandLine | undefined): Mender {
    return (cure) => {
        if (commandLine !== undefined) {
            return printCure(cure, commandLine);
        }
        return "to" in cure
            ? `${printPath(cure.set)}: ${JSON.stringify(cure.to)}`
            : printPath("set" in cure ? cure.set : cure.remove);
    };
}

/** A port of the Docker host, and what moves it elsewhere. */
export interface PortOwner {
    readonly port: number;
    /** TCP by default. */
    readonly protocol?: "udp";
    /** Frees the port. */
    readonly cure: Cure;
}

/** What of a workload a diagnosis wants to know. */
export interface Patient {
    /** Name of the component. */
    readonly name: string;
    /** Name of its container on the Docker host. */
    readonly containerName: string;
    readonly image: pulumi.Input<string>;
    /** Takes another image. */
    readonly imageCure: Cure;
    readonly ports: readonly PortOwner[];
    /** Contents of its files with secrets. */
    readonly secrets: readonly pulumi.Input<string>[];
    /** How to go back to the release before, where its data are tied to one. */
    readonly goBack?: string;
    readonly mender: Mender;
}

/** An error that ends the run with these words alone: Pulumi would print a stack after them, where there is one. */
export function failure(message: string): pulumi.RunError {
    return Object.assign(new pulumi.RunError(message), { stack: undefined });
}

/** Docker's words for a port that somebody else has. Source: run with Docker Engine 20.10. */
const PORT_IN_USE =
    /(?:Bind for|listen (?:tcp|udp)[46]?|address) \[?([\da-f.:]+)\]?:(\d+)\S*.*?(?:already allocated|already in use)/s;

/** Docker's words for a name that something has already. Source: run with Docker Engine 20.10. */
const NAME_IN_USE = /container name "\/?([^"]+)" is already in use/;

/** Docker's words for a volume's place that it does not get at. Source: run with Docker Engine 20.10. */
const CANNOT_BE_MOUNTED = /failed to mount local volume: mount (\S+?):\/\S+?(?:, (?:flags|data): [^:]*)*: ([^"\n]+)/;

/**
 * The cause and the cure behind an error of the Docker provider; undefined for one that says enough by itself. Pure.
 *
 * @param image Name of the image.
 * @param type Type token of the resource that failed.
 * @param error As the provider words it.
 */
export function explain(
    { imageCure, ports, mender }: Pick<Patient, "imageCure" | "ports" | "mender">,
    image: string,
    type: string,
    error: string,
): string | undefined {
    const [, address, number] = PORT_IN_USE.exec(error) ?? [];
    if (number !== undefined) {
        // The engine names the protocol only where its own proxy listens; else TCP, which it publishes first, is as likely.
        const udp = /listen udp/.test(error);
        const owners = ports.filter(({ port }) => port === Number(number));
        const owner = owners.find(({ protocol }) => (protocol === "udp") === udp) ?? owners[0];
        const cure = owner === undefined ? "." : `, or choose another port:\n    ${mender(owner.cure)}`;
        return `Port ${number}${udp ? " (UDP)" : ""} of ${address} is in use by another program.\nStop that program${cure}`;
    }
    const container = NAME_IN_USE.exec(error)?.[1];
    if (container !== undefined) {
        return (
            `A container ${container} is on the engine, of which the state knows nothing: a run has left it in which the engine went ` +
            `away, or it is something else's.\nRemove it, and run pulumi up again:\n    docker rm --force --volumes ${container}`
        );
    }
    const [, place, why] = CANNOT_BE_MOUNTED.exec(error) ?? [];
    if (place !== undefined) {
        return (
            `${place} cannot be mounted on the machine of the Docker Engine: ${why}.\n` +
            "See that it is there (for a folder: mkdir, or mount the disk that it is on), and run pulumi up again."
        );
    }
    if (type === "docker:index/remoteImage:RemoteImage") {
        return (
            `The image ${image} cannot be had: it is neither on the Docker host nor can it be pulled.\n` +
            `Check the host's connection (docker pull ${image}), or name an image that is there, such as:\n    ${mender(imageCure)}`
        );
    }
    return undefined;
}

/** Options by which docker reaches the engine that the provider uses. */
const engine = () => dockerOptions(engineKeys(pulumi.runtime.allConfig()));

/** Asks the engine. */
export function askDocker(...args: string[]): Promise<Ended> {
    return attempt("docker", [...engine(), ...args], { timeout: DOCKER_TIMEOUT });
}

/** Has the engine do something that takes as long as it takes, with a text on its standard input. */
export function tellDocker(input: string, ...args: string[]): Promise<Ended> {
    return attempt("docker", [...engine(), ...args], { input });
}

/** The values, once they are known. */
export const known = <T>(values: pulumi.Input<T>) =>
    new Promise<T>((resolve) => void pulumi.output(values).apply((value) => resolve(value as T)));

/** The last lines of a container's log, oldest first and without the secrets of its workload, or why there are none. */
export async function logOf(
    { secrets }: Patient,
    containerName: string,
    kind: "container" | "service" = "container",
    lines = LOG_LINES,
): Promise<string> {
    const { code, text } = await askDocker(kind, "logs", "--tail", String(lines), containerName);
    const said = code === 0 ? text.trim() || "(it has logged nothing)" : `(its log could not be read: ${text.trim()})`;
    return mask(said, await known<string[]>(pulumi.all([...secrets])));
}

/** A hook that explains what failed in a workload, in the place where Pulumi shows the run's errors. It never retries. */
export function explainFailures(patient: Patient, component: pulumi.Resource): pulumi.ErrorHook {
    const { name: workload, containerName } = patient;
    const image = known(patient.image);
    return new pulumi.ErrorHook(`${workload}-diagnosis`, async ({ name, type, errors }) => {
        const cause = explain(patient, await image, type, errors[0] ?? "");
        if (cause !== undefined) {
            await pulumi.log.error(cause, component);
        } else if (type === "docker:index/container:Container") {
            const failed = containerName + name.slice(workload.length); // as Workload names its containers
            await pulumi.log.error(
                `The container ${failed} did not start. The last lines of its log:\n${await logOf(patient, failed)}\n` +
                    `Mend what it says and run pulumi up again: it goes on from here.`,
                component,
            );
        }
        return false;
    });
}
