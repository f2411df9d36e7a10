/**
 * A stack with a name, a logo, colours and words of its own: both servers' pages show them, in the browser's language, people sign in as
 * ever, and without them everything is as it was. The pictures of what was seen are left in .cache/tests/pictures.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Page } from "playwright-core";

import { ROOT } from "../../system/folders";
import { OCIS, releaseOf } from "../../versions";
import { Chromium, NO_CHROMIUM } from "./chromium";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { readText, tokenClient } from "./webdav";

const PICTURES = join(ROOT, ".cache", "tests", "pictures");

const LOGO =
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160" viewBox="0 0 160 160">\n' +
    '  <circle cx="80" cy="80" r="76" fill="#f0a000"/>\n  <path d="M40 100 q40 -80 80 0 z" fill="#ffffff"/>\n</svg>\n';

const LOOKS = {
    name: "Example Cloud",
    logo: LOGO,
    colours: { brand: "#7a1f5c", primary: "#7a1f5c" },
    signIn: { de: "Zur Wolke der Familie Müller" },
};

describeOn({ tier: "option", real: true, only: ({ ocis }) => releaseOf(OCIS, ocis).line.branding }, "looks", (images) => {
    let cloud: Cloud;
    const browsers: Chromium[] = [];
    /** What of the web interfaces is missing; undefined where nothing is. */
    let missing: string | undefined;

    before(async () => {
        cloud = await Cloud.up("test-looks", { images, users: usersCalled(["alice", "bob"]) });
        await cloud.enrol(["alice", "bob"]);
        const alice = await cloud.signIn(cloud.credentials("alice"));
        await tokenClient(cloud, alice).putFileContents("/letter.txt", "Dear family");
        const scripts = async (url: string) => (await cloud.open().ask(url)).text.includes("<script");
        const found = await Promise.all([scripts(`${cloud.url}/`), scripts(`${cloud.issuer}/`)]);
        missing = NO_CHROMIUM ?? (found.every(Boolean) ? undefined : "these images carry no web interface");
        mkdirSync(PICTURES, { recursive: true });
        await cloud.change({ looks: LOOKS });
    });

    after(async () => {
        await Promise.all(browsers.map((browser) => browser.stop()));
        await cloud?.down();
    });

    const start = async (locale: string) => {
        const browser = await Chromium.start(cloud.ca, locale);
        browsers.push(browser);
        return browser.open();
    };
    // Another stack's container has come or gone on this machine: Chromium gives up what it has open.
    const unexpected = (wrong: readonly string[]) => wrong.filter((line) => !line.startsWith("net::ERR_NETWORK_CHANGED"));
    const picture = (page: Page, name: string) => page.screenshot({ path: join(PICTURES, `looks-${name}.png`) });
    const words = async (language: string) =>
        JSON.parse((await cloud.open().ask(`${cloud.issuer}/locales/${language}/portal.json`)).text) as Record<string, string>;
    const theme = async () =>
        JSON.parse((await cloud.open().ask(`${cloud.url}/themes/owncloud/theme.json`)).text) as {
            common: { name: string; logo: string };
            clients: { web: { themes: unknown[]; defaults: { logo: { topbar: string } } } };
        };

    test("a preview sees no change, and the rest of each server's own stays", async () => {
        await cloud.expectNoChange();
        const { common, clients } = await theme();
        assert.deepEqual([common.name, common.logo], ["Example Cloud", "themes/_branding/logo.svg"]);
        assert.equal(clients.web.defaults.logo.topbar, "themes/_branding/logo.svg");
        assert.ok(clients.web.themes.length > 1, "light and dark");
        for (const [language, own, password] of [
            ["en", "Sign in to Example Cloud", "Password"],
            // Of which Authelia has no words: the browser goes on to "en".
            ["en-GB", "Sign in to Example Cloud", undefined],
            ["de", LOOKS.signIn.de, "Passwort"],
            ["de-DE", LOOKS.signIn.de, "Passwort"],
            ["de-AT", LOOKS.signIn.de, "Passwort"],
            ["fr", "Se connecter à Example Cloud", "Mot de passe"],
            ["es", "Iniciar Sesión", "Contraseña"],
        ]) {
            const found = await words(language!);
            assert.deepEqual([found["Sign in"], found.Password], [own, password], language);
        }
    });

    test("the logo is served by both servers, as what it is, and nothing in it may run", async () => {
        for (const url of [
            `${cloud.issuer}/static/media/logo.png`,
            `${cloud.issuer}/favicon.ico`,
            `${cloud.url}/themes/_branding/logo.svg`,
        ]) {
            const answer = await cloud.open().request(url);
            assert.equal(await answer.text(), LOGO, url);
            assert.equal(answer.headers.get("content-type"), "image/svg+xml", url);
            assert.match(answer.headers.get("content-security-policy")!, /^default-src 'none';.*sandbox$/, url);
        }
    });

    test("nothing else of the containers' files is served", async () => {
        const { text } = await cloud.open().ask(`${cloud.issuer}/static/media/configuration.yml`);
        assert.doesNotMatch(text, /access_control/);
        for (const path of [
            "csp.yaml",
            "../csp.yaml",
            "%2e%2e/csp.yaml",
            "../../secrets/ocis.yaml",
            "%2e%2e/%2e%2e/secrets/ocis.yaml",
        ]) {
            assert.doesNotMatch((await cloud.open().ask(`${cloud.url}/themes/${path}`)).text, /directives|jwt_secret/, path);
        }
    });

    test("a person at a browser sees them, and signs in", async (context) => {
        if (missing !== undefined) {
            return context.skip(missing);
        }
        const { page, wrong } = await start("en-US");
        await page.goto(cloud.url);
        await page.waitForURL((url) => url.origin === cloud.issuer);
        await page.getByText("Sign in to Example Cloud").first().waitFor();
        const loaded = () =>
            page
                .locator('img[src*="logo"]')
                .first()
                .evaluate((image: HTMLImageElement) => image.naturalWidth);
        assert.equal(await loaded(), 160);
        await picture(page, "portal");
        const { username, password, code } = cloud.credentials("bob");
        await page.locator("#username-textfield").fill(username);
        await page.locator("#password-textfield").fill(password);
        await page.locator("#sign-in-button").click();
        await page.locator("#otp-input input").first().click();
        await page.keyboard.type(await code());
        await page.locator("#openid-consent-accept").click();
        await page.waitForURL(/\/files\/spaces\/personal\//);
        await page.getByText("No resources found").first().waitFor();
        assert.match(await page.title(), /Example Cloud/);
        assert.equal(await loaded(), 160);
        const bar = page.locator("#oc-topbar");
        const brand = await bar.evaluate((element) =>
            getComputedStyle(element).getPropertyValue("--oc-color-swatch-brand-default"),
        );
        assert.equal(brand.trim(), LOOKS.colours.brand);
        await picture(page, "files");
        assert.deepEqual(unexpected(wrong), []);
    });

    test("in another language the words are of that language", async (context) => {
        if (missing !== undefined) {
            return context.skip(missing);
        }
        const { page, wrong } = await start("de");
        await page.goto(cloud.issuer);
        await page.getByText(LOOKS.signIn.de).first().waitFor();
        await page.getByText("Passwort").first().waitFor();
        await picture(page, "portal-de");
        assert.deepEqual(unexpected(wrong), []);
    });

    test("without them everything is as it was", async () => {
        await cloud.change({ looks: {} });
        assert.equal((await theme()).common.name, "ownCloud");
        assert.equal((await words("de"))["Sign in"], "Anmelden");
        assert.doesNotMatch((await cloud.open().ask(`${cloud.url}/themes/_branding/logo.svg`)).text, /#f0a000/);
        const alice = await cloud.signIn(cloud.credentials("alice"));
        assert.equal(await readText(tokenClient(cloud, alice), "/letter.txt"), "Dear family");
        await cloud.expectNoChange();
    });
});
