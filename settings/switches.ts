/** The keys that are either true or false. */
import type { Access } from "./access";
import { flag } from "./declaration";
import type { Directory } from "./directory";
import { Fault } from "./fault";
import { Images } from "./images";

export const SWITCHES = {
    http3: flag(
        true,
        "Whether the edge serves HTTP/3 as well, on the same port by UDP. false where that port is taken, by a VPN for example.",
    ),
    appTokens: flag(
        false,
        "Let people make tokens for programs that know WebDAV but no OpenID Connect, such as rclone and mounts. They stand in the place " +
            "of a password and show no second factor. oCIS 7.0 and later; with 8.2, people whose home is this configuration are called by " +
            "their user names everywhere in ownCloud, and those of an LDAP server can have none together with access.groups.",
    ),
    fullTextSearch: flag(
        false,
        "Find files by the words in them: Apache Tika reads them, as one more container of the stack. oCIS 7.0 and later; see docs/search.md.",
    ),
    olderDesktopClients: flag(
        false,
        "Whether desktop apps before 5.3 may sign in, which send their client secret in two ways at once. Authelia 4.38.16 and later.",
    ),
    requestLogs: flag(
        false,
        "Whether each request is logged, as JSON and without its query, under an id by which the edge and oCIS know it; and Authelia " +
            "writes JSON too. See docs/watching.md.",
    ),
    untestedReleases: flag(
        false,
        "Accept an image of a release newer than the supported ones, and configure it like the newest that is supported. For whoever " +
            "knows that it works.",
    ),
    keepData: flag(
        true,
        "Protect the data volumes, and the secrets without which they cannot be read, from pulumi destroy. Set it to false and run " +
            "pulumi up before a destroy that is meant to delete the data.",
    ),
};

/** A switch that a release does not know. */
function unknownTo(key: string, value: boolean, known: boolean, allowed: string): Fault[] {
    return value && !known ? [{ path: [key], value, allowed, cures: [{ set: [key], to: false }] }] : [];
}

/** What switches have to be seen together with. */
interface Switched {
    readonly appTokens: boolean;
    readonly olderDesktopClients: boolean;
    readonly fullTextSearch: boolean;
    readonly access: Access;
    readonly directory: Directory;
}

export function checkSwitches(
    { appTokens, olderDesktopClients, fullTextSearch, access, directory }: Switched,
    { authelia, ocis }: Images,
): Fault[] {
    const groupsUnknown =
        ["ldap", "lldap"].includes(directory.mode) && access.groups !== undefined && ocis.line.appTokensAreSignIns;
    return [
        ...unknownTo(
            "appTokens",
            appTokens,
            !groupsUnknown,
            `false with oCIS ${ocis.version} where access.groups names groups of an LDAP server: oCIS asks for the groups of whoever ` +
                "comes, and an app token does not tell them",
        ).map((fault) => ({
            ...fault,
            otherwise: { when: "if everybody in the directory may get in", cures: [{ remove: ["access"] }] },
        })),
        ...unknownTo(
            "appTokens",
            appTokens,
            ocis.line.appTokens,
            `false with oCIS ${ocis.version}, because app tokens came with 7.0`,
        ),
        ...unknownTo(
            "fullTextSearch",
            fullTextSearch,
            ocis.line.indexesAllSpaces,
            `false with oCIS ${ocis.version}; from 7.0 on it can be true`,
        ),
        ...unknownTo(
            "olderDesktopClients",
            olderDesktopClients,
            authelia.line.multipleAuthMethods,
            `false with Authelia ${authelia.version}; from 4.38.16 on it can be true`,
        ),
    ];
}
