/** Looks: what can be a logo, and what each server is told. What people see of it, tests/deployment/looks.test.ts shows. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { portalConfiguration, portalFiles, portalWords } from "../../components/authelia/looks";
import { readableOn, webEnvironment, webFiles, webStyles } from "../../components/ocis/looks";
import { faultOfLogo } from "../../settings/looks";
import { settingsOf } from "../configuration";
import { svg } from "../wrong-inputs";

const LOGOS: [what: string, svg: string, why: RegExp | undefined][] = [
    ["a drawing", svg('<path d="M0 0"/>'), undefined],
    [
        "one with what drawing programs write",
        `\uFEFF<?xml version="1.0"?>\n<!-- by hand -->\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">\n${svg("")}\n`,
        undefined,
    ],
    ["one that refers to itself", svg('<use xlink:href="#a"/><g fill="url(#b)" style="fill: url(\'#c\')"/>'), undefined],
    ["one with a picture inside", svg('<image href="data:image/png;base64,AAAA"/>'), undefined],
    ["one with a text about it", svg("<text>one = two, only on Mondays</text>"), undefined],
    ["another picture", "GIF89a", /^is no SVG$/],
    ["a page", "<html><svg></svg></html>", /^is no SVG$/],
    ["one without a namespace", "<svg></svg>", /^is no SVG$/],
    ["half of one", svg("").slice(0, -1), /^is no SVG$/],
    ["a script", svg("<script>1</script>"), /script/],
    ["a script by another name", svg('<s:SCRIPT xmlns:s="http://www.w3.org/2000/svg"/>'), /script/],
    ["a link that runs", svg('<a href="javascript:alert(1)"/>'), /script/],
    ["an event", svg('<g\nonload = "a()"/>'), /event handler/],
    ["an event without a blank", svg('<g/onclick="a()"/>'), /event handler/],
    ["a page inside", svg("<foreignObject/>"), /another document/],
    ["an entity", svg("<!ENTITY a 'b'>"), /entities/],
    ["a picture of elsewhere", svg("<image href='https://a.example/b.png'/>"), /link to elsewhere/],
    ["one without quotes", svg("<image href=//a.example/b.png />"), /link to elsewhere/],
    ["one that is hidden", svg('<image xlink:href="&#104;ttps://a.example"/>'), /link to elsewhere/],
    ["another page inside", svg('<use href="data:text/html,a"/>'), /link to elsewhere/],
    ["a font of elsewhere", svg("<style>@import 'a.css'</style>"), /style of elsewhere/],
    ["a fill of elsewhere", svg('<g fill="url( https://a.example#b)"/>'), /style of elsewhere/],
    ["too much of it", svg(" ".repeat(200 * 1024)), /^has 201 KiB$/],
];

for (const [what, text, why] of LOGOS) {
    test(`${what} ${why === undefined ? "can" : "cannot"} be the logo`, () => {
        const found = faultOfLogo(text);
        if (why === undefined) {
            assert.equal(found, undefined);
        } else {
            assert.match(found!, why);
        }
    });
}

test("without looks nobody is told anything", () => {
    const { looks } = settingsOf();
    assert.deepEqual([portalFiles(looks), portalWords(looks), portalConfiguration(looks)], [[], [], { server: {} }]);
    assert.deepEqual([webFiles(looks), webEnvironment(looks), webStyles(looks)], [[], {}, {}]);
});

test("a name is in both servers' pages, in three languages, and words of one's own come before it", () => {
    const { looks } = settingsOf({ looks: { name: "My Cloud", signIn: { fr: "Entrez" } } });
    assert.deepEqual(
        portalWords(looks).map(({ path, members }) => [path, members["Sign in"]]),
        [
            ["^/locales/en(-[A-Za-z]+)?/portal\\.json$", "Sign in to My Cloud"],
            ["^/locales/de(-[A-Za-z]+)?/portal\\.json$", "Bei My Cloud anmelden"],
            ["^/locales/fr(-[A-Za-z]+)?/portal\\.json$", "Entrez"],
        ],
    );
    const [theme, ...others] = webFiles(looks);
    assert.deepEqual(JSON.parse(theme!.content as string), { common: { name: "My Cloud", slogan: "My Cloud" } });
    assert.deepEqual(others, []);
    assert.deepEqual(webEnvironment(looks), { WEB_ASSET_THEMES_PATH: "/run/configuration/themes" });
});

test("words alone, and a theme, are Authelia's alone, also beside an earlier oCIS", () => {
    const images = { ocis: "owncloud/ocis:4.0.5" };
    const { looks } = settingsOf({ looks: { theme: "auto", signIn: { en: "Come in" } }, images });
    assert.equal(portalWords(looks).length, 1);
    assert.deepEqual(portalConfiguration(looks), { theme: "auto", server: {} });
    assert.deepEqual(webEnvironment(looks), {});
});

test("a logo goes to both under the names that they ask for", () => {
    const logo = svg("");
    const { looks } = settingsOf({ looks: { logo } });
    assert.deepEqual(
        portalFiles(looks).map(({ name }) => name),
        ["logo.png", "favicon.ico"],
    );
    assert.deepEqual(portalConfiguration(looks), { server: { asset_path: "/run/configuration" } });
    assert.deepEqual(
        webFiles(looks).map(({ name }) => name),
        ["themes/_branding/theme.json", "themes/_branding/logo.svg"],
    );
});

test("colours come before those of each theme, with a text on them that can be read", () => {
    const { looks } = settingsOf({ looks: { colours: { brand: "#FFDD00" } } });
    const [styles, ...others] = webFiles(looks);
    assert.match(styles!.content as string, /^ {4}--oc-color-swatch-brand-default: #FFDD00 !important;$/m);
    assert.match(styles!.content as string, /^ {4}--oc-color-swatch-brand-contrast: #000000 !important;$/m);
    assert.doesNotMatch(styles!.content as string, /primary/);
    assert.deepEqual(others, []);
    assert.deepEqual(webStyles(looks), { web: { web: { config: { styles: [{ href: "themes/_branding/colours.css" }] } } } });
    assert.deepEqual(["#224474", "#ff0000", "#00ff00", "#777777"].map(readableOn), [
        "#ffffff",
        "#000000",
        "#000000",
        "#000000",
    ]);
});
