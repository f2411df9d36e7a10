/**
 * The releases that this program knows how to configure, and what differs between them. Renderers ask this table; nothing
 * else looks at a version.
 */

/** A range of releases of one server: every patch of `line` from `first` to `last` (inclusive; no `last` means all). */
export interface Line {
    /** Major and minor, such as "4.39". */
    readonly line: string;
    readonly first: number;
    readonly last?: number;
    /** Known by its sources alone, before its first release: taken only by who asks for untested releases. */
    readonly unreleased?: boolean;
    /** Lines besides itself whose data it takes over as they are; every earlier one where none is named. */
    readonly from?: readonly string[];
}

/** Limits by address that Authelia knows, of those that matter here, by their names in its configuration. */
const PORTAL_LIMITS = ["second_factor_totp", "session_elevation_start", "session_elevation_finish"] as const;
const TOKEN_LIMITS = [...PORTAL_LIMITS, "openid_connect_token"] as const;
const ALL_LIMITS = [...TOKEN_LIMITS, "openid_connect_userinfo", "openid_connect_revocation"] as const;

/** An endpoint that Authelia may be asked at so often from one address. */
export type LimitedEndpoint = (typeof ALL_LIMITS)[number];

/** What differs between the lines of Authelia. */
export interface AutheliaLine extends Line {
    /**
     * Knows `authentication_backend.password_change`, which must then be switched off because the users file is ours.
     * Source: Authelia 4.39 release notes; 4.38 refuses to start on a key that it does not know.
     */
    readonly passwordChange: boolean;
    /**
     * Accepts `prompt=select_account`, which ownCloud's native apps send. Source: Authelia 4.38.16, commit fd012b764; run with
     * 4.38.0, which refuses it.
     */
    readonly selectAccount: boolean;
    /**
     * Can accept a client that sends its secret in both ways at once. Source: Authelia 4.38.3; the releases up to 4.38.15 are one line
     * here and not told apart for it.
     */
    readonly multipleAuthMethods: boolean;
    /**
     * Signs people out for a relying party, and sends them back to where that has registered. Source: Authelia, branch
     * feat-oidc-end-session of 2026-08-02, which its roadmap names for 4.40; no release has it.
     */
    readonly endSession: boolean;
    /**
     * Asks of whoever deletes an authenticator app what it asks of whoever enrols one. Source: Authelia 4.39.21, authelia/authelia#12339;
     * run with 4.38.0 and 4.39.20, which take the password alone.
     */
    readonly guardedDeletion: boolean;
    /**
     * Lets people begin with a passkey, and can take it for two factors. Source: Authelia 4.39 release notes, "Passkeys and Passwordless
     * Authentication"; 4.38 refuses to start on keys that it does not know.
     */
    readonly passkeys: boolean;
    /**
     * Signs what it gives for a refresh token by its newest key. 4.38 goes on with the key of the sign-in, and answers 500 where that is
     * no more. Source: Authelia 4.38.0 and 4.38.19, internal/oidc/session.go, and authelia.com/provider/oauth2 of 4.39,
     * handler/oauth2/strategy_jwt_profile.go; run with 4.38.0 and 4.39.21.
     */
    readonly refreshesByNewestKey: boolean;
    /** Its command for another storage key reads that from a terminal which a program opens. Run with 4.39.21; 4.38.0 waits for ever. */
    readonly takesKeyFromTerminal: boolean;
    /**
     * What it limits by address, and refuses to start where it is told of others. Source: Authelia 4.39.0, 4.39.17 and 4.39.20,
     * internal/configuration/schema/server.go; 4.38 has no such limits.
     */
    readonly limits: readonly LimitedEndpoint[];
}

