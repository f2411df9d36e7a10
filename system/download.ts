/** Downloads: nothing is unpacked that is not, byte for byte, what was published. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { run } from "./run";

/** An archive as it was published: a gzipped tar with one folder in it. */
export interface Archive {
    readonly url: string;
    /** In hexadecimal. */
    readonly sha256: string;
}

/** What is served at a URL. @throws Error that says why it cannot be had; without a connection within 10 s, the bound of fetch. */
async function get(url: string): Promise<Buffer> {
    const answer = await fetch(url).catch((error: Error) => {
        throw new Error(`${url}: ${(error.cause as Error | undefined)?.message ?? error.message}`);
    });
    if (!answer.ok) {
        throw new Error(`${url} answers ${answer.status}`);
    }
    return Buffer.from(await answer.arrayBuffer());
}

/**
 * Makes a folder of what is in the one folder of an archive.
 *
 * @param folder Replaced, and only once everything has succeeded.
 * @throws Error that says why the archive cannot be had or is refused.
 */
export async function unpackArchive({ url, sha256 }: Archive, folder: string): Promise<void> {
    const archive = await get(url);
    const found = createHash("sha256").update(archive).digest("hex");
    if (found !== sha256) {
        throw new Error(`${url} is refused: its SHA-256 is ${found}, and what was published has ${sha256}`);
    }
    mkdirSync(dirname(folder), { recursive: true });
    const unfinished = mkdtempSync(`${folder}-unfinished-`);
    try {
        const [file, content] = [join(unfinished, "archive.tar.gz"), join(unfinished, "content")];
        writeFileSync(file, archive);
        mkdirSync(content);
        await run("tar", ["-xzf", file, "-C", content, "--strip-components=1"]);
        rmSync(folder, { recursive: true, force: true });
        renameSync(content, folder);
    } finally {
        rmSync(unfinished, { recursive: true });
    }
}
