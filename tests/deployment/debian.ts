/** Servers from Debian's packages for tests, unpacked without being installed. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Unpacks `packages` below `folder`, once, and says where their root is. */
export function unpack(packages: readonly string[], folder: string): string {
    const root = join(folder, "root");
    if (!existsSync(root)) {
        const downloads = mkdtempSync(join(folder, "packages-"));
        if (process.getuid?.() === 0) {
            execFileSync("apt-get", ["update"], { stdio: "pipe" }); // a fresh machine knows no packages
        }
        execFileSync("apt-get", ["download", "--quiet", ...packages], { cwd: downloads, stdio: "pipe" });
        execFileSync("sh", ["-c", `for package in *.deb; do dpkg -x "$package" ${root}; done`], { cwd: downloads });
        rmSync(downloads, { recursive: true });
    }
    return root;
}