/** What differs between the lines of oCIS. */
export interface OcisLine extends Line {
    /**
     * Sends a Content-Security-Policy that blocks the issuer unless a file lists it. Source: owncloud/ocis#9441 (6.0).
     */
    readonly contentSecurityPolicy: boolean;
    /**
     * Its web interface has fonts within its styles. Its own policy allows them from 8.1 on. Source: owncloud/ocis#12070; run in a browser
     * with 8.0.0 and 8.2.0.
     */
    readonly fontsInStyles: boolean;
    /**
     * Takes the groups of its role mapping for regular expressions. Source: oCIS 8.0.0, services/proxy/pkg/userroles/oidcroles.go;
     * from 7.3 on.
     */
    readonly roleClaimPatterns: boolean;
    /**
     * Lets people change the own account, its name included. Source: oCIS 5.0.9 (4.0 has no such request) to 8.1.0,
     * services/graph/pkg/service/v0/users.go, PatchMe; run with 5.0.9 to 8.1.0. Mended by owncloud/ocis#12493 (8.2).
     */
    readonly changesOfOwnAccount: boolean;
    /** Has the service that gives out app tokens. Source: oCIS 7.0.0, services/auth-app; run with it. */
    readonly appTokens: boolean;
    /**
     * Takes whoever shows an app token for somebody who signs in, with no other claims than user name and e-mail address. Source: oCIS
     * 8.2.0, services/proxy/pkg/middleware/app_auth.go and account_resolver.go; run with it.
     */
    readonly appTokensAreSignIns: boolean;
    /**
     * Lays a theme of one's own over its own. Source: oCIS 7.0.0, services/web/pkg/theme (it came with 6.0); run with 7.0.0 and 8.2.0. Earlier
     * ones take a whole one alone.
     */
    readonly branding: boolean;
    /**
     * Has the service that speaks with office servers, and knows them by their products. Source: oCIS 7.0.0 and 8.2.0,
     * services/collaboration/pkg/config/app.go; run with both.
     */
    readonly collaboration: boolean;
    /**
     * Has an upload scanned before it takes it, and tries again while the scanner is away. Run with 7.0.0 and 8.2.0; 5.0.9 has the same in its
     * sources, and 4.0.5 gives the upload up.
     */
    readonly antivirus: boolean;
    /** Its message bus may be outside. Run with 8.2.0; 8.0.0 and 8.1.0 have the same in their sources. Earlier ones were not looked at. */
    readonly busOutside: boolean;
    /**
     * Reads the texts of all spaces by one command. Run with 7.0.0 and 8.2.0; 4.0.5 wants each space and a person of it (its source,
     * services/search/pkg/command/index.go). 5.0 was not run with it.
     */
    readonly indexesAllSpaces: boolean;
    /**
     * How a password is offered to a mail server: by whatever way both know, or in plain text within TLS. Source: oCIS 4.0.5 and
     * 5.0.9, services/notifications/pkg/channels.
     */
    readonly mailAuthentication: "auto" | "plain";
}

/** Releases of one server, and the image that is used when the configuration names none. */
export interface Releases<L extends Line> {
    readonly title: string;
    readonly image: string;
    /** Releases that this repository's deployment tests were run on, the oldest first; see docs/versions.md. */
    readonly run: readonly string[];
    readonly lines: readonly L[];
}

/** What the newest line of Authelia does; what comes before is told by what it lacks. */
const AUTHELIA_4_40 = {
    passwordChange: true,
    selectAccount: true,
    multipleAuthMethods: true,
    guardedDeletion: true,
    passkeys: true,
    refreshesByNewestKey: true,
    takesKeyFromTerminal: true,
    endSession: true,
    limits: ALL_LIMITS,
} as const;
const AUTHELIA_4_39 = { ...AUTHELIA_4_40, endSession: false };
const AUTHELIA_4_39_20 = { ...AUTHELIA_4_39, guardedDeletion: false };
const AUTHELIA_4_38 = {
    ...AUTHELIA_4_39_20,
    passwordChange: false,
    passkeys: false,
    refreshesByNewestKey: false,
    takesKeyFromTerminal: false,
    limits: [],
};

