/** Authelia's pages with a name, a logo and words of one's own. Pure: the same input gives the same bytes. */
import { Looks } from "../../settings/looks";
import { JsonMembers } from "../site";
import { FILES_PATH, File } from "../workload";

/** Where its logo and icon are asked for. Source: Authelia 4.38.0 and 4.39.21, internal/server/handlers.go. */
export const PORTAL_PICTURES = ["/static/media/logo.png", "/favicon.ico"];

/** The words over the sign-in, by what Authelia calls them itself and the languages that one can be given in. */
const SIGN_IN = "Sign in";
const WITH_NAME = {
    en: (name: string) => `Sign in to ${name}`,
    de: (name: string) => `Bei ${name} anmelden`,
    fr: (name: string) => `Se connecter à ${name}`,
};

/**
 * The logo under the names that it looks for. It takes pictures for what these say, and sends an SVG as PNG: the edge says what it is.
 * Source: Authelia 4.38.0 and 4.39.21, internal/middlewares/asset_override.go.
 */
export function portalFiles({ logo }: Looks): File[] {
    return logo === undefined ? [] : ["logo.png", "favicon.ico"].map((name) => ({ name, content: logo }));
}

/** What its configuration says of looks. No other file of the folder is served: it asks for these by name. */
export function portalConfiguration({ logo, theme }: Looks) {
    return {
        ...(theme === "light" ? {} : { theme }),
        server: logo === undefined ? {} : { asset_path: FILES_PATH },
    };
}

/**
 * Words in the place of its own, as the edge puts them into the translations that Authelia sends. In files of its asset path one would
 * have to give every word of a language, for each release anew: what is missing in "de" is shown in English.
 */
export function portalWords({ name, signIn }: Looks): JsonMembers[] {
    return Object.entries(WITH_NAME).flatMap(([language, withName]) => {
        const words = signIn[language as keyof typeof WITH_NAME] ?? (name === undefined ? undefined : withName(name));
        const path = `^/locales/${language}(-[A-Za-z]+)?/portal\\.json$`;
        return words === undefined ? [] : [{ path, members: { [SIGN_IN]: words } }];
    });
}
