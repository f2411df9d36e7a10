/**
 * The example of examples/typescript as somebody else has it: in a folder of its own, with this repository among its packages. It comes
 * there as it does when npm installs a git dependency: compiled, packed and unpacked. Its dependencies are those of this repository.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../system/folders";
import { run } from "../system/run";

/**
 * Lays the example out anew.
 *
 * @param name Whose it is: test files run side by side.
 * @returns Its folder, and that of this repository in it.
 */
export async function installedExample(name: string): Promise<{ program: string; installed: string }> {
    const program = join(ROOT, ".cache", "tests", name);
    const installed = join(program, "node_modules", "ocis-authelia");
    rmSync(program, { recursive: true, force: true });
    cpSync(join(ROOT, "examples", "typescript"), program, { recursive: true });
    mkdirSync(installed, { recursive: true });
    const packed = await run("npm", ["pack", "--silent", "--pack-destination", program], { cwd: ROOT });
    const archive = join(program, packed.split("\n").at(-1)!);
    await run("tar", ["--extract", "--gzip", "--file", archive, "--directory", installed, "--strip-components", "1"]);
    return { program, installed };
}
