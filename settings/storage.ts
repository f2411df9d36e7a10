/** The key `storage`: where oCIS keeps people's files, and what it knows of them. */
import { z } from "zod";

import { authority, ocisPassword, secretMeta, text, withMode } from "./declaration";

/** A server, and the path that it exports. */
const NFS = /^nfs:\/\/([a-z0-9][a-z0-9.-]*)(\/[^\s,]*)$/i;

/** An absolute path of Linux without what Docker or a shell would read otherwise. */
const FOLDER = /^\/[^\s,:]+$/;

/** Docker's own place, on the disk of the engine. */
export const OWN_VOLUME = "volume";

const allowed =
    "\"volume\", which is Docker's own place, an absolute path on the engine's machine, or nfs://server/path, without blanks, commas and " +
    "further colons";

/** A server of S3 without a path: the bucket is named apart. oCIS speaks in clear by http://, so that is none. */
function isEndpoint(value: string): boolean {
    return /^https:\/\/[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/i.test(value) && URL.canParse(value);
}

/** Source: Amazon's documentation, "General purpose bucket naming rules". */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

const withFiles = z.strictObject({
    mode: z.literal("files").meta({ description: "Where `files` says, with everything else." }),
});

const inBucket = z.strictObject({
    mode: z.literal("s3").meta({
        description: "In a bucket of an S3 server of your own; what oCIS knows of the files stays where `files` says.",
    }),
    endpoint: text("https:// with the server's name, and a port unless it is 443", isEndpoint).meta({
        description: "The server: its certificate has to name this host.",
        example: "https://s3.example.com",
    }),
    region: text("the name of a region, such as us-east-1", (value) => /^[a-z0-9-]+$/i.test(value))
        .default("us-east-1")
        .meta({ description: "Its region; many servers take any.", example: "us-east-1" }),
    bucket: text("the name of a bucket: lower-case letters, digits, hyphens and dots", (value) => BUCKET.test(value)).meta({
        description: "The bucket, which has to be there and belongs to this stack alone.",
        example: "cloud",
    }),
    accessKey: ocisPassword("the access key of the account").meta(secretMeta("Of the account to which the bucket belongs.")),
    secretKey: ocisPassword("the secret key of the account").meta(secretMeta("Of that account.")),
    authority: authority("Root certificates that the server's has to descend from, if it is not a public authority's."),
});

const blobs = z
    .preprocess(withMode("files"), z.discriminatedUnion("mode", [withFiles, inBucket], "files or s3"))
    .prefault({})
    .meta({
        description: "Where the contents of files are. A stack keeps the mode with which it was made. See docs/storage.md.",
    });

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
        blobs,
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
