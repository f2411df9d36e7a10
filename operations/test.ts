/**
 * `npm test`: type check, format, lint, then unit, graph and deployment tests. The last run on the pairs of servers at hand: real ones
 * whose images are here or can be pulled, else the stand-ins. The newest pair shows everything, each further one what differs by
 * release. `npm run test:all` shows on every pair whatever a server has a part in, on the stand-ins too where the default images
 * cannot be had.
 */
import { globSync } from "node:fs";
import { join } from "node:path";

import { clearMatrix, matrixTable } from "../tests/deployment/matrix";
import { environmentOf } from "../tests/deployment/pairs";
import { Report } from "../tests/report";
import { Failure, runMain } from "../system/failure";
import { ROOT } from "../system/folders";
import { foreground } from "../system/run";
import { ensureEngine } from "./engine";
import { describeImages, ImageNames } from "./images";
import { pairsAtHand } from "./pairs-at-hand";
import { pulumiCommand } from "./pulumi";
import { runTestFiles } from "./test-files";

const say = (line: string) => console.log(line);

/** Whether every pair shows more than what differs by release. */
const all = process.argv.includes("--all");

/** Runs one step in the foreground. */
async function step(what: string, command: string, args: readonly string[]): Promise<void> {
    say(`\n${what}: ${command} ${args.join(" ")}`);
    const env = { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH}` };
    if ((await foreground(command, args, { cwd: ROOT, env })) !== 0) {
        throw new Failure(`${what} failed.`);
    }
}

/** Runs the unit, graph and deployment tests, says what came out, and fails if one failed. */
async function runTests(pairs: readonly ImageNames[]): Promise<void> {
    const files = ["unit", "graph", "deployment"].flatMap((folder) =>
        globSync(`tests/${folder}/*.test.ts`, { cwd: ROOT }).sort(),
    );
    let report!: Report;
    await runTestFiles(files, (tests) => (report = new Report(tests, pairs)));

    say("\nWho gets in, by servers, directory and client: cells of the matrix that passed");
    console.table(matrixTable());
    say("\nWhat took how long");
    console.table(report.files);
    for (const [pair, suites] of Object.entries(report.suites)) {
        say(`\nWhat ran on ${pair}`);
        console.table(suites);
    }
    if (report.failed) {
        throw new Failure("Tests failed.");
    }
}

async function main(): Promise<void> {
    await step("Types", "tsc", ["--noEmit"]);
    await step("Format", "prettier", ["--check", "."]);
    await step("Lint", "eslint", ["."]);
    await ensureEngine(say);
    await pulumiCommand(say);
    const { pairs, areDefaultsHere } = await pairsAtHand(say, all);
    if (!areDefaultsHere) {
        await step("The stand-ins' own tests", "go", ["test", "-C", "offline/stand-ins", "./..."]);
    }
    say(["\nDeployment tests run on", ...pairs.map((images) => `  ${describeImages(images)}`)].join("\n"));
    Object.assign(process.env, environmentOf(pairs, all));
    clearMatrix();
    await runTests(pairs);
}

runMain(main);
