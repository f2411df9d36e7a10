/** ownCloud's web interface with a name, a logo and colours of one's own. Pure: the same input gives the same bytes. */
import { Looks } from "../../settings/looks";
import { FILES_PATH, File } from "../workload";

/** Files of themes in the container: nothing else is in it, since oCIS serves whatever is. */
const THEMES = "themes";

/** What lies over every theme. Source: oCIS 7.0.0 and 8.2.0, services/web/pkg/theme/service.go. */
const BRANDING = "_branding";
const LOGO = `themes/${BRANDING}/logo.svg`;
const STYLES = `themes/${BRANDING}/colours.css`;

/** Where the logo is asked for. */
export const WEB_PICTURES = [`/${LOGO}`];

/** Black or white, whichever is easier to read on a colour. Source: WCAG 2.1, relative luminance and contrast ratio. */
export function readableOn(colour: string): "#000000" | "#ffffff" {
    const [red, green, blue] = [1, 3, 5].map((at) => {
        const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    const luminance = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
    return (luminance + 0.05) ** 2 > 1.05 * 0.05 ? "#000000" : "#ffffff";
}

/** The variables of a colour; "!important", because a theme sets them on the element itself, light and dark ones alike. */
function variables(kind: "brand" | "primary", colour: string | undefined): string[] {
    if (colour === undefined) {
        return [];
    }
    const darker = `color-mix(in srgb, ${colour} 85%, black)`;
    const values = {
        default: colour,
        hover: darker,
        contrast: readableOn(colour),
        ...(kind === "primary" ? { muted: colour, "muted-hover": darker, gradient: colour, "gradient-hover": darker } : {}),
    };
    return Object.entries(values).map(([name, value]) => `    --oc-color-swatch-${kind}-${name}: ${value} !important;\n`);
}

const hasColours = ({ colours: { brand, primary } }: Looks) => brand !== undefined || primary !== undefined;

/** The files that it reads. A theme's members that are not said stay oCIS's own. */
export function webFiles(looks: Looks): File[] {
    const { name, logo, colours } = looks;
    const theme = {
        common: { ...(name === undefined ? {} : { name, slogan: name }), ...(logo === undefined ? {} : { logo: LOGO }) },
        ...(logo === undefined
            ? {}
            : { clients: { web: { defaults: { logo: { topbar: LOGO, favicon: LOGO, login: LOGO } } } } }),
    };
    const file = (path: string, content: string) => ({ name: path, content });
    return [
        ...(name === undefined && logo === undefined
            ? []
            : [file(`${THEMES}/${BRANDING}/theme.json`, `${JSON.stringify(theme, undefined, 4)}\n`)]),
        ...(logo === undefined ? [] : [file(LOGO, logo)]),
        ...(hasColours(looks)
            ? [
                  file(
                      STYLES,
                      `:root {\n${variables("brand", colours.brand).concat(variables("primary", colours.primary)).join("")}}\n`,
                  ),
              ]
            : []),
    ];
}

/** Where it finds them. What an administrator has uploaded as logo lies in its data, and comes back without this. */
export function webEnvironment(looks: Looks): Record<string, string> {
    return webFiles(looks).length === 0 ? {} : { WEB_ASSET_THEMES_PATH: `${FILES_PATH}/${THEMES}` };
}

/** The style sheet, which no variable can name. Source: oCIS 7.0.0 and 8.2.0, services/web/pkg/config/config.go. */
export function webStyles(looks: Looks) {
    return hasColours(looks) ? { web: { web: { config: { styles: [{ href: STYLES }] } } } } : {};
}