/** Authelia. 4.39.28 is the newest release known of, of 2026-09-17; from 4.39.28 on its image is whole on ARM (authelia#13183). */
export const AUTHELIA: Releases<AutheliaLine> = {
    title: "Authelia",
    image: "authelia/authelia:4.39.28",
    run: ["4.38.0", "4.39.20", "4.39.21"],
    lines: [
        { line: "4.38", first: 0, last: 15, ...AUTHELIA_4_38, selectAccount: false, multipleAuthMethods: false },
        { line: "4.38", first: 16, ...AUTHELIA_4_38 },
        { line: "4.39", first: 0, last: 16, ...AUTHELIA_4_39_20, limits: PORTAL_LIMITS },
        { line: "4.39", first: 17, last: 19, ...AUTHELIA_4_39_20, limits: TOKEN_LIMITS },
        { line: "4.39", first: 20, last: 20, ...AUTHELIA_4_39_20 },
        { line: "4.39", first: 21, ...AUTHELIA_4_39 },
        { line: "4.40", first: 0, unreleased: true, ...AUTHELIA_4_40 },
    ],
};

/** What the newest lines of oCIS have in common; what comes before is told by what it lacks. */
const OCIS_8_2 = {
    contentSecurityPolicy: true,
    fontsInStyles: true,
    roleClaimPatterns: true,
    changesOfOwnAccount: false,
    appTokens: true,
    appTokensAreSignIns: true,
    branding: true,
    collaboration: true,
    antivirus: true,
    busOutside: true,
    indexesAllSpaces: true,
    mailAuthentication: "auto",
} as const;
const OCIS_8_1 = { ...OCIS_8_2, changesOfOwnAccount: true, appTokensAreSignIns: false };
const OCIS_7_3 = { ...OCIS_8_1, fontsInStyles: false, busOutside: false };
const OCIS_7_0 = { ...OCIS_7_3, roleClaimPatterns: false };
const OCIS_5_0 = {
    ...OCIS_7_0,
    contentSecurityPolicy: false,
    appTokens: false,
    branding: false,
    collaboration: false,
    antivirus: false,
    indexesAllSpaces: false,
};

/**
 * oCIS. 8.2.0 is the first release in which nobody can rename the own account to another person's name (owncloud/ocis#12493); 4.0.5
 * and 5.0 are here for those who upgrade from them.
 *
 * Its data go up step by step and never down. Source: "Upgrading Infinite Scale" and its guides 4.0 to 5.0, 5.0 to 7.0, 7.0 to 7.1 to 7.2
 * to 7.3, 7.3 to 8.0 (owncloud/docs-ocis, branch 8.2, modules/admin/pages/migration): none may be left out; and the release life cycle
 * (owncloud/ocis 8.2.0, docs/ocis/release_roadmap.md): from one production release to the next. The guides within 7 have nothing to do,
 * and there are none within 8, so their lines may be passed over. 6 was never a production release.
 */
export const OCIS: Releases<OcisLine> = {
    title: "oCIS",
    image: "owncloud/ocis:8.2.0",
    run: ["4.0.5", "5.0.9", "7.0.0", "7.3.1", "8.0.0", "8.1.0", "8.2.0"],
    lines: [
        { line: "4.0", first: 5, ...OCIS_5_0, changesOfOwnAccount: false, mailAuthentication: "plain" },
        { line: "5.0", first: 0, from: ["4.0"], ...OCIS_5_0 },
        { line: "7.0", first: 0, from: ["5.0"], ...OCIS_7_0 },
        { line: "7.1", first: 0, from: ["7.0"], ...OCIS_7_0 },
        { line: "7.2", first: 0, from: ["7.0", "7.1"], ...OCIS_7_0 },
        { line: "7.3", first: 0, from: ["7.0", "7.1", "7.2"], ...OCIS_7_3 },
        { line: "8.0", first: 0, from: ["7.3"], ...OCIS_8_1 },
        { line: "8.1", first: 0, from: ["8.0"], ...OCIS_8_1 },
        { line: "8.2", first: 0, from: ["8.0", "8.1"], ...OCIS_8_2 },
    ],
};

/** A flaw of some releases against which a person should act, because the program cannot; docs/versions.md lists all that are known. */
export interface Flaw {
    readonly server: "authelia" | "ocis";
    /** First and last release that have it, inclusive. */
    readonly first: string;
    readonly last: string;
    /** What it does, as a sentence goes on after "has a known flaw: ". */
    readonly flaw: string;
}

