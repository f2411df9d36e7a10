/** How a command changes a stack's configuration: tried in a copy, shown as a preview, asked about, and then brought up. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { check, Given } from "../settings";
import { printFault } from "../settings/fault";
import { Failure } from "../system/failure";
import { stackFile } from "../system/folders";
import { Say } from "./command-line";
import { answered } from "./prompt";
import { Stack } from "./stack";

/** @throws Failure that names each fault of a configuration, with its cure. */
export function expectUsable(stack: string, given: Given): void {
    const checked = check(given);
    if ("faults" in checked) {
        const faults = checked.faults.map((fault) => printFault(fault, { command: "npm run pulumi --", stack }));
        throw new Failure(["This cannot be configured; nothing was changed.", ...faults].join("\n"));
    }
}

/** Whether a person agrees; nobody does where there is no terminal. */
export async function agrees(message: string): Promise<boolean> {
    if (!process.stdin.isTTY) {
        throw new Failure("Nothing was changed: nobody can be asked without a terminal. --yes does it unasked.");
    }
    const { default: confirm } = await import("@inquirer/confirm");
    return answered(confirm({ message, default: false }, { output: process.stderr }));
}

/**
 * Changes a stack's configuration and brings the stack up. Until that has begun the stack's own file is as it was.
 *
 * @param change Makes the change in the stack that it is given.
 * @param yes Whether nobody is asked.
 * @throws Failure where the change is refused, by the program or by the person, or `up` fails.
 */
export async function bringUp(stack: Stack, change: (draft: Stack) => Promise<void>, yes: boolean, say: Say): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "configuration-")); // readable for its owner alone
    try {
        const file = join(folder, basename(stackFile(stack.name)));
        const before = readFileSync(stackFile(stack.name));
        writeFileSync(file, before);
        const draft = stack.withFile(file);
        await change(draft);
        say(`Previewing the stack ${stack.name} …`);
        const preview = await draft.attempt("preview");
        if (preview.code !== 0) {
            throw new Failure(`Nothing was changed, because the preview fails:\n${preview.text.trim()}`);
        }
        if (!yes) {
            say(preview.text.trim());
            if (!(await agrees("Bring the stack up like this?"))) {
                throw new Failure("Nothing was changed.");
            }
        }
        if (!before.equals(readFileSync(stackFile(stack.name)))) {
            throw new Failure(
                "The configuration was changed meanwhile by somebody else, and stays like that: run the command again.",
            );
        }
        copyFileSync(file, stackFile(stack.name));
    } finally {
        rmSync(folder, { recursive: true });
    }
    say("Bringing it up …");
    const { code, text } = await stack.attempt("up", "--yes", "--skip-preview");
    if (code !== 0) {
        throw new Failure(
            `The configuration is changed, but the stack is not up:\n${text.trim()}\n` +
                `Mend that, and go on: npm run pulumi -- up --stack ${stack.name}`,
        );
    }
}
