/**
 * The configuration that the documents show: every `config set` of a block is run by the real command line interface, in order, and
 * a preview of what comes out finds no fault. Nothing is brought up.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Authority } from "../authority";
import { ROOT } from "../../system/folders";
import { NO_ENGINE } from "./pairs";
import { Stack } from "./stack";

const USERS = { alice: { displayName: "Alice", email: "alice@example.com" } };

/** The shell blocks of a document that configure a stack, each as its `config` commands. */
function examplesOf(document: string): string[][] {
    const blocks = readFileSync(join(ROOT, document), "utf8").matchAll(/```sh\n([^]*?)```/g);
    return (
        [...blocks]
            .map(([, block]) =>
                block!
                    .split("\n")
                    .map((line) => line.trim())
                    .filter((line) => line.startsWith("npm run pulumi -- config set")),
            )
            // An ellipsis stands for what a person has to fill in.
            .map((lines) => lines.filter((line) => !line.includes("…")))
            .filter((lines) => lines.length > 0)
    );
}

describe("examples of the documents", { timeout: 20 * 60_000, skip: NO_ENGINE }, () => {
    const stack = new Stack("test-documents");
    const authority = new Authority();
    let folder: string;

    before(async () => {
        await stack.create({ domain: "example.com", users: USERS });
        folder = authority.folderOfFiles("auth.example.com", "owncloud.example.com");
    });

    after(async () => {
        // What the last example left may ask for more than a destroy can read.
        stack.configure({ domain: "example.com", users: USERS });
        await stack.destroy();
        authority.close();
    });

    for (const document of ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).sort()]) {
        for (const [index, lines] of examplesOf(document).entries()) {
            test(`${document}, example ${index + 1}: ${lines[0]!.replace("npm run pulumi -- ", "")}`, async () => {
                const people = lines.some((line) => line.includes("directory.mode")) ? {} : { users: USERS };
                stack.configure({ domain: "example.com", ...people });
                for (const line of lines) {
                    const { code, text } = await stack.shell(line, folder);
                    assert.equal(code, 0, `${line}\n${text}`);
                }
                const { code, text } = await stack.operate("preview");
                assert.equal(code, 0, `${lines.join("\n")}\n${text}`);
            });
        }
    }
});
