/** The key `access`: who of the users gets into ownCloud, how, and as what. */
import { z } from "zod";

import { text } from "./declaration";
import type { Directory } from "./directory";
import { Fault } from "./fault";

/** A name that stands in Authelia's "group:<name>" and in oCIS's mapping of roles. */
export const group = text("the name of a group", (name) => name.trim() !== "");

function groups(example: string, description: string) {
    const allowed = "a list of at least one group name";
    return z
        .array(group, allowed)
        .min(1, allowed)
        .transform((names) => [...new Set(names)].sort())
        .optional()
        .meta({ description, example: [example] });
}

export const access = z
    .strictObject({
        policy: z
            .enum(["two_factor", "one_factor"], "two_factor or one_factor")
            .default("two_factor")
            .meta({ description: "Factors that a person has to show.", example: "two_factor" }),
        groups: groups("family", "Only members of one of these groups get in; everybody by default."),
        administrators: groups("parents", "Groups whose members administer ownCloud, and get in too; needs groups."),
    })
    .prefault({})
    .meta({ description: "Who of the users gets into ownCloud, how, and as what." });

export type Access = z.output<typeof access>;

export function checkAccess({ access: given, directory: { mode } }: { access: Access; directory: Directory }): Fault[] {
    const { groups: users, administrators } = given;
    if (administrators === undefined) {
        return [];
    }
    const path = ["access", "administrators"];
    const faults: Fault[] = [];
    if (users === undefined) {
        // oCIS takes the role from the groups alone, and refuses a person of whose groups none stands for a role.
        const allowed = "administrators together with groups, which says who else gets in";
        faults.push({ path, value: administrators, allowed, cures: [{ set: ["access", "groups", 0], to: "family" }] });
    }
    if (mode === "ocis") {
        // Its first administrator is in no group, and would be refused for want of a role.
        const allowed = 'nothing: with directory.mode "ocis" administrators are made in oCIS\'s web interface';
        faults.push({ path, value: administrators, allowed, cures: [{ remove: path }] });
    }
    return faults;
}
