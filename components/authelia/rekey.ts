/**
 * Encrypts Authelia's database with another key, by Authelia's own command, between the end of the old container and the start of the new one.
 * The command takes the new key from a terminal, which `docker create --tty` makes and `docker start --interactive` writes to: it stands on no
 * command line. Authelia does all of it in one transaction, and this asks before what the database is encrypted with, so whatever is
 * interrupted is begun again by the next run.
 */
import * as pulumi from "@pulumi/pulumi";

import { askDocker, failure, known, tellDocker } from "../diagnosis";
import { CARRIERS, carrierName } from "../naming";
import { SECRETS_PATH, UID } from "../workload";
import { AUTHELIA_DATABASE } from "./state";

/** What a database may be encrypted with. */
export interface StorageKeys {
    /** Path of the configuration without secrets, in the container. */
    readonly configuration: string;
    /** Name of the process's container on the Docker host; those with its files are called after it. */
    readonly containerName: string;
    readonly image: pulumi.Input<string>;
    /** Of every generation, the newest first. */
    readonly keys: pulumi.Input<readonly string[]>;
}

/** Name of the file below SECRETS_PATH with the key of an earlier generation, counted from the newest. */
export const previousKeyFile = (index: number) => `storage-key-${index}.yml`;

/** A hook that sees to it before the container is made. */
export function changesStorageKey(
    name: string,
    { configuration, containerName, image, keys }: StorageKeys,
): pulumi.ResourceHook {
    return new pulumi.ResourceHook(name, async () => {
        const [from, [newest, ...previous]] = await known<[string, readonly string[]]>(pulumi.all([image, keys]));
        const bounds = [
            "--network",
            "none",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--user",
            `${UID}:${UID}`,
        ];
        const files = CARRIERS.flatMap((use) => ["--volumes-from", carrierName(containerName, use)]);
        const run = (program: string, ...args: string[]) =>
            askDocker("run", "--rm", ...bounds, ...files, "--entrypoint", program, from, ...args);
        const encryption = (command: string, secrets: string) => {
            return ["storage", "encryption", command, "--config", `${configuration},${SECRETS_PATH}/${secrets}`];
        };
        const isOf = async (secrets: string) =>
            (await run("authelia", ...encryption("check", secrets))).text.includes("SUCCESS");
        const changeKey = async (secrets: string) => {
            const changing = `${containerName}-storage-key`;
            await askDocker("rm", "--force", changing); // left by a run that was killed
            const create = ["create", "--interactive", "--tty", "--name", changing, ...bounds, ...files];
            await askDocker(...create, "--entrypoint", "authelia", from, ...encryption("change-key", secrets));
            await tellDocker(`${newest}\n`, "start", "--attach", "--interactive", changing);
            await askDocker("rm", "--force", changing);
        };

        const database = await run("/bin/sh", "-c", `test -e ${AUTHELIA_DATABASE} && echo there`);
        if (!database.text.includes("there") || (await isOf("secrets.yml"))) {
            return; // a new one, or one that was changed before
        }
        for (const secrets of previous.map((_, index) => previousKeyFile(index + 1))) {
            if (await isOf(secrets)) {
                await changeKey(secrets);
                break;
            }
        }
        if (!(await isOf("secrets.yml"))) {
            throw failure(
                "Authelia's database could not be encrypted with the new key of rotations.storageEncryption; it is as it was.\n" +
                    "Run pulumi up again. Where that does not help, restore a backup: docs/backup.md.",
            );
        }
    });
}
