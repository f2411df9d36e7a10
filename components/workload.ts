/**
 * How every long-running process of a stack runs. A workload says what its process needs (image, files, data, readiness,
 * memory); how Docker gets it there is decided here, once, and no other module makes a container.
 *
 * Docker cannot upload files into a container whose root is read-only, and a fresh volume belongs to root where the image has
 * no such path. So a workload is up to three containers of one image. `<name>-files` and `<name>-secrets` start first, as root and
 * without network, receive the files into volumes of their own, give them and the data volume to the process's user, and end.
 * They are two because Pulumi masks a whole list of files when one of them is secret, and a preview is meant to show what
 * changes in the others. The process then runs unprivileged on a read-only root, with all those files mounted read-only.
 */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Cure } from "../settings/cure";
import { VolumeOptions } from "../settings/storage";
import { explainFailures, Mender, PortOwner } from "./diagnosis";
import { CARRIERS, carrierName, typeToken } from "./naming";
import { Network } from "./network";
import { whenReady } from "./readiness";

/** User and group of every process: the one that oCIS's image is made for, and that Authelia's documentation advises. */
export const UID = "1000";

/** Where a process finds its files. No image declares a volume there, which would hide them. */
export const FILES_PATH = "/run/configuration";

/** Where a process finds its files with secrets: where Docker mounts secrets of its own. */
export const SECRETS_PATH = "/run/secrets";

/** A file that the process reads. */
export interface File {
    /** Without a folder: "configuration.yml". */
    readonly name: string;
    readonly content: pulumi.Input<string>;
}

/** The volume that outlives the containers. */
export interface DataVolume {
    /**
     * Where the process finds it. The image has no such path, or one of user 1000: while a volume is empty, Docker gives it
     * the owner of the image's path again at each container that is made with it.
     */
    readonly path: string;
    /** Whether the volume is protected from deletion and replacement. */
    readonly keepData: boolean;
    /** Where it is, by the options of Docker's driver `local`; Docker's own place by default. */
    readonly options?: VolumeOptions;
    /** Is told where it is, and throws where that is another place: a volume stays where it was made. */
    readonly confirm?: (options: VolumeOptions | undefined) => void;
}

/** A port of the process, published on the Docker host: the same inside and outside, so that a URL means the same on both sides. */
export interface PublishedPort extends PortOwner {
    /** Address of the host. */
    readonly address: string;
}

/** The image of a workload. */
export interface Image {
    /** With its tag. */
    readonly name: string;
    /** Takes another one, where this one cannot be had. */
    readonly cure: Cure;
}

export interface WorkloadArgs {
    /** Name under which the others on the network reach the process, and with the network's prefix that of its container. */
    readonly host: string;
    readonly image: Image;
    /** How to go back to an earlier image, where its data are tied to one. */
    readonly goBack?: string;
    /** No container of the workload is made or changed before this is known; where it fails, none is. */
    readonly precondition: pulumi.Input<unknown>;
    /** Arguments of the image's entry point; its own by default. */
    readonly command?: readonly string[];
    /** Environment. Never holds a secret: `docker inspect` shows it. */
    readonly environment: pulumi.Input<Readonly<Record<string, string>>>;
    /** Files below FILES_PATH, without any secret. */
    readonly files: readonly File[];
    /** Files below SECRETS_PATH. Their contents are made secret here. */
    readonly secretFiles: readonly File[];
    readonly data: DataVolume;
    /**
     * Shell command that exits 0 once the process can serve. What every image has is /bin/sh and busybox, by that name: "wget" is GNU's in
     * Authelia's, and lacks a library on ARM up to 4.39.27 (authelia/authelia#13183).
     */
    readonly ready: string;
    /** Upper limit, MiB. */
    readonly memory: number;
    readonly network: Network;
    /** Start after these are ready. Their replacement later does not replace this one. */
    readonly after?: readonly Workload[];
    /** Further names under which others on the network reach it. */
    readonly aliases?: readonly string[];
    /** Names that lead to the Docker host itself, for servers outside the stack. */
    readonly namesOnDockerHost?: readonly string[];
    readonly ports?: readonly PublishedPort[];
    /** What has to be done with the data while no process works on them, before the container is made. */
    readonly beforeStart?: pulumi.ResourceHook;
    /** Linux capabilities to keep, as the engine writes them: "CAP_CHOWN"; none by default. */
    readonly capabilities?: readonly string[];
    /** Writes what a person can do about a failure. */
    readonly mender: Mender;
}

