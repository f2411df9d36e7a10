/** The workflow of docs/ci.md: its commands do on a real stack what the document says of them, and the drift that it looks for is found. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";

import { ROOT } from "../../system/folders";
import { run } from "../../system/run";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";

interface Step {
    readonly name?: string;
    readonly run?: string;
}

/** The workflow's steps that have a name, by it. */
function commands(): Record<string, string> {
    const [, workflow] = /```yaml\n([^]*?)```/.exec(readFileSync(join(ROOT, "docs", "ci.md"), "utf8"))!;
    const { jobs } = parse(workflow!) as { jobs: { cloud: { steps: Step[] } } };
    return Object.fromEntries(jobs.cloud.steps.filter((step) => step.name && step.run).map((step) => [step.name!, step.run!]));
}

describeOn({ tier: "once" }, "the workflow of docs/ci.md", (images) => {
    let cloud: Cloud;

    before(async () => {
        cloud = await Cloud.up("test-ci", { images, users: usersCalled(["alice"]) });
    });

    after(() => cloud.down());

    /** Runs a step's command, on the test's stack instead of the document's. */
    const step = (name: string) => cloud.stack.shell(commands()[name]!, ROOT);

    test("an update and a preview pass, and a stack that nobody touched has not drifted", async () => {
        for (const name of ["Preview", "Update", "Drift"]) {
            const { code, text } = await step(name);
            assert.equal(code, 0, text);
        }
    });

    test("a container that somebody removed is drift, and up --refresh mends it", async () => {
        await run("docker", ["rm", "--force", `${cloud.stack.prefix}ocis`]);
        const drifted = await step("Drift");
        assert.notEqual(drifted.code, 0, drifted.text);
        assert.match(drifted.text, /no changes were expected/);
        const { code, text } = await cloud.stack.operate("up", ["--refresh"]);
        assert.equal(code, 0, text);
        const again = await step("Drift");
        assert.equal(again.code, 0, again.text);
    });
});