/** Source of each: docs/versions.md, "Known flaws". */
export const FLAWS: readonly Flaw[] = [
    {
        server: "authelia",
        first: "4.38.0",
        last: "4.38.99",
        flaw: "it loses sessions when many people begin to sign in at the same moment",
    },
    {
        server: "authelia",
        first: "4.38.0",
        last: "4.39.20",
        flaw: "it deletes an authenticator app for the password alone; the edge refuses that, and the operator takes apps away",
    },
    {
        server: "authelia",
        first: "4.39.24",
        last: "4.39.24",
        flaw: "the rewriting of its database fails for some (authelia/authelia#13205)",
    },
    {
        server: "ocis",
        first: "5.0.0",
        last: "8.1.99",
        flaw: "people can change the name of their own account (owncloud/ocis#12493); the edge refuses that",
    },
    {
        server: "ocis",
        first: "7.3.0",
        last: "8.0.99",
        flaw: "a change of role can put a personal space into the bin (owncloud/ocis#12499)",
    },
    {
        server: "ocis",
        first: "4.0.5",
        last: "8.0.99",
        flaw: "somebody with a public link reaches the key that signs the sharer's URLs (owncloud/ocis#12332)",
    },
];

/** The flaws of a release against which a person should act. */
export function flawsOf(server: Flaw["server"], version: string): string[] {
    const [at, has] = [order(version), (flaw: Flaw) => flaw.server === server];
    return FLAWS.filter((flaw) => has(flaw) && order(flaw.first) <= at && at <= order(flaw.last)).map(({ flaw }) => flaw);
}

/** The release of the default image, where a release comes before it; undefined where it does not. */
export function newerThan(server: Releases<Line>, version: string): string | undefined {
    const newest = releaseOf(server, server.image).version;
    return order(version) < order(newest) ? newest : undefined;
}

/** Caddy, the edge. Any 2.x serves; only the image is chosen here, the one that is run. */
export const CADDY_IMAGE = "caddy:2.11.9";

/** PostgreSQL, where Authelia's database is one of the stack. Another major version does not read what this one has written. */
export const POSTGRES_IMAGE = "postgres:15.18-bookworm";

/** Redis, where that keeps who is signed in. */
export const REDIS_IMAGE = "redis:7.2.11-alpine";

/** LLDAP, where people live in one of the stack. Run with 0.6.3. */
export const LLDAP_IMAGE = "lldap/lldap:v0.6.3-alpine-rootless";

/** Apache Tika, where files are found by the words in them. */
export const TIKA_IMAGE = "apache/tika:3.3.1.0";

/** ClamAV, where uploads are scanned. Its image brings signatures along, the newer of which it fetches. */
export const CLAMAV_IMAGE = "clamav/clamav:1.4.6";

/** restic, which backups are made by; see docs/backup.md. */
export const RESTIC_IMAGE = "restic/restic:0.19.1";

/** A server's image together with the release that its tag names. */
export interface Release<L extends Line> {
    /** As Docker takes it, such as "owncloud/ocis:8.2.0", with a digest or without. */
    readonly image: string;
    /** Such as "8.2.0". */
    readonly version: string;
    readonly line: L;
    /** The release that was run and comes closest: itself, one of its own line, or else the newest before it. */
    readonly run: string;
}

/** The tag of an image name as Docker reads it: after the last colon that follows the last slash, before any digest. */
function tagOf(image: string): string {
    const name = image.split("@")[0]!;
    const last = name.slice(name.lastIndexOf("/") + 1);
    return last.includes(":") ? last.slice(last.indexOf(":") + 1) : "";
}

/** Whether an image's name says which release it is, by a tag or a digest. Without one it is another image each time it is built. */
export function hasVersion(image: string): boolean {
    return image.includes("@sha256:") || !["", "latest"].includes(tagOf(image));
}

/** The lines of a server as a person reads them: "4.38.0 to 4.38.15, 4.38.16 and later". */
export function describeLines(server: Releases<Line>): string {
    return server.lines
        .filter(({ unreleased }) => !unreleased)
        .map(({ line, first, last }) =>
            last !== undefined
                ? `${line}.${first}${last === first ? "" : ` to ${line}.${last}`}`
                : first > 0
                  ? `${line}.${first} and later`
                  : `${line}.x`,
        )
        .join(", ");
}

