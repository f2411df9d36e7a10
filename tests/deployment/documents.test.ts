/**
 * The configuration that the documents show: every `config set` of a block is run by the real command line interface, in order, and
 * a preview of what comes out finds no fault. Nothing is brought up.
 */
import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Authority } from "../authority";
import { ROOT } from "../../system/folders";
import { attempt } from "../../system/run";
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
        folder = mkdtempSync(join(ROOT, ".cache", "tests", "documents-"));
        const { certificate, key } = authority.issue("DNS:auth.example.com", "DNS:owncloud.example.com");
        const files = { "fullchain.pem": certificate, "privkey.pem": key, "root.pem": authority.root };
        for (const [name, content] of Object.entries(files)) {
            writeFileSync(join(folder, name), content);
        }
    });

    after(async () => {
        // What the last example left may ask for more than a destroy can read.
        stack.configure({ domain: "example.com", users: USERS });
        await stack.destroy();
        rmSync(folder, { recursive: true });
        authority.close();
    });

    for (const document of ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).sort()]) {
        for (const [index, lines] of examplesOf(document).entries()) {
            test(`${document}, example ${index + 1}: ${lines[0]!.replace("npm run pulumi -- ", "")}`, async () => {
                const people = lines.some((line) => line.includes("directory.mode")) ? {} : { users: USERS };
                stack.configure({ domain: "example.com", ...people });
                const { path, environment, options } = await stack.command();
                const npm = 'npm() { shift 3; "$PULUMI" "$@" $OPTIONS; }';
                for (const line of lines) {
                    const env = { ...environment, PULUMI: path, OPTIONS: options.join(" ") };
                    // A password is typed in; a file on standard input comes before that.
                    const { code, text } = await attempt("sh", ["-c", `${npm}; ${line}`], {
                        cwd: folder,
                        env,
                        input: "typed-in",
                    });
                    assert.equal(code, 0, `${line}\n${text}`);
                }
                const { code, text } = await stack.operate("preview");
                assert.equal(code, 0, `${lines.join("\n")}\n${text}`);
            });
        }
    }
});
