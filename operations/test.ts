/**
 * `npm test`: type check, format, lint, then unit, graph and deployment tests. The last run on the pairs of servers at hand: real ones
 * whose images are here or can be pulled, else the stand-ins. The newest pair shows everything, each further one what differs by
 * release. `npm run test:all` shows on every pair whatever a server has a part in, on the stand-ins too where the default images
 * cannot be had.
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";

import { clearMatrix, matrixTable } from "../tests/deployment/matrix";
import { environmentOf } from "../tests/deployment/pairs";
import { Report } from "../tests/report";
import { Failure, runMain } from "../system/failure";
import { ROOT } from "../system/folders";
import { foreground } from "../system/run";
import { AUTHELIA, OCIS } from "../versions";
import { ensureEngine } from "./engine";
import { chooseCaddy, describeImages, ImageNames, isAtHand, localReleases, standIns } from "./images";
import { pulumiCommand } from "./pulumi";

const say = (line: string) => console.log(line);

/** Whether everything runs on every pair. */
const all = process.argv.includes("--all");

/** Runs one step in the foreground. */
async function step(what: string, command: string, args: readonly string[]): Promise<void> {
    say(`\n${what}: ${command} ${args.join(" ")}`);
    const env = { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH}` };
    if ((await foreground(command, args, { cwd: ROOT, env })) !== 0) {
        throw new Failure(`${what} failed.`);
    }
}

/** The pair that Authelia's guide was tested with. */
const GUIDE = { authelia: "authelia/authelia:4.38.0", ocis: "owncloud/ocis:4.0.5" };

/** The pairs at hand, the newest first: the newest Authelia with each oCIS, the guide's pair, and maybe the stand-ins. */
async function pairsAtHand(): Promise<ImageNames[]> {
    const caddy = await chooseCaddy(say);
    const defaults = [await isAtHand(AUTHELIA.image, say), await isAtHand(OCIS.image, say)];
    const portals = await localReleases("authelia");
    const clouds = await localReleases("ocis");
    const pairs = portals.slice(0, 1).flatMap((authelia) => clouds.map((ocis) => ({ authelia, ocis })));
    if (portals.slice(1).includes(GUIDE.authelia) && clouds.includes(GUIDE.ocis)) {
        pairs.push(GUIDE);
    }
    if (defaults.includes(false)) {
        await step("The stand-ins' own tests", "go", ["test", "-C", "offline/stand-ins", "./..."]);
        if (all || pairs.length === 0) {
            pairs.push(await standIns(say));
        }
    }
    return pairs.map((pair) => ({ ...pair, caddy }));
}

/** Runs the unit, graph and deployment tests, says what came out, and fails if one failed. */
async function runTests(pairs: readonly ImageNames[]): Promise<void> {
    // Without this, the file that runs would outlive this process.
    const stop = new AbortController();
    (["SIGINT", "SIGTERM", "SIGHUP"] as const).forEach((signal) => process.once(signal, () => stop.abort()));
    // One file after the other: stacks side by side would make each other slow, and a slow server looks like a broken one.
    const tests = run({
        signal: stop.signal,
        cwd: ROOT,
        files: ["unit", "graph", "deployment"].flatMap((folder) => globSync(`tests/${folder}/*.test.ts`, { cwd: ROOT }).sort()),
        execArgv: ["--require", "ts-node/register/transpile-only"],
        concurrency: 1,
    });
    const report = new Report(tests, pairs);
    await pipeline(tests, new spec(), process.stdout, { end: false });

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
    const pairs = await pairsAtHand();
    say(["\nDeployment tests run on", ...pairs.map((images) => `  ${describeImages(images)}`)].join("\n"));
    Object.assign(process.env, environmentOf(pairs, all));
    clearMatrix();
    await runTests(pairs);
}

runMain(main);
