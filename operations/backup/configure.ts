/** How a stack comes by the configuration and the state of a backup. */
import { readFileSync, writeFileSync } from "node:fs";

import { stackFile } from "../../system/folders";
import { PROJECT } from "../project";
import { Stack } from "../stack";
import { Changes, Description, Exported, fileFor, stateFor } from "./description";

/** The salt that a stack's secrets are encrypted with, which stands in its state, and in the file of one that has no state yet. */
async function saltOf(stack: Stack): Promise<string> {
    const { deployment } = await stack.export<Exported>("encrypted");
    const inFile = () => /^encryptionsalt: (.*)$/m.exec(readFileSync(stackFile(stack.name), "utf8"))?.[1];
    return deployment.secrets_providers?.state.salt ?? inFile()!;
}

/** Replaces the configuration and the state of a stack; its secrets are encrypted anew. `isPassing` as in {@link stateFor}. */
export async function configure(stack: Stack, description: Description, changes: Changes, isPassing: boolean): Promise<void> {
    const salt = await saltOf(stack);
    writeFileSync(stackFile(stack.name), fileFor(description, salt, changes));
    for (const { path, value } of description.secrets) {
        if (!(String(path[0]) in changes)) {
            await stack.set(path, value, { secret: true });
        }
    }
    await stack.import(stateFor(description.state, description, { project: PROJECT, stack: stack.name }, salt, isPassing));
}
