/**
 * `pulumi new` with this repository as the template: it asks for the domain, and the project works under a name of its own. A preview of
 * what it made finds no fault; nothing is brought up.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";

import { pulumiCommand } from "../../operations/pulumi";
import { ROOT } from "../../system/folders";
import { attempt, run } from "../../system/run";
import { NO_ENGINE } from "./pairs";

describe("the repository as a template", { timeout: 5 * 60_000, skip: NO_ENGINE }, () => {
    let folder: string;
    let pulumi: (...args: string[]) => ReturnType<typeof attempt>;

    before(async () => {
        folder = mkdtempSync(join(tmpdir(), "template-"));
        const template = join(folder, "template");
        // What a person gets who names the repository's URL: the files that git knows.
        for (const file of (await run("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT })).split(
            "\n",
        )) {
            cpSync(join(ROOT, file), join(template, file));
        }
        const project = join(folder, "project");
        const backend = join(folder, "backend");
        [project, backend].forEach((path) => mkdirSync(path));
        const { path, environment } = await pulumiCommand(() => undefined);
        const env = {
            ...environment,
            PULUMI_BACKEND_URL: `file://${backend}`,
            PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
            PULUMI_CONFIG_PASSPHRASE: "of-this-test",
        };
        pulumi = (...args) => attempt(path, [...args, "--non-interactive"], { cwd: project, env });
    });

    after(() => rmSync(folder, { recursive: true }));

    test("the template asks for the domain", () => {
        const { template } = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as { template: { config: object } };
        assert.deepEqual(Object.keys(template.config), ["domain"]);
    });

    test("pulumi new makes a project of another name from it", async () => {
        const { code, text } = await pulumi("new", join(folder, "template"), "--name", "mycloud", "--generate-only", "--yes");
        assert.equal(code, 0, text);
        const { name, template } = parse(readFileSync(join(folder, "project", "Pulumi.yaml"), "utf8")) as Record<
            string,
            unknown
        >;
        assert.deepEqual([name, template], ["mycloud", undefined]);
    });

    for (const [stack, configure] of Object.entries({
        dev: [],
        home: ["domain=example.com", "users.alice.displayName=Alice", "users.alice.email=alice@example.com"],
    })) {
        test(`a preview of its stack ${stack} finds no fault, and names carry the project's`, async () => {
            const modules = join(folder, "project", "node_modules");
            rmSync(modules, { force: true });
            symlinkSync(join(ROOT, "node_modules"), modules);
            const made = await pulumi("stack", "init", stack);
            assert.equal(made.code, 0, made.text);
            for (const pair of configure) {
                const [key, value] = pair.split("=") as [string, string];
                const set = await pulumi("config", "set", "--path", key, value, "--stack", stack);
                assert.equal(set.code, 0, set.text);
            }
            const { code, text } = await pulumi("preview", "--stack", stack, "--diff");
            assert.equal(code, 0, text);
            assert.match(text, new RegExp(`name +: "mycloud-${stack}-edge"`));
        });
    }
});
