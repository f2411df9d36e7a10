/**
 * `npm run bench -- [--only <rows>]`: measures what people wait for beside what they would use instead, on the newest servers at hand, and
 * writes docs/benchmarks.md. Takes about twenty minutes; with --only less, and then it prints and writes nothing.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { Command } from "commander";

import { compare, Result } from "../tests/bench/measure";
import { GROUPS } from "../tests/bench";
import { Failure, runMain } from "../system/failure";
import { ROOT } from "../system/folders";
import { attempt, run } from "../system/run";
import { tableOf, withResults } from "./bench-table";
import { printBytes } from "./containers";
import { ensureEngine } from "./engine";
import { describeImages, ImageNames } from "./images";
import { pairsAtHand } from "./pairs-at-hand";
import { pulumiCommand } from "./pulumi";

const DOCUMENT = join(ROOT, "docs", "benchmarks.md");

const say = (line: string) => console.log(line);

/** What was measured, where, and of which state of the repository. */
async function describeRun(images: ImageNames): Promise<string> {
    const [{ model } = { model: "an unknown processor" }] = cpus();
    const engine = await run("docker", ["version", "--format", "{{.Server.Version}}"]);
    const { stdout: commit } = await attempt("git", ["describe", "--always", "--dirty"], { cwd: ROOT });
    return (
        `Measured on ${new Date().toISOString().slice(0, 10)} at commit ${commit.trim() || "unknown"}, on ${cpus().length} cores ` +
        `(${model.trim()}) with ${printBytes(totalmem())} of memory, Docker Engine ${engine}, Node.js ${process.versions.node}: ` +
        `${describeImages(images)}.`
    );
}

/** @param only What the keys of the rows begin with; all of them by default. */
async function bench(only: readonly string[]): Promise<void> {
    const groupOf = (word: string) => word.split(":")[0]!;
    const unknown = only.filter((word) => !GROUPS.some(({ names }) => names.includes(groupOf(word))));
    if (unknown.length > 0) {
        const known = GROUPS.flatMap(({ names }) => names).join(", ");
        throw new Failure(
            `--only ${unknown.join(",")}: there is no such group. Allowed are ${known}, and rows such as traffic:put`,
        );
    }
    const isAsked = (key: string) => only.length === 0 || only.some((word) => key.startsWith(word));
    await ensureEngine(say);
    await pulumiCommand(say);
    const [images] = (await pairsAtHand(say)).pairs;
    const where = await describeRun(images!);
    const results: Result[] = [];
    for (const { names, open } of GROUPS) {
        if (only.length > 0 && !only.some((word) => names.includes(groupOf(word)))) {
            continue;
        }
        say(`\n${names.join(", ")}`);
        const { courses, close } = await open(images!);
        try {
            for (const course of courses.filter(({ rows }) => rows.some(({ key }) => isAsked(key)))) {
                results.push(...(await compare(course, say)).filter(({ row }) => isAsked(row.key)));
            }
        } finally {
            await close();
        }
    }
    say(`\n${where}\n\n${tableOf(results)}`);
    if (only.length === 0) {
        writeFileSync(DOCUMENT, withResults(readFileSync(DOCUMENT, "utf8"), where, results));
        say(`\nWritten to docs/benchmarks.md.`);
    }
}

runMain(async () => {
    const command = new Command("npm run bench --")
        .description("Measure what people wait for beside what they would use instead.")
        .option("--only <rows>", "groups and rows, such as life,traffic:put", (text) => text.split(","), [] as string[])
        .action(({ only }: { only: string[] }) => bench(only));
    await command.parseAsync();
});
