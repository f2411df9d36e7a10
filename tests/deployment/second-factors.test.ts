/**
 * Second factors by the person, in a real browser, as docs/second-factors.md has them: alice enrols an authenticator app and a passkey in the
 * portal with codes that come by mail, signs in to ownCloud with the passkey alone, replaces a lost app by it, and loses everything. The key
 * `secondFactors` is switched on, changed and switched off on one stack, whose people keep what they have enrolled. Chromium plays the passkey.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { CDPSession, Page } from "playwright-core";

import { CODE_PERIOD, totp } from "../../client/browser";
import { ROOT } from "../../system/folders";
import { Authority } from "../authority";
import { Chromium, NO_CHROMIUM } from "./chromium";
import { Cloud, usersCalled } from "./cloud";
import { codeIn } from "./mail";
import { MailServer } from "./mail-server";
import { describeOn, isEarlyAuthelia } from "./pairs";

const PICTURES = join(ROOT, ".cache", "tests", "pictures");

/** How far somebody is signed in at the portal. */
const [NOBODY, ONE_FACTOR, TWO_FACTORS] = [0, 1, 2];

/** A device that keeps passkeys and checks who holds it; in Chromium the machine's own. */
const DEVICE = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
} as const;

const missing = (images: Parameters<typeof isEarlyAuthelia>[0]) =>
    NO_CHROMIUM ?? (isEarlyAuthelia(images) ? "nobody begins with a passkey up to Authelia 4.38" : undefined);

