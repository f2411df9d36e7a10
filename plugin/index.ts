/**
 * The provider plugin of the package, which Pulumi runs beside a program in any language (see PulumiPlugin.yaml): it says what the
 * package offers, and makes clouds.
 */
import * as pulumi from "@pulumi/pulumi";
import { main, Provider } from "@pulumi/pulumi/provider";

import { Cloud, CloudArgs } from "../components/cloud";
import { typeToken } from "../components/naming";
import schema from "./schema.json";

/** Whether an output's value is known already; Pulumi has it for itself, and what waits for an unknown one waits for ever. */
function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
    return (output as unknown as { isKnown: Promise<boolean> }).isKnown;
}

/**
 * An argument as the component takes it. Older SDKs make a secret of a whole argument for a secret text in it. The component makes a
 * secret of that text by itself, and has to know the rest. An argument that is not known yet it refuses.
 */
async function argument(value: unknown): Promise<unknown> {
    return pulumi.Output.isInstance(value) && (await isKnown(value))
        ? new Promise((resolve) => void value.apply(resolve))
        : value;
}

async function argumentsOf(inputs: pulumi.Inputs): Promise<CloudArgs> {
    const keys = Object.keys(inputs);
    const values = await Promise.all(keys.map((key) => argument(inputs[key])));
    return Object.fromEntries(keys.map((key, index) => [key, values[index]])) as unknown as CloudArgs;
}

const { properties } = schema.resources["ocis-authelia:index:Cloud"];

const outputs = Object.keys(properties) as (keyof typeof properties)[];

const provider: Provider = {
    version: schema.version,
    schema: JSON.stringify(schema),
    async construct(name, type, inputs, options) {
        if (type !== typeToken("Cloud")) {
            throw new Error(`${type} is nothing that this package has: it has ${typeToken("Cloud")}.`);
        }
        const cloud = new Cloud(name, await argumentsOf(inputs), options);
        return { urn: cloud.urn, state: Object.fromEntries(outputs.map((output) => [output, cloud[output]])) };
    },
};

void main(provider, process.argv.slice(2));