/** Seconds that a process has to end after SIGTERM. The provider's default is 0: it would kill databases at each change. */
const STOP_SECONDS = 30;

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

export class Workload extends pulumi.ComponentResource {
    /** Name under which the others on the network reach it. */
    readonly host: string;
    /** Name of the process's container on the Docker host. */
    readonly containerName: string;
    /** What its containers are made of. */
    readonly image: docker.RemoteImage;
    /** Known once the process can serve; in a preview at once. */
    readonly ready: pulumi.Output<unknown>;

    constructor(name: string, args: WorkloadArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Workload"), name, {}, opts);
        this.host = args.host;
        const containerName = args.network.nameOnHost(args.host);
        this.containerName = containerName;
        const patient = {
            name,
            containerName,
            image: args.image.name,
            imageCure: args.image.cure,
            ports: args.ports ?? [],
            secrets: args.secretFiles.map(({ content }) => content),
            goBack: args.goBack,
            mender: args.mender,
        };
        const children = { parent: this, hooks: { onError: [explainFailures(patient, this)] } };

        this.image = new docker.RemoteImage(`${name}-image`, { name: args.image.name, keepLocally: true }, children);
        // Every container is made of the image, so that none is touched before it may be.
        const imageId = pulumi.all([this.image.imageId, args.precondition]).apply(([id]) => id);

        const volume = new docker.Volume(
            `${name}-data`,
            { name: `${containerName}-data`, driverOpts: args.data.options },
            // A new label or driver option would replace the volume, and with it everything that people stored.
            { ...children, protect: args.data.keepData, ignoreChanges: ["labels", "driverOpts"] },
        );
        const volumeName = pulumi.all([volume.name, volume.driverOpts]).apply(([made, options]) => {
            args.data.confirm?.(options);
            return made;
        });
        const data = { volumeName, containerPath: args.data.path };

        const hardening = {
            readOnly: true,
            securityOpts: ["no-new-privileges:true"],
            // Swap is off by setting both alike; a limit without swap would be completed by the engine and differ at each run.
            memory: args.memory,
            memorySwap: args.memory,
            logDriver: "json-file",
            logOpts: { "max-size": "10m", "max-file": "3" },
        };

        // In Go's canonical form, or every run sees a difference; all of them, or what the image says would be one.
        const healthcheckTimes = { interval: "3s", timeout: "5s", startPeriod: "2m0s", retries: 3 };

        const carrier = (use: (typeof CARRIERS)[number], path: string, files: readonly File[]) =>
            new docker.Container(
                carrierName(name, use),
                {
                    ...hardening,
                    readOnly: false,
                    name: carrierName(containerName, use),
                    image: imageId,
                    entrypoints: ["/bin/sh", "-c"],
                    command: [`chown -R ${UID}:${UID} ${path} && chown ${UID}:${UID} ${args.data.path}`],
                    user: "0:0",
                    networkMode: "none",
                    // The second one because root may otherwise not list a folder that is open to its owner alone.
                    capabilities: { drops: ["ALL"], adds: ["CAP_CHOWN", "CAP_DAC_READ_SEARCH"] },
                    healthcheck: { ...healthcheckTimes, tests: ["NONE"] },
                    volumes: [{ containerPath: path }, data],
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

        const container = new docker.Container(
            name,
            {
                ...hardening,
                name: containerName,
                hostname: args.host,
                // Known in a preview too, in which those before it may be about to be replaced.
                image: pulumi.all([imageId, ...(args.after ?? []).map(({ ready }) => ready)]).apply(([id]) => id!),
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
                volumes: [...carriers.map(({ id }) => ({ fromContainer: id, readOnly: true })), data],
                tmpfs: { "/tmp": "size=64m,mode=1777" },
                networksAdvanced: [{ name: args.network.name, aliases: [args.host, ...(args.aliases ?? [])] }],
                // The engine puts its own address in the place of the word. Source: docker run --add-host, since 20.10.
                hosts: (args.namesOnDockerHost ?? []).map((host) => ({ host, ip: "host-gateway" })),
                ports: (args.ports ?? []).map(({ address, port, protocol }) => {
                    return { ip: address, internal: port, external: port, protocol };
                }),
                healthcheck: { ...healthcheckTimes, tests: ["CMD-SHELL", args.ready] },
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
        this.ready = pulumi.runtime.isDryRun()
            ? pulumi.output(undefined)
            : container.id.apply(() => whenReady(patient, args.ready, this));
        this.registerOutputs({ id: pulumi.all([container.id, this.ready]).apply(([id]) => id) });
    }
}
