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
}

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
}

/** What differs between the lines of oCIS. */
export interface OcisLine extends Line {
    /**
     * Sends a Content-Security-Policy that blocks the issuer unless a file lists it. Source: owncloud/ocis#9441 (6.0).
     */
    readonly contentSecurityPolicy: boolean;
    /** Its web interface has fonts within its styles, which its own policy allows. Source: owncloud/ocis#12070 (8.1). */
    readonly fontsInStyles: boolean;
    /**
     * Takes the groups of its role mapping for regular expressions. Source: oCIS 8.0.0, services/proxy/pkg/userroles/oidcroles.go;
     * from 7.3 on.
     */
    readonly roleClaimPatterns: boolean;
    /** Has the service that gives out app tokens. Source: oCIS 7.0.0, services/auth-app; run with it. */
    readonly appTokens: boolean;
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
    readonly lines: readonly L[];
}

/** Authelia. 4.39.20 is the newest release; it mends two flaws marked as security relevant in its log. */
export const AUTHELIA: Releases<AutheliaLine> = {
    title: "Authelia",
    image: "authelia/authelia:4.39.20",
    lines: [
        { line: "4.38", first: 0, last: 15, passwordChange: false, selectAccount: false, multipleAuthMethods: false },
        { line: "4.38", first: 16, passwordChange: false, selectAccount: true, multipleAuthMethods: true },
        { line: "4.39", first: 0, last: 20, passwordChange: true, selectAccount: true, multipleAuthMethods: true },
    ],
};

/** What the newest lines of oCIS have in common; what comes before is told by what it lacks. */
const OCIS_8_1 = {
    contentSecurityPolicy: true,
    fontsInStyles: true,
    roleClaimPatterns: true,
    appTokens: true,
    mailAuthentication: "auto",
} as const;
const OCIS_7_3 = { ...OCIS_8_1, fontsInStyles: false };
const OCIS_7_0 = { ...OCIS_7_3, roleClaimPatterns: false };
const OCIS_5_0 = { ...OCIS_7_0, contentSecurityPolicy: false, appTokens: false };

/** oCIS. 4.0.5 and 5.0.x are here for those who upgrade from them; 8.0 is the production line. */
export const OCIS: Releases<OcisLine> = {
    title: "oCIS",
    image: "owncloud/ocis:8.0.5",
    lines: [
        { line: "4.0", first: 5, ...OCIS_5_0, mailAuthentication: "plain" },
        { line: "5.0", first: 0, ...OCIS_5_0 },
        ...["7.0", "7.1", "7.2"].map((line) => ({ line, first: 0, ...OCIS_7_0 })),
        ...["7.3", "8.0"].map((line) => ({ line, first: 0, ...OCIS_7_3 })),
        ...["8.1", "8.2"].map((line) => ({ line, first: 0, ...OCIS_8_1 })),
    ],
};

/** Caddy, the edge. Any 2.x serves; only the image is chosen here. */
export const CADDY_IMAGE = "caddy:2.11";

/** A server's image together with the release that its tag names. */
export interface Release<L extends Line> {
    /** As Docker takes it, such as "owncloud/ocis:8.0.5". */
    readonly image: string;
    /** Such as "8.0.5". */
    readonly version: string;
    readonly line: L;
}

/** The tag of an image name as Docker reads it: after the last colon that follows the last slash, before any digest. */
function tagOf(image: string): string {
    const name = image.split("@")[0]!;
    const last = name.slice(name.lastIndexOf("/") + 1);
    return last.includes(":") ? last.slice(last.indexOf(":") + 1) : "";
}

/** The lines of a server as a person reads them: "4.38.x, 4.39.0 to 4.39.20". */
export function describeLines(server: Releases<Line>): string {
    return server.lines
        .map(({ line, first, last }) =>
            last !== undefined ? `${line}.${first} to ${line}.${last}` : first > 0 ? `${line}.${first} and later` : `${line}.x`,
        )
        .join(", ");
}

/** Major, minor and patch as one number that orders releases. */
function order(line: string, patch: number): number {
    const [major, minor] = line.split(".").map(Number);
    return (major! * 1000 + minor!) * 1000 + patch;
}

/**
 * The release that an image's tag names, with what is special about its line.
 *
 * @param untested Takes a release outside the table for one of the newest line before it.
 * @throws Error that says what is allowed when the tag names no such release.
 */
export function releaseOf<L extends Line>(server: Releases<L>, image: string, untested = false): Release<L> {
    const version = tagOf(image);
    const [, line, patch] = /^v?(\d+\.\d+)\.(\d+)$/.exec(version) ?? [];
    const known =
        server.lines.find(
            (candidate) =>
                candidate.line === line && Number(patch) >= candidate.first && Number(patch) <= (candidate.last ?? Infinity),
        ) ??
        (untested && line !== undefined
            ? server.lines.findLast(({ line: earlier, first }) => order(earlier, first) <= order(line, Number(patch)))
            : undefined);
    if (known === undefined) {
        throw new Error(
            `its tag ${version === "" ? "is missing" : `is "${version}"`} and must name a supported release of ` +
                `${server.title}: ${describeLines(server)}`,
        );
    }
    return { image, version: version.replace(/^v/, ""), line: known };
}
