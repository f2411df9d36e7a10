/**
 * A workload as containers of one Docker Engine. Docker cannot upload files into a container whose root is read-only, and a fresh volume
 * belongs to root where the image has no such path. So a workload is up to three containers of one image. `<name>-files` and
 * `<name>-secrets` start first, as root and without network, receive the files into volumes of their own, give them and the data volume to
 * the process's user, and end. They are two because Pulumi masks a whole list of files when one of them is secret, and a preview is meant
 * to show what changes in the others. The process then runs unprivileged on a read-only root, with all those files mounted read-only.
 */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { CARRIERS, carrierName } from "../naming";
import {
    File,
    FILES_PATH,
    HEALTH_CHECK,
    LOG_OPTIONS,
    Placed,
    Placing,
    SECRETS_PATH,
    STOP_SECONDS,
    TMP_SIZE,
    UID,
} from "./args";
import { whenReady } from "./container-readiness";

/**
 * Properties whose change the provider reports but does not apply, and `#initerror`: without it a container that could not be started
 * counts as made. Source: run with @pulumi/docker 5.2.0.
 */
const REPLACED_BY_HAND = ["healthcheck", "tmpfs", "destroyGraceSeconds", "#initerror"];

/**
 * What differs in a container whose engine went away before it had ended: nothing tells whether its command has run, so it is made anew.
 * An update would leave files that their process may not read. Source: run with @pulumi/docker 5.2.0 (tests/deployment/engine.test.ts).
 */
const UNFINISHED = ["networkDatas", "exitCode", "#initerror"];

/** Options of a folder in memory. */
const MEMORY_FOLDER = `size=${TMP_SIZE / 1024 / 1024}m,mode=1777`;

/** All of them, or what the image says would be a difference at every run. */
const HEALTH_CHECK_TIMES = { ...HEALTH_CHECK, startPeriod: "2m0s" };

export function asContainers({ name, args, nameOnHost, imageId, volume, patient, children, component }: Placing): Placed {
    const data = volume === undefined ? [] : [{ volumeName: volume.name, containerPath: volume.data.path }];
    const dataOwned = volume === undefined ? "" : ` && chown ${UID}:${UID} ${volume.data.path}`;
    const hardening = {
        readOnly: true,
        securityOpts: ["no-new-privileges:true"],
        // Swap is off by setting both alike; a limit without swap would be completed by the engine and differ at each run.
        memory: args.memory,
        memorySwap: args.memory,
        logDriver: "json-file",
        logOpts: LOG_OPTIONS,
    };

    const carrier = (use: (typeof CARRIERS)[number], path: string, files: readonly File[]) =>
        new docker.Container(
            carrierName(name, use),
            {
                ...hardening,
                readOnly: false,
                name: carrierName(nameOnHost, use),
                image: imageId,
                entrypoints: ["/bin/sh", "-c"],
                command: [`chown -R ${UID}:${UID} ${path}${dataOwned}`],
                user: "0:0",
                networkMode: "none",
                // The second one because root may otherwise not list a folder that is open to its owner alone.
                capabilities: { drops: ["ALL"], adds: ["CAP_CHOWN", "CAP_DAC_READ_SEARCH"] },
                healthcheck: { ...HEALTH_CHECK_TIMES, tests: ["NONE"] },
                volumes: [{ containerPath: path }, ...data],
                uploads: files.map(({ name: file, content }) => ({
                    file: `${path}/${file}`,
                    content,
                    permissions: "0400",
                })),
                attach: true,
                mustRun: false,
                restart: "no",
            },
            { ...children, deleteBeforeReplace: true, replaceOnChanges: UNFINISHED },
        );
    const secretFiles = args.secretFiles.map((file) => ({ ...file, content: pulumi.secret(file.content) }));
    const carriers = [
        carrier("files", FILES_PATH, args.files),
        ...(secretFiles.length === 0 ? [] : [carrier("secrets", SECRETS_PATH, secretFiles)]),
    ];

    const { id } = new docker.Container(
        name,
        {
            ...hardening,
            name: nameOnHost,
            hostname: args.host,
            // Known in a preview too, in which those before it may be about to be replaced.
            image: pulumi.all([imageId, ...(args.after ?? []).map(({ ready }) => ready)]).apply(([known]) => known!),
            entrypoints: args.entrypoint === undefined ? undefined : [...args.entrypoint],
            command: args.command === undefined ? undefined : [...args.command],
            user: `${UID}:${UID}`,
            envs: pulumi.output(args.environment).apply((environment) =>
                Object.entries(environment)
                    .map(([key, value]) => `${key}=${value}`)
                    .sort(),
            ),
            capabilities: { drops: ["ALL"], adds: [...(args.capabilities ?? [])] },
            // Everything that the carriers mount comes along read-only; the data volume is named again to be writable.
            // Their ids tie them together: new files make a new process.
            volumes: [...carriers.map((each) => ({ fromContainer: each.id, readOnly: true })), ...data],
            tmpfs: Object.fromEntries(["/tmp", ...(args.scratch ?? [])].map((path) => [path, MEMORY_FOLDER])),
            networksAdvanced: [
                { name: args.network.name, aliases: [args.host, ...(args.aliases ?? [])] },
                ...(args.furtherNetworks ?? []).map((network) => ({ name: network.name, aliases: [args.host] })),
            ],
            // The engine puts its own address in the place of the word. Source: docker run --add-host, since 20.10.
            hosts: (args.namesOnDockerHost ?? []).map((host) => ({ host, ip: "host-gateway" })),
            ports: (args.ports ?? []).map(({ address, port, inside = port, protocol }) => {
                return { ip: address, internal: inside, external: port, protocol };
            }),
            healthcheck: { ...HEALTH_CHECK_TIMES, tests: ["CMD-SHELL", args.ready] },
            stopSignal: args.stopSignal,
            destroyGraceSeconds: STOP_SECONDS,
            // For `docker stop` and a shutdown of the host, which would kill after ten seconds.
            stopTimeout: STOP_SECONDS,
            // Not "unless-stopped": an engine that was killed ends what it finds running at its next start, and takes that for
            // a stop by hand. Source: moby, daemon/kill.go, killWithSignal; run with 20.10, and the same in August 2026.
            restart: "always",
        },
        // The name is fixed, so the old container has to go first, whatever asks for the replacement.
        {
            ...children,
            hooks: { ...children.hooks, ...(args.beforeStart === undefined ? {} : { beforeCreate: [args.beforeStart] }) },
            deleteBeforeReplace: true,
            replaceOnChanges: REPLACED_BY_HAND,
            dependsOn: [...(args.after ?? [])],
        },
    );
    return { id, whenReady: () => whenReady(patient, args.ready, component) };
}
