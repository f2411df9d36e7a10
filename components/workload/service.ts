/**
 * A workload as a service of a Docker swarm: as many processes as it says, on any of the machines, replaced one by one when something
 * changes. Its files are configs and secrets of the swarm, which never change: new contents make new ones, and with them new processes.
 * What has a place that every machine reaches is mounted from there; anything else that a process writes is gone with it, since
 * settings/engine.ts takes no stack to a swarm that keeps something in one machine. A service knows no `no-new-privileges`: that is set
 * on the engine of every machine (docs/swarm.md).
 */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";

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
import { whenServiceReady } from "./service-readiness";

/** As long as a server may take that migrates its data: a swarm ends what is unhealthy after it. As Docker writes it. */
const START_PERIOD = "1h";

/** For how long a new process is watched before the next one is replaced; if it fails until then, the service goes back. */
const MONITOR = "15s";

/** Characters of a hash in a name: with the longest names of a stack and a workload it has 64, which is all that a swarm takes. */
const HASH_LENGTH = 10;

/** Read-only, for its owner. */
const FILE_MODE = 0o400;

/** A name that belongs to these contents. */
function nameFor(nameOnHost: string, { name: file, content }: File): pulumi.Output<string> {
    return pulumi.output(content).apply((text) => {
        const hash = createHash("sha256").update(`${file}\0${text}`).digest("hex");
        return `${nameOnHost}-${hash.slice(0, HASH_LENGTH)}`;
    });
}

const base64 = (text: pulumi.Input<string>) =>
    pulumi.output(text).apply((plain) => Buffer.from(plain, "utf8").toString("base64"));

export function asService({ name, args, nameOnHost, imageId, volume, patient, children, component }: Placing): Placed {
    // New ones are made before the old ones go, which a service still has: the provider does it the other way round where a name is given.
    const kept = { ...children, deleteBeforeReplace: false };
    const owned = { fileUid: UID, fileGid: UID, fileMode: FILE_MODE };
    const configs = args.files.map((file) => {
        const made = new docker.ServiceConfig(
            `${name}-${file.name}`,
            { name: nameFor(nameOnHost, file), data: base64(file.content) },
            kept,
        );
        return { configId: made.id, configName: made.name, fileName: `${FILES_PATH}/${file.name}`, ...owned };
    });
    const secrets = args.secretFiles.map((file) => {
        const content = pulumi.secret(file.content);
        const made = new docker.Secret(
            `${name}-${file.name}`,
            { name: nameFor(nameOnHost, { ...file, content }), data: base64(content) },
            kept,
        );
        return { secretId: made.id, secretName: made.name, fileName: `${SECRETS_PATH}/${file.name}`, ...owned };
    });
    const perishable = (target: string) => ({ target, type: "tmpfs", tmpfsOptions: { mode: 0o1777, sizeBytes: TMP_SIZE } });
    const data = (volume: Required<Placing>["volume"]) =>
        volume.data.options === undefined
            ? perishable(volume.data.path)
            : {
                  target: volume.data.path,
                  type: "volume",
                  source: volume.name,
                  // Each machine makes the volume by these, when the first process comes to it.
                  volumeOptions: { noCopy: true, driverName: "local", driverOptions: { ...volume.data.options } },
              };
    const onePerMachine = (args.ports ?? []).length > 0;
    const order = onePerMachine ? "stop-first" : "start-first";

    const { id } = new docker.Service(
        name,
        {
            name: nameOnHost,
            mode: { replicated: { replicas: args.replicas ?? 1 } },
            taskSpec: {
                containerSpec: {
                    // By its name: another machine has no image of this id. It waits for the same.
                    image: pulumi.all([imageId, ...(args.after ?? []).map(({ ready }) => ready)]).apply(() => args.image.name),
                    commands: args.entrypoint === undefined ? undefined : [...args.entrypoint],
                    args: args.command === undefined ? undefined : [...args.command],
                    user: `${UID}:${UID}`,
                    env: pulumi.output(args.environment).apply((environment) => ({ ...environment })),
                    readOnly: true,
                    capDrops: ["ALL"],
                    capAdds: [...(args.capabilities ?? [])],
                    configs,
                    secrets,
                    mounts: [
                        ...(volume === undefined ? [] : [data(volume)]),
                        ...["/tmp", ...(args.scratch ?? [])].map(perishable),
                    ],
                    stopSignal: args.stopSignal,
                    healthcheck: { ...HEALTH_CHECK, startPeriod: START_PERIOD, tests: ["CMD-SHELL", args.ready] },
                    stopGracePeriod: `${STOP_SECONDS}s`,
                },
                resources: { limits: { memoryBytes: args.memory * 1024 * 1024 } },
                restartPolicy: { condition: "any", delay: "1s", window: "0s" },
                placement: { maxReplicas: onePerMachine ? 1 : undefined },
                logDriver: { name: "json-file", options: LOG_OPTIONS },
                networksAdvanceds: [{ name: args.network.id, aliases: [args.host, ...(args.aliases ?? [])] }],
            },
            // Names lead to processes that can serve, and to no address that stands for all of them: that needs IPVS.
            endpointSpec: {
                mode: "dnsrr",
                ports: (args.ports ?? []).map(({ port, inside = port, protocol }) => ({
                    // On the machine itself, which keeps the addresses that people come from.
                    publishMode: "host",
                    targetPort: inside,
                    publishedPort: port,
                    protocol: protocol ?? "tcp",
                })),
            },
            updateConfig: { parallelism: 1, order, monitor: MONITOR, failureAction: "rollback" },
            rollbackConfig: { parallelism: 1, order, monitor: MONITOR },
        },
        { ...children, dependsOn: [...(args.after ?? [])] },
    );
    return { id, whenReady: () => whenServiceReady(patient, component) };
}
