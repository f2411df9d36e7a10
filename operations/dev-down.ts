/** `npm run dev:down`: destroys the dev stack with its data, and forgets what was chosen for it. */
import { runMain } from "../system/failure";
import { ensureEngine } from "./engine";
import { forgetImages } from "./images";
import { pulumiCommand, runPulumi, DEV_STACK, withStackFile } from "./pulumi";

async function main(): Promise<void> {
    await ensureEngine(console.log);
    const command = await pulumiCommand(console.log);
    process.exitCode = await withStackFile(DEV_STACK, () =>
        runPulumi(command, "destroy", "--stack", DEV_STACK, "--yes", "--skip-preview", "--non-interactive"),
    );
    if (process.exitCode === 0) {
        forgetImages(DEV_STACK);
    }
}

runMain(main);
