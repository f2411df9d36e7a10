/**
 * What to do when Docker refuses: turns a failed operation of a workload into one message with the cause and the cure. A
 * container that does not become ready is explained by the last lines of its log, with every secret of its files masked.
 */
import * as pulumi from "@pulumi/pulumi";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { WorkloadArgs } from "./workload";

/** Lines of the log that are shown. */
const LOG_LINES = 20;

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

/**
 * The cause and the cure behind an error of the Docker provider; undefined for one that says enough by itself. Pure.
 *
 * @param workload Name of the component.
 * @param image Name of its image.
 * @param type Type token of the resource that failed.
 * @param error As the provider words it.
 */
export function explain(workload: string, image: string, type: string, error: string): string | undefined {
    const port = /(?:Bind for|listen tcp4?|address) (\S+?):(\d+)\S*.*?(?:already allocated|already in use)/s.exec(error);
    if (port !== null || /port is already allocated|address already in use/.test(error)) {
        const [, address, number] = port ?? [];
        return (
            `Port ${number === undefined ? "" : `${number} of ${address} `}is in use by another program.\n` +
            `Stop that program, or choose another port: pulumi config set httpsPort 9443`
        );
    }
    if (type === "docker:index/remoteImage:RemoteImage") {
        return (
            `The image ${image} cannot be had: it is neither on the Docker host nor can it be pulled.\n` +
            "Check the host's connection, or name an image that is there: " +
            `pulumi config set --path images.${imageKey(workload)} <image>`
        );
    }
    return undefined;
}

/** The edge runs Caddy; the other workloads are called as their servers are. */
function imageKey(workload: string): string {
    return workload === "edge" ? "caddy" : workload;
}

/** The last lines of a container's log, oldest first, or why there are none. */
async function lastLines(containerName: string): Promise<string> {
    const host = new pulumi.Config("docker").get("host");
    const target = host === undefined ? [] : ["--host", host];
    try {
        const lines = ["logs", "--tail", String(LOG_LINES), containerName];
        const { stdout, stderr } = await promisify(execFile)("docker", [...target, ...lines], { timeout: 20_000 });
        return `${stdout}${stderr}`.trim() || "(it has logged nothing)";
    } catch (error) {
        return `(its log could not be read: ${(error as Error).message.trim()})`;
    }
}

/** A hook that explains what failed in a workload, in the place where Pulumi shows the run's errors. It never retries. */
export function explainFailures(
    workload: string,
    containerName: string,
    args: WorkloadArgs,
    component: pulumi.Resource,
): pulumi.ErrorHook {
    const contents = new Promise<string[]>((resolve) =>
        pulumi.all(args.secretFiles.map(({ content }) => content)).apply(resolve),
    );
    const image = new Promise<string>((resolve) => pulumi.output(args.image).apply(resolve));
    return new pulumi.ErrorHook(`${workload}-diagnosis`, async ({ name, type, errors }) => {
        const known = explain(workload, await image, type, errors[0] ?? "");
        if (known !== undefined) {
            await pulumi.log.error(known, component);
        } else if (type === "docker:index/container:Container") {
            const failed = containerName + name.slice(workload.length); // as Workload names its containers
            const log = mask(await lastLines(failed), await contents);
            await pulumi.log.error(
                `The container ${failed} did not become ready. The last lines of its log:\n${log}\n` +
                    `Mend what it says and run pulumi up again: it goes on from here.`,
                component,
            );
        }
        return false;
    });
}
