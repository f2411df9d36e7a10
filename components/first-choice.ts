/**
 * Remembers what a cloud was made with where something else would part people from their data, and refuses that. Nothing of it would be
 * lost, but nobody would find it again.
 */
import * as pulumi from "@pulumi/pulumi";

import { Path } from "../settings/cure";
import { describeFault } from "../settings/fault";
import { failure, Mender } from "./diagnosis";
import { typeToken } from "./naming";

/** A member of the configuration that stays as it was at first. */
export interface Choice {
    readonly path: Path;
    /** What goes with it, as a sentence of its own after "…, with which this stack was made". */
    readonly why: string;
    /** How to come to something else all the same. */
    readonly otherwise: string;
}

export interface FirstChoiceArgs extends Choice {
    /** What the configuration asks for now. */
    readonly value: string;
    /** Keeps the memory as long as the data. */
    readonly keepData: boolean;
    readonly mender: Mender;
}

/** Where users live: oCIS keeps people's files under identifiers of their directory. */
export const DIRECTORY: Choice = {
    path: ["directory", "mode"],
    why: "Its files and shares belong to the users of that directory; those of another one would come to empty accounts",
    otherwise: "For another directory make another stack: pulumi stack init.",
};

/** Where Authelia keeps second factors and what apps are signed in by. */
export const DATABASE: Choice = {
    path: ["database", "mode"],
    why: "Everybody's second factors are in that database, and in another one everybody would enrol anew, whoever has the password first",
    otherwise: "How people and files go over to a stack with another one: docs/state.md.",
};

/** Where files lie: what was stored stays there. Of this the volume itself is the memory. */
export const FILES: Choice = {
    path: ["storage", "files"],
    why: "Everybody's files are there, and a volume stays where it was made",
    otherwise: "How they go over to another place: docs/storage.md.",
};

/** What a person reads who asks a stack for something else than it was made with. */
export function refusal({ path, why, otherwise }: Choice, madeWith: string, asked: string, mend: Mender): string {
    const allowed = `"${madeWith}", with which this stack was made. ${why}`;
    return (
        `${describeFault({ path, value: asked, allowed })}\n    ${mend({ set: path, to: madeWith })}\n` +
        `${otherwise} Or delete this one with all its data first: with ${path.join(".")} ${madeWith} and keepData false, pulumi up and then ` +
        "pulumi destroy."
    );
}

export class FirstChoice extends pulumi.ComponentResource {
    /** What the cloud was made with; fails where that is something else than it has now. */
    readonly confirmed: pulumi.Output<string>;

    constructor(name: string, { value, keepData, mender, ...choice }: FirstChoiceArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("FirstChoice"), name, {}, opts);
        // A stash keeps what it was made with, whatever it is given later.
        const madeWith = new pulumi.Stash(`${name}-mode`, { input: value }, { parent: this, protect: keepData });
        this.confirmed = madeWith.output.apply((before: string) => {
            if (before !== value) {
                throw failure(refusal(choice, before, value, mender));
            }
            return before;
        });
        this.registerOutputs({});
    }
}
