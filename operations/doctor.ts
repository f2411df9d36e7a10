/**
 * `npm run doctor -- [--stack <stack>]`: looks at this machine and at every stack of its state, or at one, and says of each thing how it is
 * and how it is mended. It changes nothing, and goes on where the Docker Engine or Pulumi is missing. See docs/doctor.md.
 */
import { existsSync } from "node:fs";

import { STATE } from "../system/folders";
import { conclude, machineCommand, Outcome, Say } from "./command-line";
import { examineMachine } from "./doctor-machine";
import { examineOnEngine, examineStack } from "./doctor-stack";
import { Finding, printFindings } from "./finding";
import { DEV_STACK, pulumiAtHand, withStackFile } from "./pulumi";
import { Stack } from "./stack";

async function doctor(only: string | undefined, say: Say): Promise<Outcome> {
    const hasState = existsSync(STATE);
    // It fails only where docker has no usable context, which is found below.
    const command = await pulumiAtHand(say).catch(() => undefined);
    const machine = await examineMachine(command);
    const places: Record<string, Finding[]> = { "this machine": machine };
    if (hasState && command === undefined && only === undefined) {
        const seen = "only Pulumi lists them; --stack <name> looks at one without it";
        machine.push({ what: "stacks", state: "skipped", seen });
    }
    for (const name of only !== undefined ? [only] : hasState && command !== undefined ? await Stack.names(command) : []) {
        say(`Looking at the stack ${name} …`);
        places[`stack ${name}`] =
            command === undefined ? await examineOnEngine(name) : await examineStack(await Stack.by(command, name));
    }
    return {
        data: places,
        text: printFindings(places),
        ok: !Object.values(places)
            .flat()
            .some(({ state }) => state === "failed"),
    };
}

void machineCommand("doctor", "Look at this machine and its stacks, and say how to mend what is wrong.")
    .action(({ stack, json }: { stack?: string; json: boolean }) =>
        conclude(json, (say) => withStackFile(DEV_STACK, () => doctor(stack, say))),
    )
    .parseAsync();
