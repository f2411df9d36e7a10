/** What oCIS is told of quotas. Pure: the same input gives the same bytes. */
import { Quotas } from "../../settings/quotas";

/**
 * oCIS's roles, which have the same ids everywhere. Source: oCIS 4.0.5 and 8.2.0, services/settings/pkg/store/defaults/defaults.go.
 */
const ROLES = {
    administrators: "71881883-1768-46bd-a24d-a356a2afdf7f",
    spaceAdministrators: "2aadd357-682c-406b-8874-293091995fdd",
    users: "d7beeea8-8ff4-406b-8fb6-ab2dd81e6b11",
    /** "User Light", in earlier releases "Guest". */
    guests: "38071a68-456a-4553-846a-fa67bf5596cc",
} as const;

/**
 * The quota of a personal space by the role of its owner, as its proxy takes it, in bytes; 0 is unlimited. oCIS has no default for all
 * roles, so each is named. Source: oCIS 4.0.5 and 8.2.0, services/proxy/pkg/middleware/create_home.go; it came with 3.0.
 */
export function roleQuotas({ personal, roles }: Quotas): { role_quotas?: Record<string, number> } {
    const each = Object.entries(ROLES).flatMap(([role, id]) => {
        const quota = { guests: undefined, ...roles }[role as keyof typeof ROLES] ?? personal;
        return quota === undefined ? [] : [[id, quota] as const];
    });
    return each.length === 0 ? {} : { role_quotas: Object.fromEntries(each) };
}

/** That of a space which is nobody's own. Source: oCIS 4.0.5 and 8.2.0, services/graph/pkg/service/v0/drives.go, CreateDrive. */
export function projectQuota({ projects }: Quotas): Record<string, string> {
    return projects === undefined ? {} : { GRAPH_SPACES_DEFAULT_QUOTA: String(projects) };
}
