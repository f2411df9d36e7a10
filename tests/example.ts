/**
 * The example of examples/typescript as somebody else has it: in a folder of its own, with this repository among its packages. It comes
 * there as it does when npm installs a git dependency: compiled, packed and unpacked. Its dependencies are those of this repository.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../system/folders";

/** Runs a command that has to succeed, and says what it prints. */
const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: ROOT, encoding: "utf8", stdio: "pipe" });

/**
 * Lays the example out anew.
 *
 * @param name Whose it is: test files run side by side.
 * @returns Its folder, and that of this repository in it.
 */
export function installedExample(name: string): { program: string; installed: string } {
    const program = join(ROOT, ".cache", "tests", name);
    const installed = join(program, "node_modules", "ocis-authelia");
    rmSync(program, { recursive: true, force: true });
    cpSync(join(ROOT, "examples", "typescript"), program, { recursive: true });
    mkdirSync(installed, { recursive: true });
    const packed = run("npm", "pack", "--silent", "--pack-destination", program).trim().split("\n").at(-1)!;
    run("tar", "--extract", "--gzip", "--file", join(program, packed), "--directory", installed, "--strip-components", "1");
    return { program, installed };
}
