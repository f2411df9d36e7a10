/**
 * Remembers what a cloud was made with where something else would part people from their data, and refuses that. Nothing of it would be
 * lost, but nobody would find it again.
 */
import * as pulumi from "@pulumi/pulumi";

import { Path } from "../settings/cure";
import { describeFault } from "../settings/fault";
import { failure, Mender } from "./diagnosis";
import { Outputs } from "./earlier-state";
import { typeToken } from "./naming";

/** A member of the configuration that stays as it was at first. */
export interface Choice {
    readonly path: Path;
    /** What goes with it, as a sentence of its own after "…, with which this stack was made". */
    readonly why: string;
    /** How to come to something else all the same. */
    readonly otherwise: string;
}

/** What clouds were made with before there was the key. */
export interface Before {
    readonly value: string;
    /** Name of the volume by which such a cloud is known, in the program. */
    readonly volume: string;
}

export interface FirstChoiceArgs extends Choice {
    /** What the configuration asks for now. */
    readonly value: string;
    /** Keeps the memory as long as the data. */
    readonly keepData: boolean;
    /** What the state says before this run. */
    readonly earlier: pulumi.Output<Outputs>;
    readonly mender: Mender;
    readonly before?: Before;
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

/** Where oCIS's services keep what they tell each other. */
export const BUS: Choice = {
    path: ["bus", "mode"],
    why: "What people did, and were told of, is there, and uploads that are not done; with another bus nobody would find it again",
    otherwise: "For another bus make another stack: pulumi stack init.",
};

/** Where the contents of files are: oCIS looks for all of them at one place. */
export const BLOBS: Choice = {
    path: ["storage", "blobs", "mode"],
    why: "The contents of everybody's files are there, and nowhere else are they found",
    otherwise: "How they go over to another place: docs/storage.md.",
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

/** What the stash of that URN is made with: in a cloud that there was before it, what all had at that time. Pure. */
export function firstValue(earlier: Outputs, stash: string, value: string, before: Before): string {
    const hasVolume = Object.keys(earlier).some((urn) => urn.endsWith(`docker:index/volume:Volume::${before.volume}`));
    return hasVolume && !(stash in earlier) ? before.value : value;
}

export class FirstChoice extends pulumi.ComponentResource {
    /** What the cloud was made with; fails where that is something else than it has now. */
    readonly confirmed: pulumi.Output<string>;

    constructor(
        name: string,
        { value, keepData, earlier, mender, before, ...choice }: FirstChoiceArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(typeToken("FirstChoice"), name, {}, opts);
        // A stash keeps what it was made with, whatever it is given later.
        const stash = `${name}-mode`;
        const own = pulumi.createUrn(stash, "pulumi:index:Stash", this);
        const input =
            before === undefined
                ? value
                : pulumi.all([earlier, own]).apply(([outputs, urn]) => firstValue(outputs, urn, value, before));
        const madeWith = new pulumi.Stash(stash, { input }, { parent: this, protect: keepData });
        this.confirmed = madeWith.output.apply((first: string) => {
            if (first !== value) {
                throw failure(refusal(choice, first, value, mender));
            }
            return first;
        });
        this.registerOutputs({});
    }
}
