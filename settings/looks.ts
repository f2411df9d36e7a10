/** The key `looks`: how both servers present themselves. */
import { z } from "zod";

import { text } from "./declaration";
import { Fault } from "./fault";
import { Images } from "./images";

/** Bytes. A browser loads it before it shows anything, and it stands in the stack's configuration. */
const LARGEST_LOGO = 200 * 1024;

/** What a logo must not have, each as the end of the sentence "this one …". Source: SVG 2, "Linking" and "Scripting". */
const NOT_IN_LOGO: readonly [pattern: RegExp, why: string][] = [
    [/<(?:[\w-]+:)?(?:script|handler|listener)\b|javascript:/i, "has a script"],
    [/[\s"'/]on[a-z]+\s*=/i, "has an event handler"],
    [/<(?:[\w-]+:)?(?:foreignObject|iframe|embed|object)\b/i, "has another document in it"],
    [/<!ENTITY|<\?xml-stylesheet/i, "has entities or a style sheet of elsewhere"],
    [/(?:href|src)\s*=\s*["']?(?!["']?(?:#|data:image\/))/i, "has a link to elsewhere"],
    [/url\(\s*["']?(?!["']?(?:#|data:))|@import/i, "has a style of elsewhere"],
];

/** Why a text cannot be the logo, as the end of the sentence "this one …"; undefined where it can. Pure. */
export function faultOfLogo(svg: string): string | undefined {
    if (Buffer.byteLength(svg) > LARGEST_LOGO) {
        return `has ${Math.ceil(Buffer.byteLength(svg) / 1024)} KiB`;
    }
    const start = svg.replace(/^\uFEFF?\s*(?:<\?xml [^>]*\?>|<!--[^]*?-->|<!DOCTYPE svg[^>[]*>|\s)*/, "");
    if (!/^<svg\s[^>]*xmlns\s*=\s*["']http:\/\/www\.w3\.org\/2000\/svg["']/.test(start) || !/<\/svg>\s*$/.test(start)) {
        return "is no SVG";
    }
    return NOT_IN_LOGO.find(([pattern]) => pattern.test(svg))?.[1];
}

const logo = z
    .string("an SVG")
    .superRefine((svg, context) => {
        const why = faultOfLogo(svg);
        if (why !== undefined) {
            const allowed = `an SVG of at most ${LARGEST_LOGO / 1024} KiB that stands for itself, without scripts and links`;
            context.addIssue({ code: "custom", message: `${allowed}; this one ${why}` });
        }
    })
    .optional()
    .meta({
        description: "Logo of both servers, an SVG of at most 200 KiB; where there is a PNG alone, an SVG with it inside.",
        fromFile: "logo.svg",
    });

/** A short text on a page. It passes through the edge's templates and Authelia's translations, which have signs of their own. */
const label = (longest: number, description: string, example: string) =>
    text(`a text of at most ${longest} characters, without { } < > $ \\ and \``, (value) => {
        return /^[^\p{Cc}{}<>$\\`]+$/u.test(value) && value.trim() !== "" && value.length <= longest;
    })
        .optional()
        .meta({ description, example });

const LONGEST_SIGN_IN = 48;

const colour = (description: string, example: string) =>
    text("a colour as # and six hexadecimal digits", (value) => /^#[0-9a-f]{6}$/i.test(value))
        .optional()
        .meta({ description, example });

export const looks = z
    .strictObject({
        name: label(
            30,
            "What the cloud is called: in the titles of ownCloud's pages, and where people sign in.",
            "Example Cloud",
        ),
        logo,
        colours: z
            .strictObject({
                brand: colour("The bar of ownCloud, and what belongs to it.", "#224474"),
                primary: colour("ownCloud's buttons and what is chosen.", "#224474"),
            })
            .prefault({})
            .meta({ description: "Colours of ownCloud's pages. Authelia's know light and dark; see `looks.theme`." }),
        theme: z.enum(["light", "dark", "auto"], "light, dark or auto").default("light").meta({
            description: "Of Authelia's pages; `auto` is what the browser prefers, by which ownCloud's go anyway.",
            example: "auto",
        }),
        signIn: z
            .strictObject({
                en: label(LONGEST_SIGN_IN, "In English.", "Sign in to Example Cloud"),
                de: label(LONGEST_SIGN_IN, "In German.", "Bei Example Cloud anmelden"),
                fr: label(LONGEST_SIGN_IN, "In French.", "Se connecter à Example Cloud"),
            })
            .prefault({})
            .meta({
                description:
                    "The words over the sign-in and on its button, by the browser's language; with `looks.name` such as the examples.",
            }),
    })
    .prefault({})
    .meta({ description: "Name, logo, colours and words of both servers' pages. See docs/looks.md." });

export type Looks = z.output<typeof looks>;

/** Earlier releases of oCIS have another kind of theme; theme and words are Authelia's alone. */
export function checkLooks({ looks: { name, logo: picture, colours } }: { looks: Looks }, { ocis }: Images): Fault[] {
    const told = { name, logo: picture && "[logo.svg]", colours: colours.brand ?? colours.primary };
    return Object.entries(told).flatMap(([key, value]) =>
        ocis.line.branding || value === undefined
            ? []
            : [
                  {
                      path: ["looks", key],
                      value,
                      allowed: `none with oCIS ${ocis.version}; from 7.0 on it takes a theme beside its own`,
                      cures: [{ remove: ["looks", key] }],
                  },
              ],
    );
}
