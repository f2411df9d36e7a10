/** What a workload is told: what its process needs, and nothing of how an engine gets it there. */
import * as pulumi from "@pulumi/pulumi";

import { Cure } from "../../settings/cure";
import { VolumeOptions } from "../../settings/storage";
import { Mender, Patient, PortOwner } from "../diagnosis";
import { Network } from "../network";

/** User and group of every process: the one that oCIS's image is made for, and that Authelia's documentation advises. */
export const UID = "1000";

/** Where a process finds its files. No image declares a volume there, which would hide them. */
export const FILES_PATH = "/run/configuration";

/** Where a process finds its files with secrets: where Docker mounts secrets of its own. */
export const SECRETS_PATH = "/run/secrets";

/** A file that the process reads. */
export interface File {
    /** Such as "configuration.yml", or with folders where the process looks for it in some. */
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

/** A port of the process, published on the Docker host. */
export interface PublishedPort extends PortOwner {
    /** Address of the host. */
    readonly address: string;
    /** That of the process; the same as outside by default, so that a URL means the same on both sides. */
    readonly inside?: number;
}

/** A workload that another one waits for. */
export interface Predecessor extends pulumi.Resource {
    /** Known once its process can serve. */
    readonly ready: pulumi.Output<unknown>;
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
    /** What is started; the image's own by default. */
    readonly entrypoint?: readonly string[];
    /** Arguments of the entry point; the image's own by default. */
    readonly command?: readonly string[];
    /** Environment. Never holds a secret: `docker inspect` shows it. */
    readonly environment: pulumi.Input<Readonly<Record<string, string>>>;
    /** Files below FILES_PATH, without any secret. */
    readonly files: readonly File[];
    /** Files below SECRETS_PATH. Their contents are made secret here. */
    readonly secretFiles: readonly File[];
    /** Nothing outlives the container of a process without it. */
    readonly data?: DataVolume;
    /** Further folders besides /tmp, in memory, that the process writes to. */
    readonly scratch?: readonly string[];
    /** What asks the process to end, where the image says another one than SIGTERM and not every image of it does. */
    readonly stopSignal?: string;
    /**
     * Shell command that exits 0 once the process can serve. What every image has is /bin/sh and busybox, by that name: "wget" is GNU's in
     * Authelia's, and lacks a library on ARM up to 4.39.27 (authelia/authelia#13183).
     */
    readonly ready: string;
    /** Upper limit, MiB. */
    readonly memory: number;
    readonly network: Network;
    /** Further networks on which it reaches others, and is reached, by name. */
    readonly furtherNetworks?: readonly Network[];
    /** Start after these are ready. Their replacement later does not replace this one. */
    readonly after?: readonly Predecessor[];
    /** Further names under which others on the network reach it. */
    readonly aliases?: readonly string[];
    /** Names that lead to the Docker host itself, for servers outside the stack. */
    readonly namesOnDockerHost?: readonly string[];
    readonly ports?: readonly PublishedPort[];
    /** What has to be done with the data while no process works on them, before the container is made. */
    readonly beforeStart?: pulumi.ResourceHook;
    /** How many there are at once, where what places them has several machines; 1 by default. */
    readonly replicas?: number;
    /** Linux capabilities to keep, as the engine writes them: "CAP_CHOWN"; none by default. */
    readonly capabilities?: readonly string[];
    /** Writes what a person can do about a failure. */
    readonly mender: Mender;
}

/** Seconds that a process has to end after SIGTERM. The provider's default is 0: it would kill databases at each change. */
export const STOP_SECONDS = 30;

/** Of every process: its own log is bounded, and its disk with it. */
export const LOG_OPTIONS = { "max-size": "10m", "max-file": "3" };

/** How often Docker asks whether a process can serve. In Go's canonical form, or every run sees a difference. */
export const HEALTH_CHECK = { interval: "3s", timeout: "5s", retries: 3 };

/** Bytes of a process's /tmp, and of each other folder that it has in memory. */
export const TMP_SIZE = 64 * 1024 * 1024;

/** What a workload is placed with, besides its own arguments. */
export interface Placing {
    /** Name of the component. */
    readonly name: string;
    readonly args: WorkloadArgs;
    /** Name of its process on the Docker host. */
    readonly nameOnHost: string;
    /** The image's id, known once anything may be made or changed. */
    readonly imageId: pulumi.Output<string>;
    /** The volume, once it is where it should be. */
    readonly volume?: { readonly name: pulumi.Output<string>; readonly data: DataVolume };
    readonly patient: Patient;
    /** Of every resource. */
    readonly children: pulumi.CustomResourceOptions;
    readonly component: pulumi.Resource;
}

/** What has been placed. */
export interface Placed {
    readonly id: pulumi.Output<string>;
    /** Resolves once every process can serve, and fails where that is not to be expected. */
    readonly whenReady: () => Promise<void>;
}
