/**
 * `npm run drills`: breaks a stack of the newest servers at hand in every way that docs/reliability.md names, and writes its tables. Takes
 * about fifteen minutes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { environmentOf } from "../tests/deployment/pairs";
import { Failure, runMain } from "../system/failure";
import { ROOT } from "../system/folders";
import { Drill, DRILLS, HEADS, TableName, withTable } from "./drills-table";
import { ensureEngine } from "./engine";
import { describeImages } from "./images";
import { pairsAtHand } from "./pairs-at-hand";
import { pulumiCommand } from "./pulumi";
import { runTestFiles } from "./test-files";

/** The tests that leave rows, and what else is too long for each run of the tests. */
const FILES = ["drills", "changes", "engine", "killed", "ready", "backup", "upgrade-command"].map(
    (name) => `tests/deployment/${name}.test.ts`,
);

const DOCUMENT = join(ROOT, "docs", "reliability.md");

runMain(async () => {
    await ensureEngine(console.log);
    await pulumiCommand(console.log);
    const [newest] = (await pairsAtHand(console.log)).pairs;
    const folder = mkdtempSync(join(tmpdir(), "drills-"));
    const rows = join(folder, "rows");
    Object.assign(process.env, environmentOf([newest!], false), { [DRILLS]: rows });
    try {
        let failed = false;
        await runTestFiles(FILES, (tests) => tests.on("test:fail", () => (failed = true)));
        if (failed || !existsSync(rows)) {
            throw new Failure("Drills failed; docs/reliability.md is as it was.");
        }
        const drills = readFileSync(rows, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as Drill);
        const where = `Run on ${new Date().toISOString().slice(0, 10)} on ${describeImages(newest!)}.`;
        const names = Object.keys(HEADS) as TableName[];
        const text = names.reduce((document, name) => withTable(document, name, drills, where), readFileSync(DOCUMENT, "utf8"));
        writeFileSync(DOCUMENT, text);
        console.log(`docs/reliability.md has ${drills.length} rows.`);
    } finally {
        rmSync(folder, { recursive: true });
    }
});
