/** Programs of others that tests build from Go modules: once, into the cache, by what their `go.sum` says. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { basename, delimiter, join } from "node:path";

import { goBuild } from "../../offline/go-build";
import { ROOT } from "../../system/folders";

/** Why there can be none here; undefined where there can. */
export const NO_GO = process.env.PATH!.split(delimiter).some((folder) => existsSync(join(folder, "go")))
    ? undefined
    : "needs Go, to build what this is tested with";

/**
 * Builds them, and says in which folder they are, each by the last part of its package's path.
 *
 * @param what As the progress calls it.
 * @param module Folder of the Go module that pins them.
 */
export async function goPrograms(what: string, module: string, packages: readonly string[]): Promise<string> {
    const hash = createHash("sha256")
        .update(readFileSync(join(module, "go.sum")))
        .digest("hex");
    const folder = join(ROOT, ".cache", "tests", `${basename(module)}-${hash.slice(0, 16)}`);
    if (!existsSync(folder)) {
        const unfinished = `${folder}.${process.pid}`;
        mkdirSync(unfinished, { recursive: true });
        const programs = Object.fromEntries(packages.map((name) => [name, {}]));
        await goBuild({ what, folder: module, programs, output: `${unfinished}/` }, console.log);
        renameSync(unfinished, folder);
    }
    return folder;
}
