/**
 * How much disk each space of oCIS takes, personal ones and others. oCIS tells that only to who signs in, so its files are looked at: a
 * folder per space, with blobs, versions and deleted files. Source: oCIS 8.2.0, storage driver decomposedfs; run with 4.0.5 and 8.2.0.
 */
import { OCIS_DATA } from "../components/ocis/configuration";
import { Server } from "./server";

const SPACES = `${OCIS_DATA}/storage/users/spaces`;

/** A space of oCIS. */
export interface Space {
    /** Such as "personal/alice", or "project/holidays"; its id where oCIS does not say. */
    readonly space: string;
    /** Bytes on the disk, with versions and deleted files. */
    readonly used: number;
    /** Bytes of the files that are there, which count for a quota. */
    readonly counted?: number;
    /** What they may be; undefined where there is no limit. */
    readonly quota?: number;
}

/** Where a space keeps what it is, from its folder: "1c/00e6ce-…" -> "1c/00e6ce-…/nodes/1c/00/e6/ce/-….mpk". Pure. */
export function metadataOf(folder: string): string {
    const id = folder.replace("/", "");
    return `${folder}/nodes/${id.slice(0, 8).match(/../g)!.join("/")}/${id.slice(8)}.mpk`;
}

/** The alias in that metadata, which is MessagePack: after its key come a byte or more of its length. Pure. */
export function aliasIn(metadata: Uint8Array): string | undefined {
    const text = Buffer.from(metadata).toString("utf8");
    return /user\.ocis\.space\.alias.{1,4}?((personal|project)\/[^\p{Cc}\uFFFD]+)/su.exec(text)?.[1];
}

/** The number of an attribute in that metadata; undefined where there is none. Pure. */
export function numberIn(metadata: Uint8Array, attribute: "quota" | "treesize"): number | undefined {
    const text = Buffer.from(metadata).toString("latin1");
    const [, digits] = new RegExp(`user\\.ocis\\.${attribute}\xc4.(\\d+)`, "s").exec(text) ?? [];
    return digits === undefined ? undefined : Number(digits);
}

/** Every space, the largest first. */
export async function spacesOf(ocis: Server): Promise<Space[]> {
    const shell = (command: string, ...args: string[]) => ocis.execute("/bin/sh", "-c", command, "sh", ...args);
    const listed = (await shell(`cd ${SPACES} && for space in */*; do busybox du -sk "$space"; done`)) ?? "";
    const sizes = listed.split("\n").flatMap((line) => {
        const [, used, folder] = /^(\d+)\s+([0-9a-f]{2}\/\S+)$/.exec(line) ?? [];
        return folder === undefined ? [] : [{ folder, used: Number(used) * 1024 }];
    });
    const print = `cd ${SPACES}; for file; do busybox base64 "$file" 2>/dev/null | busybox tr -d '\\n'; echo; done`;
    const metadata = ((await shell(print, ...sizes.map(({ folder }) => metadataOf(folder)))) ?? "").split("\n");
    return sizes
        .map(({ folder, used }, index) => {
            const known = Buffer.from(metadata[index] ?? "", "base64");
            const space = aliasIn(known) ?? folder.replace("/", "");
            // 0 is oCIS's word for unlimited.
            return { space, used, counted: numberIn(known, "treesize"), quota: numberIn(known, "quota") || undefined };
        })
        .sort((a, b) => b.used - a.used);
}
