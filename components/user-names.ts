/**
 * Remembers every user name that a stack has had, where users live in its configuration. oCIS and Authelia keep what belongs to a name
 * (files, shares, second factor), and they would give it to whoever comes to have the name later.
 */
import * as pulumi from "@pulumi/pulumi";

import { describeFault } from "../settings/fault";
import { User } from "../settings/users";
import { failure, Mender } from "./diagnosis";
import { Outputs } from "./earlier-state";
import { typeToken } from "./naming";

/** Every name that the stack has had, and what it was at the last update. */
export type UserNames = Readonly<Record<string, "user" | "removed">>;

/** The names with those of today's users. Pure. */
export function remembered(known: UserNames, users: readonly User[]): UserNames {
    const today = new Set(users.map(({ name }) => name));
    const names = [...new Set([...Object.keys(known), ...today])].sort();
    return Object.fromEntries(names.map((name) => [name, today.has(name) ? "user" : "removed"]));
}

/** Users whose name was somebody's who was removed, and of whom nobody says that they are the same. Pure. */
export function namesakes(known: UserNames, users: readonly User[]): User[] {
    return users.filter(({ name, samePerson }) => known[name] === "removed" && !samePerson);
}

/** What a person reads who gives a name again. */
export function refusal(found: readonly User[], mend: Mender): string {
    const faults = found.map(({ name }) => {
        const path = ["users", name];
        const allowed =
            "another name. A user of this name was removed earlier, and the files, shares and second factor of that time are still " +
            "there: whoever has the name gets them";
        return (
            `  ${describeFault({ path, value: name, allowed })}\n    ${mend({ remove: path })}\n` +
            `    or, if this is the same person:\n    ${mend({ set: [...path, "samePerson"], to: true })}`
        );
    });
    return ["The stack's users have to be mended first.", ...faults].join("\n");
}

export interface UserNameMemoryArgs {
    readonly users: readonly User[];
    /** Keeps the memory as long as the data. */
    readonly keepData: boolean;
    /** What the state says before this run. */
    readonly earlier: pulumi.Output<Outputs>;
    readonly mender: Mender;
}

export class UserNameMemory extends pulumi.ComponentResource {
    /** Every name that the stack has had; fails where one of a removed user is given again. */
    readonly confirmed: pulumi.Output<UserNames>;

    constructor(
        name: string,
        { users, keepData, earlier, mender }: UserNameMemoryArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(typeToken("UserNameMemory"), name, {}, opts);
        const stash = `${name}-known`;
        this.confirmed = this.known(stash, earlier).apply((known) => {
            const found = namesakes(known, users);
            if (found.length > 0) {
                throw failure(refusal(found, mender));
            }
            return remembered(known, users);
        });
        new pulumi.Stash(stash, { input: this.confirmed }, { parent: this, protect: keepData });
        this.registerOutputs({});
    }

    /**
     * What the last update has put into the stash; nothing at the first one. A program cannot ask a stash: it gives what it was made with.
     */
    private known(stash: string, earlier: pulumi.Output<Outputs>): pulumi.Output<UserNames> {
        const urn = pulumi.createUrn(stash, "pulumi:index:Stash", this);
        return pulumi.all([earlier, urn]).apply(([outputs, own]) => (outputs[own]?.input ?? {}) as UserNames);
    }
}
