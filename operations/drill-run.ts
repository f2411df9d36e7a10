/** Runs tests that leave rows of a table, on the newest servers at hand, and writes the tables into a document. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

import { environmentOf } from "../tests/deployment/pairs";
import { Failure } from "../system/failure";
import { ROOT } from "../system/folders";
import { Drill, DRILLS, TableName, withTable } from "./drills-table";
import { ensureEngine } from "./engine";
import { describeImages } from "./images";
import { pairsAtHand } from "./pairs-at-hand";
import { pulumiCommand } from "./pulumi";
import { runTestFiles } from "./test-files";

/**
 * @param tests Names of files of tests/deployment, without ".test.ts".
 * @param document Path of the document, in the repository.
 * @throws Failure where a test fails or leaves no row; the document is as it was then.
 */
export async function runDrills(tests: readonly string[], tables: readonly TableName[], document: string): Promise<void> {
    await ensureEngine(console.log);
    await pulumiCommand(console.log);
    const [newest] = (await pairsAtHand(console.log)).pairs;
    const folder = mkdtempSync(join(tmpdir(), "drills-"));
    const rows = join(folder, "rows");
    Object.assign(process.env, environmentOf([newest!], false), { [DRILLS]: rows });
    try {
        let failed = false;
        const files = tests.map((name) => `tests/deployment/${name}.test.ts`);
        await runTestFiles(files, (events) => events.on("test:fail", () => (failed = true)));
        if (failed || !existsSync(rows)) {
            throw new Failure(`A test failed, or left nothing to write; ${document} is as it was.`);
        }
        const drills = readFileSync(rows, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as Drill);
        const where = `Run on ${new Date().toISOString().slice(0, 10)} on ${describeImages(newest!)}.`;
        const path = join(ROOT, document);
        const text = tables.reduce((before, name) => withTable(before, name, drills, where), readFileSync(path, "utf8"));
        writeFileSync(path, text);
        console.log(`${relative(ROOT, path)} has ${drills.length} rows.`);
    } finally {
        rmSync(folder, { recursive: true });
    }
}
