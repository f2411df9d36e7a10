/** The key `images`: what the containers run, and the releases that it names. */
import { z } from "zod";

import {
    AUTHELIA,
    AutheliaLine,
    CADDY_IMAGE,
    CLAMAV_IMAGE,
    hasVersion,
    Line,
    LLDAP_IMAGE,
    OCIS,
    OcisLine,
    POSTGRES_IMAGE,
    REDIS_IMAGE,
    Release,
    releaseOf,
    Releases,
    TIKA_IMAGE,
} from "../versions";
import { text } from "./declaration";
import { Fault } from "./fault";

function image(standard: string, title: string, tag: string) {
    return text("the name of an image", (name) => /^\S+$/.test(name))
        .default(standard)
        .meta({ description: `${title}.${tag}`, example: standard });
}

const SUPPORTED = " Its tag names a supported release, see docs/versions.md.";

export const images = z
    .strictObject({
        authelia: image(AUTHELIA.image, AUTHELIA.title, SUPPORTED),
        ocis: image(OCIS.image, "ownCloud Infinite Scale", SUPPORTED),
        caddy: image(CADDY_IMAGE, "Caddy, the edge", ""),
        postgres: image(POSTGRES_IMAGE, "PostgreSQL, with database.mode postgres", " One with glibc; see docs/state.md."),
        redis: image(REDIS_IMAGE, "Redis, with sessions.mode redis", ""),
        lldap: image(LLDAP_IMAGE, "LLDAP, with directory.mode lldap", " See docs/directories.md."),
        tika: image(
            TIKA_IMAGE,
            "Apache Tika, with fullTextSearch",
            " With -full at its end it reads scanned pages too; see docs/search.md.",
        ),
        clamav: image(CLAMAV_IMAGE, "ClamAV, with antivirus.mode clamav", ""),
    })
    .prefault({})
    .meta({ description: "Container images that replace the defaults." });

/** What runs: images with their releases. */
export interface Images {
    readonly authelia: Release<AutheliaLine>;
    readonly ocis: Release<OcisLine>;
    readonly caddy: string;
    readonly postgres: string;
    readonly redis: string;
    readonly lldap: string;
    readonly tika: string;
    readonly clamav: string;
}

/** Those of which any release serves, with what takes the place of one without a version. */
const OTHERS = {
    caddy: CADDY_IMAGE,
    postgres: POSTGRES_IMAGE,
    redis: REDIS_IMAGE,
    lldap: LLDAP_IMAGE,
    tika: TIKA_IMAGE,
    clamav: CLAMAV_IMAGE,
};

/** What a function returns or throws. */
function resultOf<T>(work: () => T): T | Error {
    try {
        return work();
    } catch (error) {
        return error as Error;
    }
}

/** The releases that the images' tags name, or what is wrong with them. */
export function releasesOf({ authelia, ocis, ...others }: z.output<typeof images>, untested: boolean): Images | Fault[] {
    const faults: Fault[] = [];
    const refuse = (name: string, value: string, allowed: string, cure: string, when?: string) => {
        const path = ["images", name];
        const otherwise =
            when === undefined ? {} : { otherwise: { when, cures: [{ set: ["untestedReleases"], to: true } as const] } };
        faults.push({ path, value, allowed, cures: [{ set: path, to: cure }], ...otherwise });
    };
    const release = <L extends Line>(name: string, releases: Releases<L>, value: string) => {
        const found = resultOf(() => releaseOf(releases, value, untested));
        if (!(found instanceof Error)) {
            return found;
        }
        const newer = !(resultOf(() => releaseOf(releases, value, true)) instanceof Error);
        refuse(name, value, found.message, releases.image, newer ? "if you know that a newer one works" : undefined);
        return undefined;
    };
    for (const [name, standard] of Object.entries(OTHERS)) {
        const value = others[name as keyof typeof OTHERS];
        if (!untested && !hasVersion(value)) {
            const allowed = "a name with a release as its tag, or with a digest";
            refuse(name, value, allowed, standard, "if you know what it is each time");
        }
    }
    const found = { authelia: release("authelia", AUTHELIA, authelia), ocis: release("ocis", OCIS, ocis) };
    return found.authelia === undefined || found.ocis === undefined || faults.length > 0
        ? faults
        : { authelia: found.authelia, ocis: found.ocis, ...others };
}
