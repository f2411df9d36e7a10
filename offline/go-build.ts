/** Building Go programs of pinned modules, with a word on how far it is. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { Failure } from "../system/failure";
import { attempt } from "../system/run";

/** What is built. */
export interface GoBuild {
    /** As the progress calls it. */
    readonly what: string;
    /** Folder of the module, or of the workspace, that pins every version. */
    readonly folder: string;
    /** Main packages, and what the linker sets in each: Go variable -> value. */
    readonly programs: Readonly<Record<string, Readonly<Record<string, string>>>>;
    /** Build tags; none by default. */
    readonly tags?: readonly string[];
    /** The file that the one program becomes; where it ends in "/", the folder of all, each by the last part of its package's path. */
    readonly output: string;
}

/** How often a running build says that it runs, in milliseconds. */
const PROGRESS_INTERVAL = 30_000;

/** "75000" milliseconds -> "1:15". */
function elapsed(since: number): string {
    const seconds = Math.round((Date.now() - since) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * The compiler as it names itself.
 *
 * @throws Failure with what the person was after, and what to install, if it cannot be started.
 */
export async function goVersion(purpose: string, cure: string): Promise<string> {
    const { code, stdout, stderr } = await attempt("go", ["version"]);
    if (code !== 0) {
        throw new Failure(`${purpose} needs Go, which could not be started (${stderr.trim()}).\n${cure}`);
    }
    return stdout.trim();
}

/**
 * Builds Go programs, static ones, in one run of Go: it keeps every core busy, and compiles once what they share. That holds from one
 * run to the next too, because all of them are told the same.
 *
 * @param say Takes one line of progress.
 * @throws Failure with the last lines of what Go said.
 */
export async function goBuild(
    { what, folder, programs, tags = [], output }: GoBuild,
    say: (line: string) => void,
): Promise<void> {
    const started = Date.now();
    say(`  ${what} …`);
    // -v prints each package once it is compiled (the only sign of progress that Go gives), and errors besides. What is built must not
    // differ because of a commit that touched none of its sources: -buildvcs=false.
    const flags = ["-v", "-trimpath", "-buildvcs=false", "-mod=readonly", "-tags", tags.join(",")];
    const linker = Object.entries(programs).flatMap(([program, variables]) => {
        const values = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
        return ["-ldflags", [`${program}=-s -w`, ...values].join(" ")];
    });
    const workspace = join(folder, "go.work");
    const child = spawn("go", ["build", ...flags, ...linker, "-o", output, ...Object.keys(programs)], {
        cwd: folder,
        env: { ...process.env, CGO_ENABLED: "0", GOWORK: existsSync(workspace) ? workspace : "off" },
        stdio: ["ignore", "ignore", "pipe"],
    });
    let printed = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const packages = () => printed.split("\n").length - 1;
    const timer = setInterval(() => say(`    ${elapsed(started)}  ${packages()} packages`), PROGRESS_INTERVAL);
    try {
        await new Promise<void>((resolve, reject) => {
            child.on("error", reject);
            child.on("close", (code, signal) => {
                if (code === 0) {
                    resolve();
                } else {
                    const reason = signal === null ? `exit code ${code}` : `signal ${signal}`;
                    // Without the packages that were compiled in the meantime: what is wrong has blanks.
                    const last = printed
                        .trimEnd()
                        .split("\n")
                        .filter((line) => / /.test(line))
                        .slice(-20)
                        .join("\n");
                    reject(
                        new Failure(`Go could not build ${what} (${reason}):\n${last}\nMend that and run the command again.`),
                    );
                }
            });
        });
    } finally {
        clearInterval(timer);
    }
    say(`    ${elapsed(started)}  done`);
}
