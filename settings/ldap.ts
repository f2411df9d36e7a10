/**
 * LDAP directories as both servers have to be told about them, and what the usual directory servers call things. Pure data:
 * where a cloud's users live is declared in directory.ts.
 */

/** Names of object classes and attributes; whatever a directory server calls otherwise can be set one by one. */
export interface LdapSchema {
    /** Where people are, relative to the base DN; "" for the base itself. Searched with everything below. */
    readonly userBase: string;
    readonly userObjectClass: string;
    /** What people have to match besides, an LDAP filter in parentheses; "" for nothing. */
    readonly userFilter: string;
    /** Never changes and is never given again; oCIS stores files and shares under it. */
    readonly userId: string;
    /** The login name. */
    readonly userName: string;
    readonly userMail: string;
    readonly userDisplayName: string;
    /** Where groups are, relative to the base DN; "" for the base itself. */
    readonly groupBase: string;
    readonly groupObjectClass: string;
    readonly groupId: string;
    readonly groupName: string;
    /** Holds the DN of each member. */
    readonly groupMember: string;
}

/** An LDAP directory that people sign in from. */
export interface LdapDirectory extends LdapSchema {
    /** Such as "ldaps://ldap.example.com"; the server's certificate has to name this host. */
    readonly url: string;
    /** Such as "dc=example,dc=com". */
    readonly baseDn: string;
    /** The account that searches. */
    readonly bindDn: string;
}

/** What a directory server calls things, by its name. */
export const PRESETS = {
    /** OpenLDAP with its own schema inetOrgPerson and groupOfNames. Run with 2.5.13. */
    openldap: {
        userBase: "",
        userObjectClass: "inetOrgPerson",
        userFilter: "",
        userId: "entryUUID",
        userName: "uid",
        userMail: "mail",
        userDisplayName: "displayName",
        groupBase: "",
        groupObjectClass: "groupOfNames",
        groupId: "entryUUID",
        groupName: "cn",
        groupMember: "member",
    },
    /** LLDAP. Source: its example configurations for Authelia and OpenCloud. Run with 0.6.3. */
    lldap: {
        userBase: "ou=people",
        userObjectClass: "inetOrgPerson",
        userFilter: "",
        userId: "entryuuid",
        userName: "uid",
        userMail: "mail",
        userDisplayName: "cn",
        groupBase: "ou=groups",
        groupObjectClass: "groupOfUniqueNames",
        groupId: "entryuuid",
        groupName: "cn",
        groupMember: "member",
    },
} as const satisfies Record<string, LdapSchema>;

/** Keys of a schema. */
export const SCHEMA_KEYS = Object.keys(PRESETS.openldap) as (keyof LdapSchema)[];

/** The DN of `relative` below `baseDn`. */
export function below(baseDn: string, relative: string): string {
    return relative === "" ? baseDn : `${relative},${baseDn}`;
}
