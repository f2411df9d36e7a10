/**
 * Remembers where a cloud's users live, because oCIS keeps people's files under identifiers of their directory: with another one,
 * everybody would come to an empty account.
 */
import * as pulumi from "@pulumi/pulumi";

import { Directory } from "../settings/directory";
import { describeFault } from "../settings/fault";
import { Mender } from "./diagnosis";
import { typeToken } from "./naming";

type Mode = Directory["mode"];

export interface DirectoryModeArgs {
    /** What the configuration asks for now. */
    readonly mode: Mode;
    /** Keeps the memory as long as the data. */
    readonly keepData: boolean;
    readonly mender: Mender;
}

/** What a person reads who asks a stack for another directory than the one it was made with. */
export function refusal(madeWith: Mode, asked: Mode, mend: Mender): string {
    const path = ["directory", "mode"];
    const allowed =
        `"${madeWith}", with which this stack was made. Its files and shares belong to the users of that directory; those of another ` +
        "one would come to empty accounts";
    return (
        `${describeFault({ path, value: asked, allowed })}\n    ${mend({ set: path, to: madeWith })}\n` +
        `For another directory make another stack: pulumi stack init. Or delete this one with all its data first: with ` +
        `directory.mode ${madeWith} and keepData false, pulumi up and then pulumi destroy.`
    );
}

export class DirectoryMode extends pulumi.ComponentResource {
    /** The mode with which the cloud was made; fails where that is another than it has now. */
    readonly confirmed: pulumi.Output<string>;

    constructor(name: string, { mode, keepData, mender }: DirectoryModeArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("DirectoryMode"), name, {}, opts);
        // A stash keeps what it was made with, whatever it is given later.
        const madeWith = new pulumi.Stash(`${name}-mode`, { input: mode }, { parent: this, protect: keepData });
        this.confirmed = madeWith.output.apply((before: Mode) => {
            if (before !== mode) {
                throw new pulumi.RunError(refusal(before, mode, mender));
            }
            return before;
        });
        this.registerOutputs({});
    }
}
