/** Who gets into ownCloud, and as what: what Authelia and oCIS are each told of the key `access`. Pure. */
import { Access } from "../settings/access";
import { AccessPolicy } from "./relying-party";

/** Groups whose members have a role in oCIS. Who is in none is refused. */
export interface RoleGroups {
    readonly administrators: readonly string[];
    readonly users: readonly string[];
}

/** Whom Authelia lets in: administrators too, whatever else they are members of. */
export function accessPolicy({ policy, groups, administrators = [] }: Access): AccessPolicy {
    return { policy, groups: groups && [...new Set([...groups, ...administrators])] };
}

/** Whose groups say the role in oCIS; undefined: everybody is a user, and oCIS keeps the role that an administrator gives. */
export function roleGroups({ groups = [], administrators = [] }: Access): RoleGroups | undefined {
    return administrators.length > 0 ? { administrators, users: groups } : undefined;
}
