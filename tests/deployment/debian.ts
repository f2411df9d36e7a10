/** Servers from Debian's packages for tests, unpacked without being installed. */
import { existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { run } from "../../system/run";

/** Unpacks `packages` below `folder`, once, and says where their root is. */
export async function unpack(packages: readonly string[], folder: string): Promise<string> {
    const root = join(folder, "root");
    if (!existsSync(root)) {
        const downloads = mkdtempSync(join(folder, "packages-"));
        if (process.getuid?.() === 0) {
            await run("apt-get", ["update"]); // a fresh machine knows no packages
        }
        await run("apt-get", ["download", "--quiet", ...packages], { cwd: downloads });
        await run("sh", ["-c", `for package in *.deb; do dpkg -x "$package" ${root}; done`], { cwd: downloads });
        rmSync(downloads, { recursive: true });
    }
    return root;
}

/** Where the loader finds the libraries below `root`, for LD_LIBRARY_PATH. */
export function librariesBelow(root: string): string {
    const folders = globSync(`${root}/**/*-linux-gnu*/**/*.so.*`).map(dirname);
    return [...new Set(folders)].join(delimiter);
}
