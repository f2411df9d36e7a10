/** Who gets into ownCloud, and as what: what Authelia and oCIS are each told of the keys `access` and `users`. Pure. */
import { Access } from "../settings/access";
import { Directory } from "../settings/directory";
import { User } from "../settings/users";
import { AccessPolicy } from "./relying-party";
import { UserNames } from "./user-names";

/** Groups whose members have a role in oCIS. Who is in none is refused. */
export interface RoleGroups {
    readonly administrators: readonly string[];
    readonly users: readonly string[];
}

/** Whom Authelia lets in: administrators too, whatever else they are members of. */
export function accessPolicy({ policy, groups, administrators = [] }: Access): AccessPolicy {
    return { policy, groups: groups && [...new Set([...groups, ...administrators])] };
}

/**
 * Whose groups say the role in oCIS; undefined: everybody is a user, and oCIS keeps the role that an administrator gives. So it is in
 * oCIS's own directory: its first administrator is in no group.
 */
export function roleGroups({ groups, administrators = [] }: Access, mode: Directory["mode"]): RoleGroups | undefined {
    return groups === undefined || mode === "ocis" ? undefined : { administrators, users: groups };
}

/**
 * Names of the people whom oCIS has to refuse whatever they show, because they have been let in before: tokens outlive the
 * sign-in. They are disabled, in no group that gets in, or no users any more.
 *
 * @param known Every name that the stack has had, today's among them.
 */
export function shutOut(users: readonly User[], access: Access, known: UserNames): string[] {
    const { groups } = accessPolicy(access);
    const allowed = (user: User) =>
        !user.disabled && (groups === undefined || user.groups.some((each) => groups.includes(each)));
    const refused = users.filter((user) => !allowed(user)).map(({ name }) => name);
    const removed = Object.keys(known).filter((name) => known[name] === "removed");
    return [...refused, ...removed].sort();
}
