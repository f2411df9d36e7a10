/** The key `storage`: where oCIS keeps people's files, with everything that it knows of them. */
import { z } from "zod";

import { text } from "./declaration";

/** A server, and the path that it exports. */
const NFS = /^nfs:\/\/([a-z0-9][a-z0-9.-]*)(\/[^\s,]*)$/i;

/** An absolute path of Linux without what Docker or a shell would read otherwise. */
const FOLDER = /^\/[^\s,:]+$/;

/** Docker's own place, on the disk of the engine. */
export const OWN_VOLUME = "volume";

const allowed =
    "\"volume\", which is Docker's own place, an absolute path on the engine's machine, or nfs://server/path, without blanks, commas and " +
    "further colons";

export const storage = z
    .strictObject({
        files: text(allowed, (value) => value === OWN_VOLUME || FOLDER.test(value) || NFS.test(value))
            .default(OWN_VOLUME)
            .meta({
                description:
                    "Where oCIS's data lie: `volume` (Docker's own place), a folder of the engine's machine such as `/srv/disk/cloud`, or " +
                    "`nfs://server/path`. Chosen before the first up, and refused afterwards. See docs/storage.md.",
                example: "/srv/disk/cloud",
            }),
    })
    .prefault({})
    .meta({ description: "Where people's files are." });

export type Storage = z.output<typeof storage>;

/** Options of a volume, as Docker's driver `local` takes them. */
export type VolumeOptions = Readonly<Record<string, string>>;

/**
 * How Docker makes a volume of a place; undefined for its own. Pure. Source: Docker's documentation, "docker volume create", driver-specific
 * options, which are those of mount(8); nfs(5).
 */
export function volumeOptions(files: string): VolumeOptions | undefined {
    const [, server, path] = NFS.exec(files) ?? [];
    if (path !== undefined) {
        // "hard", or a server that is away for a moment would leave files half written.
        return { type: "nfs", o: `addr=${server},nfsvers=4,hard`, device: `:${path}` };
    }
    return files === OWN_VOLUME ? undefined : { type: "none", o: "bind", device: files };
}

/** The opposite. */
export function placeOf(options: VolumeOptions | undefined): string {
    const { type, o = "", device } = options ?? {};
    if (device === undefined) {
        return OWN_VOLUME;
    }
    return type === "nfs" ? `nfs://${/addr=([^,]*)/.exec(o)?.[1] ?? ""}${device.slice(1)}` : device;
}
