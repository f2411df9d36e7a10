/**
 * Cures do what they say: each command that a wrong configuration is answered with is run as it is printed, by the real command line
 * interface on a real stack file, and the fault is gone. Nothing is brought up; no engine is needed.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { check } from "../../settings";
import { Cure, printCure } from "../../settings/cure";
import { Fault, printFault } from "../../settings/fault";
import { readConfiguration } from "../../settings/stack";
import { attempt } from "../../system/run";
import { Authority } from "../authority";
import { configuration, GOOD } from "../configuration";
import { WRONG } from "../wrong-inputs";
import { Stack } from "./stack";

const name = "test-cures";

describe("cures", { timeout: 10 * 60_000 }, () => {
    const stack = new Stack(name);
    const authority = new Authority();
    /** Where the files lie that cures read. */
    let folder: string;

    before(async () => {
        await stack.create(GOOD);
        folder = authority.folderOfFiles("auth.example.com", "owncloud.example.com");
    });

    after(async () => {
        await stack.destroy();
        authority.close();
    });

    /** What is wrong with the stack's file as it is now. */
    async function faults(): Promise<readonly Fault[]> {
        const { path, environment, options } = await stack.commandLine();
        const { code, stdout, text } = await attempt(path, ["config", "--json", "--show-secrets", ...options], {
            env: environment,
        });
        assert.equal(code, 0, text);
        const entries = Object.entries(JSON.parse(stdout) as Record<string, { value: string }>);
        const values = Object.fromEntries(entries.map(([key, { value }]) => [key.replace(/^.*:/, ""), value]));
        const result = check(readConfiguration({ ...configuration({}), ...values }));
        return "faults" in result ? result.faults : [];
    }

    /** Runs a cure as it is printed. */
    async function run(cure: Cure): Promise<void> {
        const line = printCure(cure, { command: "npm run pulumi --", stack: name });
        const { code, text } = await stack.shell(line, folder);
        assert.equal(code, 0, `${line}\n${text}`);
    }

    for (const [what, values] of WRONG) {
        test(`mended as printed: ${what}`, async () => {
            stack.configure({ ...GOOD, ...values });
            const before = await faults();
            assert.ok(before.length > 0);
            for (const { path, allowed, cures, otherwise } of before) {
                for (const each of [cures, otherwise?.cures].filter((list) => list !== undefined)) {
                    stack.configure({ ...GOOD, ...values });
                    for (const cure of each) {
                        await run(cure);
                    }
                    const left = await faults();
                    const same = left.find((fault) => fault.allowed === allowed && String(fault.path) === String(path));
                    assert.equal(same && printFault(same, { command: "pulumi", stack: name }), undefined);
                }
            }
        });
    }
});
