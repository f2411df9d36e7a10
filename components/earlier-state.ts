/** What the state says of the running stack's resources before this run changes anything. */
import * as pulumi from "@pulumi/pulumi";
import { setTimeout as pause } from "node:timers/promises";

/** Outputs of resources, by URN. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Reads the outputs of every resource in a stack's state: a function of Pulumi's engine. Source: pulumi, resource/deploy/builtins.go. */
const READ_STATE = "pulumi:pulumi:readStackResourceOutputs";

/** How often it is asked, and milliseconds between: it writes a local state meanwhile, and may find it half written. Seen with 3.256.0. */
const READS = { most: 20, pause: 250 };

/** What that function answers. */
interface State {
    readonly outputs: Readonly<Record<string, { readonly outputs: Outputs[string] }>>;
}

async function read(stackName: string, parent: pulumi.Resource): Promise<State> {
    for (let read = 1; ; read++) {
        try {
            return (await pulumi.runtime.invoke(READ_STATE, { stackName }, { parent })) as State;
        } catch (error) {
            if (read === READS.most || !/failed to load checkpoint/.test((error as Error).message)) {
                throw error;
            }
            await pause(READS.pause);
        }
    }
}

/** @param parent The component that asks. */
export function earlierOutputs(parent: pulumi.Resource): pulumi.Output<Outputs> {
    const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
    return pulumi
        .output(read(stackName, parent))
        .apply(
            ({ outputs }) =>
                Object.fromEntries(Object.entries(outputs).map(([urn, resource]) => [urn, resource.outputs])) as Outputs,
        );
}