/** A release as one number that orders releases. */
function order(version: string): number {
    const [major, minor, patch] = version.split(".").map(Number);
    return (major! * 1000 + minor!) * 1000 + patch!;
}

/** The release that was run and says most about `version`. */
function closestRun({ run }: Releases<Line>, version: string): string {
    const line = version.slice(0, version.lastIndexOf(".") + 1);
    const sameLine = run.filter((other) => other.startsWith(line));
    const notLater = (other: string) => order(other) <= order(version);
    return sameLine.findLast(notLater) ?? sameLine[0] ?? run.findLast(notLater)!;
}

/** What a person should know of a release that was not run; undefined for one that was. */
export function describeUnrun(server: Releases<Line>, { version, run }: Release<Line>): string | undefined {
    return version === run
        ? undefined
        : `${server.title} ${version} was not run by this program's tests. ${run} was, and is configured like it: see docs/versions.md.`;
}

/** The newest line that is not newer than a release; undefined for one from before them all. */
function lineBefore<L extends Line>({ lines }: Releases<L>, version: string): L | undefined {
    return lines.findLast(({ line, first }) => order(`${line}.${first}`) <= order(version));
}

/** The fewest lines to pass between two, in their order; undefined where no way leads from one to the other. */
function linesBetween<L extends Line>(server: Releases<L>, before: L, after: L): L[] | undefined {
    if (after.line === before.line || after.from === undefined || after.from.includes(before.line)) {
        return [];
    }
    const last = server.lines.filter(({ line }) => after.from!.includes(line));
    const ways = last.flatMap((via) => {
        const way = linesBetween(server, before, via);
        return way === undefined ? [] : [[...way, via]];
    });
    return ways.sort((one, other) => one.length - other.length)[0];
}

/**
 * The releases through which data come from one release to another: of each line on the way the newest that was run, and at last
 * `after`. Undefined where they cannot: no server takes data that a later release of it had.
 *
 * Source for oCIS: see above. For Authelia: its documentation, "Migrations"; a release ends at the start on a schema that is newer than
 * its own, and patches bring new ones (4.39.1, 4.39.2, 4.39.12, 4.39.20, 4.39.21).
 *
 * @param before The release that the data are of, such as "8.0.5".
 * @param after The release that they are to have.
 */
export function upgradePath<L extends Line>(server: Releases<L>, before: string, after: string): string[] | undefined {
    if (order(after) < order(before)) {
        return undefined;
    }
    const lineOf = (version: string) => lineBefore(server, version) ?? server.lines[0]!;
    const lines = linesBetween(server, lineOf(before), lineOf(after));
    return (
        lines && [
            ...lines.map(({ line, first }) => server.run.findLast((run) => run.startsWith(`${line}.`)) ?? `${line}.${first}`),
            after,
        ]
    );
}

/** The image of another release from where an image comes from. */
export function imageOf(image: string, version: string): string {
    return `${image.split("@")[0]!.slice(0, -tagOf(image).length)}${version}`;
}

/**
 * The release that an image's tag names, with what is special about its line. Every patch of a supported line is taken.
 *
 * @param untested Takes a release outside the table for one of the newest line before it.
 * @throws Error that says what is allowed when the tag names no such release.
 */
export function releaseOf<L extends Line>(server: Releases<L>, image: string, untested = false): Release<L> {
    const tag = tagOf(image);
    const [, version, name, patch] = /^v?((\d+\.\d+)\.(\d+))$/.exec(tag) ?? [];
    const known =
        server.lines.find(
            ({ line, first, last = Infinity, unreleased = false }) =>
                line === name && Number(patch) >= first && Number(patch) <= last && (untested || !unreleased),
        ) ?? (untested && version !== undefined ? lineBefore(server, version) : undefined);
    if (version === undefined || known === undefined) {
        throw new Error(
            `its tag ${tag === "" ? "is missing" : `is "${tag}"`} and must name a supported release of ` +
                `${server.title}: ${describeLines(server)}`,
        );
    }
    return { image, version, line: known, run: closestRun(server, version) };
}