describeOn({ tier: "option", real: true, missing }, "second factors by the person", (images) => {
    let authority: Authority;
    let mail: MailServer;
    let cloud: Cloud;
    let chromium: Chromium | undefined;
    let page: Page;
    let wrong: string[];
    /** Of the page; another session that ends would take the device away. */
    let devtools: CDPSession;
    let authenticatorId: string;
    /** Of alice's authenticator app. */
    let secret: string;
    /** In which half minute its last code was shown; a code serves once. */
    let shown = 0;
    /** Why there is nothing to be seen in a browser; undefined where there is. */
    let without: string | undefined;

    before(async () => {
        authority = new Authority();
        mail = await MailServer.start(authority, true);
        const smtp = { ...mail.settings, authority: authority.root };
        cloud = await Cloud.up("test-second-factors", { images, users: usersCalled(["alice"]), smtp });
        const scripts = async (url: string) => (await cloud.open().ask(url)).text.includes("<script");
        const found = await Promise.all([scripts(`${cloud.url}/`), scripts(`${cloud.issuer}/`)]);
        without = found.every(Boolean) ? undefined : "an image carries no web interface";
        if (without === undefined) {
            chromium = await Chromium.start(cloud.ca);
            ({ page, wrong } = await chromium.open());
            page.setDefaultTimeout(15_000);
            devtools = await page.context().newCDPSession(page);
            await devtools.send("WebAuthn.enable");
            ({ authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options: DEVICE }));
            mkdirSync(PICTURES, { recursive: true });
        }
    });

    after(async () => {
        await chromium?.stop();
        await cloud.down();
        await mail.stop();
        authority.close();
    });

    /** A test on the pages, each of which goes on from the one before. Of the first that fails there is a picture. */
    const inBrowser = (what: string, body: () => Promise<void>) =>
        void test(what, async (context) => {
            if (without !== undefined) {
                return context.skip(without);
            }
            try {
                await body();
            } catch (error) {
                without = "the one before it failed";
                await picture("second-factors-failed");
                throw new Error(`at ${page.url()}, where this went wrong:\n${wrong.slice(-10).join("\n")}`, { cause: error });
            }
        });

    const picture = (name: string, of = page) => of.screenshot({ path: join(PICTURES, `${name}.png`) });

    const settingsPage = () => `${cloud.issuer}/settings/two-factor-authentication`;

    const element = (id: string) => page.locator(`#${id}`);

    /** Signed in nowhere any more, as in a browser of somebody else's. */
    async function forget(): Promise<void> {
        await page.goto("about:blank");
        for (const origin of [cloud.url, cloud.issuer]) {
            await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
        }
        await page.context().clearCookies();
    }

    const level = () =>
        page.evaluate(async () => {
            const { data } = (await (await fetch("/api/state")).json()) as { data: { authentication_level: number } };
            return data.authentication_level;
        });

    /**
     * Does something that begins anew with each try. Chromium gives up all that it loads whenever a container comes or goes on this machine;
     * only after that there is another try.
     */
    async function steadily(body: () => Promise<void>): Promise<void> {
        for (let left = 5; ; left--) {
            const before = wrong.length;
            try {
                return await body();
            } catch (error) {
                const seen = [String(error), ...wrong.slice(before)];
                if (left === 0 || !seen.some((line) => line.includes("net::ERR_NETWORK_CHANGED"))) {
                    throw error;
                }
            }
        }
    }

    async function showPassword(): Promise<void> {
        await element("username-textfield").fill("alice");
        await element("password-textfield").fill(cloud.passwords.alice!);
        await element("sign-in-button").click();
    }

    /** The next one, which Authelia takes half a minute early. */
    async function showCode(): Promise<void> {
        shown = Math.max(Math.floor(Date.now() / 1000 / CODE_PERIOD), shown + 1);
        await pause(Math.max(0, (shown - 1) * CODE_PERIOD * 1000 - Date.now()));
        await element("otp-input").locator("input").first().click();
        await page.keyboard.type(totp(secret, shown * CODE_PERIOD));
    }

    /** Where it is asked for; in another try it may have been taken already. @param next What is there afterwards. */
    async function showMailedCode(next: string): Promise<void> {
        await page.locator(`#one-time-code, #${next}`).first().waitFor();
        if ((await element("one-time-code").count()) === 0) {
            return;
        }
        let letter: string;
        do {
            // Among the notices of what was enrolled and taken away.
            letter = await mail.mailTo("alice@example.com");
        } while (!letter.includes("Confirm your identity"));
        await element("one-time-code").fill(codeIn(letter));
        await element("dialog-verify").click();
    }

    /** Opens the portal's settings: whether they list it, as they also do after a try whose answer was lost. */
    async function listed(credential: string): Promise<boolean> {
        await page.goto(settingsPage());
        for (const panel of ["one-time-password-panel", "webauthn-credentials-panel"]) {
            await page.locator(`#${panel}[data-loading="false"]`).waitFor();
        }
        return (await element(credential).count()) > 0;
    }

    async function enrolApp(): Promise<void> {
        if (await listed("one-time-password")) {
            return;
        }
        await element("one-time-password-add").click();
        await showMailedCode("dialog-next");
        await element("dialog-next").click();
        const uri = element("secret-url");
        await uri.waitFor({ state: "attached" });
        while (!(await uri.inputValue()).startsWith("otpauth:")) {
            await page.waitForTimeout(50);
        }
        secret = new URL(await uri.inputValue()).searchParams.get("secret")!;
        await picture("enrol-app");
        await element("dialog-next").click();
        await showCode();
        await element("one-time-password").waitFor();
    }

    /** From a browser in which nobody is signed in to the person's files. */
    const signIn = (...steps: (() => Promise<void>)[]) =>
        steadily(async () => {
            await begin(cloud.url);
            for (const step of steps) {
                await step();
            }
            await element("openid-consent-accept").click();
            await page.waitForURL(/\/files\/spaces\/personal\//);
            await element("_userMenuButton").waitFor();
        });

    async function begin(at: string): Promise<void> {
        await forget();
        await page.goto(at);
        await element("username-textfield").waitFor();
    }

    const showPasskey = () => element("passkey-sign-in-button").click();

    async function showPasskeyAfterPassword(): Promise<void> {
        await showPassword();
        await element("methods-button").click();
        await element("webauthn-option").click();
    }

    const link = (on: Page) => on.getByTestId("account-page-edit-url-btn");

    inBrowser("without the key: who has no second factor enrols an app with a mailed code, and no passkey begins", async () => {
        await steadily(async () => {
            await begin(cloud.issuer);
            await showPassword();
            await element("register-link").click();
            await page.waitForURL(settingsPage());
            await enrolApp();
        });
        await signIn(async () => {
            assert.equal(await element("passkey-sign-in-button").count(), 0);
            await showPassword();
            await showCode();
        });
        await steadily(async () => {
            await page.goto(`${cloud.url}/account`);
            await page.locator(`a[href="${cloud.issuer}/logout"]`).waitFor();
        });
        assert.equal(await link(page).count(), 0);
    });

    inBrowser("with it, ownCloud's account page leads to the portal's, where a mailed code adds a passkey", async () => {
        await cloud.change({ secondFactors: { accountLink: true, passkeys: "alone" } });
        await signIn(showPassword, showCode);
        await steadily(async () => {
            await page.goto(`${cloud.url}/account`);
            const [settings] = await Promise.all([page.context().waitForEvent("page"), link(page).click()]);
            await settings.waitForURL(settingsPage());
            await settings.locator("#webauthn-credential-add").waitFor();
            await picture("settings", settings);
            await settings.close();
        });
        // In the tab whose passkeys Chromium plays.
        await steadily(async () => {
            if (await listed("webauthn-credential-0")) {
                return;
            }
            await element("webauthn-credential-add").click();
            await showMailedCode("webauthn-credential-description");
            await element("webauthn-credential-description").fill("phone");
            await element("dialog-next").click();
            await element("webauthn-credential-0").waitFor();
        });
        await picture("enrolled");
    });

    inBrowser("the passkey alone leads to the person's files", async () => {
        await signIn(async () => {
            await picture("passkey");
            await showPasskey();
        });
        await steadily(async () => void (await page.goto(cloud.issuer)));
        assert.equal(await level(), TWO_FACTORS);
    });

    inBrowser(
        "whoever holds the device and does not know its PIN gets nowhere, not by a client of their own either",
        async () => {
            await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
            await steadily(async () => {
                await begin(cloud.url);
                // Asks the device for less than Authelia does.
                await page.evaluate(() => {
                    const get = navigator.credentials.get.bind(navigator.credentials);
                    navigator.credentials.get = ({ publicKey, ...options } = {}) =>
                        get({ ...options, publicKey: { ...publicKey!, userVerification: "discouraged" } });
                });
                const answer = page.waitForResponse(
                    (response) => response.url().endsWith("/api/firstfactor/passkey") && response.request().method() === "POST",
                );
                const [answered] = await Promise.all([answer, showPasskey()]);
                assert.equal(answered.status(), 403);
            });
            assert.equal(await level(), NOBODY);
            await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
        },
    );

    inBrowser("the passkey also serves after the password, and nobody is asked for a password after it", async () => {
        await signIn(showPasskeyAfterPassword);
        await steadily(async () => void (await page.goto(cloud.issuer)));
        const status = await page.evaluate(async () => {
            const body = JSON.stringify({ password: "a guess" });
            return (await fetch("/api/secondfactor/password", { method: "POST", body })).status;
        });
        assert.equal(status, 404);
    });

    inBrowser("who has lost the app replaces it by the passkey and a mailed code", async () => {
        const lost = secret;
        await steadily(async () => {
            await begin(cloud.issuer);
            await showPasskey();
            await page.waitForURL(/\/2fa|\/authenticated/);
            if (!(await listed("one-time-password"))) {
                return;
            }
            await element("one-time-password-delete").click();
            await showMailedCode("dialog-delete");
            await element("dialog-delete").click();
            await element("one-time-password").waitFor({ state: "detached" });
        });
        await steadily(enrolApp);
        assert.notEqual(secret, lost);
    });

    inBrowser("before the password, the passkey alone is not enough", async () => {
        await cloud.change({ secondFactors: { accountLink: true, passkeys: "beforePassword" } });
        await signIn(showPasskey, async () => {
            await element("password-method").waitFor();
            assert.equal(await level(), ONE_FACTOR);
            await element("password-textfield").fill(cloud.passwords.alice!);
            await element("sign-in-button").click();
        });
    });

    inBrowser("switched off again, the passkey is there and serves after the password, and nothing else", async () => {
        await cloud.change({});
        await signIn(async () => {
            assert.equal(await element("passkey-sign-in-button").count(), 0);
            await showPasskeyAfterPassword();
        });
        await cloud.expectNoChange();
    });

    inBrowser("of whom everything is gone, the operator ends it all and gives another app", async () => {
        const { code, stdout, text } = await cloud.stack.command("users", "lost-phone", "alice", "--json");
        assert.equal(code, 0, text);
        secret = new URL((JSON.parse(stdout) as { uri: string }).uri).searchParams.get("secret")!;
        await signIn(showPassword, showCode);
        await steadily(async () => void (await page.goto(cloud.issuer)));
        const { data } = await page.evaluate(
            async () => (await (await fetch("/api/user/info")).json()) as { data: { has_webauthn: boolean } },
        );
        assert.equal(data.has_webauthn, false);
    });
});
