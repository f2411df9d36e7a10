/**
 * `npm test`: type check, format, lint, then unit, graph and deployment tests. The last run on every pair of servers at hand: real ones
 * whose images are here or can be pulled, and the stand-ins where the default images cannot be had.
 */
import { globSync } from "node:fs";
import { join } from "node:path";

import { clearMatrix, matrixTable } from "../tests/deployment/matrix";
import { environmentOf } from "../tests/deployment/pairs";
import { Failure, runMain } from "../system/failure";
import { ROOT } from "../system/folders";
import { foreground } from "../system/run";
import { AUTHELIA, OCIS } from "../versions";
import { ensureEngine } from "./engine";
import { chooseCaddy, describeImages, Images, isAtHand, localReleases, standIns } from "./images";
import { pulumiCommand } from "./pulumi";

const say = (line: string) => console.log(line);

/** Runs one step in the foreground. */
async function step(
    what: string,
    command: string,
    args: readonly string[],
    environment: Record<string, string> = {},
): Promise<void> {
    say(`\n${what}: ${command} ${args.join(" ")}`);
    const env = { ...process.env, ...environment, PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH}` };
    if ((await foreground(command, args, { cwd: ROOT, env })) !== 0) {
        throw new Failure(`${what} failed.`);
    }
}

/** The pair that Authelia's guide was tested with. */
const GUIDE = { authelia: "authelia/authelia:4.38.0", ocis: "owncloud/ocis:4.0.5" };

/** Every pair at hand: the newest Authelia with each oCIS, the guide's pair, and maybe the stand-ins. */
async function pairsAtHand(): Promise<Images[]> {
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
        pairs.push(await standIns(say));
    }
    return pairs.map((pair) => ({ ...pair, caddy }));
}

/** Files of tests in a folder. */
const files = (folder: string) => globSync(`tests/${folder}/*.test.ts`, { cwd: ROOT }).sort();

async function main(): Promise<void> {
    await step("Types", "tsc", ["--noEmit"]);
    await step("Format", "prettier", ["--check", "."]);
    await step("Lint", "eslint", ["."]);
    await ensureEngine(say);
    await pulumiCommand(say);
    const pairs = await pairsAtHand();
    say(["\nDeployment tests run on", ...pairs.map((images) => `  ${describeImages(images)}`)].join("\n"));
    const tests = ["unit", "graph", "deployment"].flatMap(files);
    // One file after the other: stacks side by side would make each other slow, and a slow server looks like a broken one.
    const options = ["--require", "ts-node/register/transpile-only", "--test", "--test-concurrency=1", "--test-reporter=spec"];
    clearMatrix();
    try {
        await step("Tests", "node", [...options, ...tests], environmentOf(pairs));
    } finally {
        say("\nWho gets in, by servers, directory and client: cells of the matrix that passed");
        console.table(matrixTable());
    }
}

runMain(main);
