/** The configuration of the running stack: the only reader of it. */
import * as pulumi from "@pulumi/pulumi";

import { Given, KEYS } from ".";
import { CommandLine } from "./cure";
import { declarationOf, isObject } from "./declaration";

/** Environment variable with the images of this machine, JSON: stack -> server -> image. */
export const MACHINE_IMAGES = "OCIS_AUTHELIA_IMAGES";

/** Environment variable with the command by which the person has reached Pulumi, where that is not "pulumi". */
export const PULUMI_COMMAND = "OCIS_AUTHELIA_PULUMI";

/** The command line on which cures for the running stack are run. */
export function commandLine(): CommandLine {
    return { command: process.env[PULUMI_COMMAND] ?? "pulumi", stack: pulumi.getStack() };
}

/**
 * Images that this machine has in the place of the defaults, which it cannot have: `npm run dev` chooses them once for a stack
 * and operations/pulumi.ts hands them over, so that a later run never swaps a server under its data. Empty elsewhere.
 */
function imagesOfThisMachine(): object {
    const chosen = JSON.parse(process.env[MACHINE_IMAGES] ?? "{}") as Record<string, object>;
    return chosen[pulumi.getStack()] ?? {};
}

/** The stack's configuration by key, without the project's name, as the command line interface hands it over. */
function stackConfiguration(): Record<string, string> {
    // Not pulumi.Config: it warns when a secret is read as a plain value, and the users' names and groups, which decide what
    // resources exist, share a key with their secret digests. Secrets are made secret by their declarations, however they were set.
    const prefix = `${pulumi.getProject()}:`;
    const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
    return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** A value from its text: only those of keys that are texts stand there as they are. */
function parsed(key: string, text: string): unknown {
    if (key in KEYS && declarationOf(KEYS[key as keyof typeof KEYS]).type === "string") {
        return text;
    }
    try {
        return JSON.parse(text);
    } catch {
        return text; // of no type that the key could have, which is said where it is checked
    }
}

/**
 * What the stack's configuration gives, unchecked.
 *
 * @param configuration Texts by key; the running stack's by default.
 */
export function readConfiguration(configuration: Readonly<Record<string, string>> = stackConfiguration()): Given {
    const given = Object.fromEntries(Object.entries(configuration).map(([key, text]) => [key, parsed(key, text)]));
    const { images = {} } = given;
    return { ...given, images: isObject(images) ? { ...imagesOfThisMachine(), ...images } : images } as unknown as Given;
}
