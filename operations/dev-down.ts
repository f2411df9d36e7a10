/** `npm run dev:down`: destroys the dev stack with its data, and forgets what was remembered for it. */
import { spawnSync } from "node:child_process";

import { ensureEngine } from "./engine";
import { forgetImages } from "./images";
import { Cure, pulumiCommand, withStackFile } from "./pulumi";

const STACK = "dev";

async function main(): Promise<void> {
    await ensureEngine(console.log);
    const { path, environment } = await pulumiCommand(console.log);
    await withStackFile(STACK, async () => {
        const destroy = ["destroy", "--stack", STACK, "--yes", "--skip-preview", "--non-interactive"];
        const { status } = spawnSync(path, destroy, { env: environment, stdio: "inherit" });
        if (status !== 0) {
            process.exit(status ?? 1);
        }
        await forgetImages(STACK);
    });
}

main().catch((error: unknown) => {
    console.error(error instanceof Cure ? error.message : error);
    process.exit(1);
});
