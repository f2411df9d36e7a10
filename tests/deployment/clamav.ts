/** ClamAV in tests: no machine of theirs has the internet, so it has one signature, of a text. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { attempt } from "../../system/run";
import { Stack } from "./stack";
import { eventually, meanwhile } from "./waiting";

/** A text that is a virus, by a signature that says so. */
export const VIRUS = "This text stands for a virus, of which nobody falls ill.";

/** As ClamAV calls it: what is not of its own signatures it says so of. */
export const VIRUS_NAME = "Test.Text.UNOFFICIAL";

/** Seconds until its container runs: it is made together with all others of the stack. */
const UNTIL_IT_RUNS = 180;

/** Adds the signature to a stack's ClamAV as docs/antivirus.md says, once the container runs. */
async function addSignature({ prefix }: Stack): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "antivirus-test-"));
    const file = join(folder, "own.ndb");
    writeFileSync(file, `Test.Text:0:*:${Buffer.from(VIRUS).toString("hex")}\n`);
    await eventually("ClamAV takes a signature", UNTIL_IT_RUNS, async () => {
        const { code } = await attempt("docker", ["cp", file, `${prefix}clamav:/antivirus/signatures/`]);
        return code === 0 || undefined;
    });
    rmSync(folder, { recursive: true });
}

/** Brings a stack up in which ClamAV is new: until it has a signature, that does not end. */
export async function withSignature<T>(stack: Stack, up: Promise<T>): Promise<T> {
    const ends = meanwhile(up);
    await Promise.race([ends, addSignature(stack)]);
    return ends;
}
