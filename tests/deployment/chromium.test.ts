/**
 * A person at a real browser: opens ownCloud, signs in at Authelia's own pages with password and code, agrees, sees her files, and
 * signs out, and nothing of the pages fails or is blocked. Runs where the images carry their web interfaces; the pictures of what was
 * seen are left in .cache/tests/pictures, and the documents' pictures come from there.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Page } from "playwright-core";

import { ROOT } from "../../system/folders";
import { Chromium, NO_CHROMIUM } from "./chromium";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";

const PICTURES = join(ROOT, ".cache", "tests", "pictures");

/** What may go wrong. */
const EXCEPTIONS = [
    // "My Account" looks for an export of the person's data; nobody has asked for one.
    /^404: PROPFIND \S+\/dav\/spaces\/[^/]+\/\.personal_data_export\.json \(/,
    // Another stack's container has come or gone on this machine: Chromium gives up what it has open, and the pages say so.
    /^net::ERR_NETWORK_CHANGED: /,
    /^console: (TypeError: network error|AxiosError: Network Error)\b/,
];

describeOn({ tier: "everything", real: true, missing: NO_CHROMIUM }, "a browser", (images) => {
    let cloud: Cloud;
    let chromium: Chromium | undefined;
    let page: Page;
    /** What went wrong on the page. */
    let wrong: string[];
    /** What of the web interfaces is missing; undefined where nothing is. */
    let missing: string | undefined;

    before(async () => {
        cloud = await Cloud.up("test-browser", { images, users: usersCalled(["alice"]) });
        await cloud.enrol(["alice"]);
        const scripts = async (url: string) => (await cloud.open().ask(url)).text.includes("<script");
        const found = await Promise.all([scripts(`${cloud.url}/`), scripts(`${cloud.issuer}/`)]);
        const without = [images.ocis, images.authelia].filter((_, index) => !found[index]);
        missing = without.length === 0 ? undefined : `these images carry no web interface: ${without.join(", ")}`;
        if (missing === undefined) {
            chromium = await Chromium.start(cloud.ca);
            ({ page, wrong } = await chromium.open());
            mkdirSync(PICTURES, { recursive: true });
        }
    });

    after(async () => {
        await chromium?.stop();
        await cloud.down();
    });

    const picture = (name: string) => page.screenshot({ path: join(PICTURES, `${name}.png`) });

    /** From Authelia's first page to ownCloud's files. */
    const signIn = async () => {
        const { username, password, code } = cloud.credentials("alice");
        await page.locator("#username-textfield").fill(username);
        await page.locator("#password-textfield").fill(password);
        await picture("password");
        await page.locator("#sign-in-button").click();
        await page.locator("#otp-input input").first().waitFor();
        await picture("code");
        await page.locator("#otp-input input").first().click();
        await page.keyboard.type(await code());
        await page.locator("#openid-consent-accept").waitFor();
        await picture("consent");
        await page.locator("#openid-consent-accept").click();
        await page.waitForURL(/\/files\/spaces\/personal\//);
        await page.locator("#_userMenuButton").waitFor();
    };

    test("ownCloud sends the browser to Authelia, and back to the person's files, to which one is added", async (context) => {
        if (missing !== undefined) {
            return context.skip(missing);
        }
        await page.goto(cloud.url);
        await page.waitForURL((url) => url.origin === cloud.issuer);
        await signIn();
        await page.getByText("No resources found").first().waitFor();
        await page.locator("#upload-menu-btn").click();
        await page.locator("#files-file-upload-input").setInputFiles({
            name: "Welcome.txt",
            mimeType: "text/plain",
            buffer: Buffer.from("Written in a browser.\n"),
        });
        await page.locator("#files-space-table").getByText("Welcome").first().waitFor();
        // Signed in still, and without the upload's menu, which not every release closes by itself: for the picture.
        await page.reload();
        await page.locator("#files-space-table").getByText("Welcome").first().waitFor();
        await picture("files");
    });

    test("signing out of ownCloud leaves Authelia's session, which its own page ends", async (context) => {
        if (missing !== undefined) {
            return context.skip(missing);
        }
        const signOut = async () => {
            await page.locator("#_userMenuButton").click();
            await page.locator("#oc-topbar-account-logout").click();
            await page.waitForURL(/\/logout/);
        };
        await signOut();
        // Consent is asked again for offline_access, a password is not.
        await page.goto(cloud.url);
        await page.locator("#openid-consent-accept").click();
        await page.waitForURL(/\/files\/spaces\/personal\//);

        await page.goto(`${cloud.url}/account`);
        await page.locator(`a[href="${cloud.issuer}/logout"]`).waitFor();
        assert.equal(await page.getByText("Change password").count(), 0, "that of ownCloud's own directory opens nothing");
        await picture("account");
        await signOut();
        // Who opens the portal by itself finds the way to the second factors there.
        await page.goto(cloud.issuer);
        await page.locator("#authenticated-stage").waitFor();
        await picture("portal");
        await page.goto(`${cloud.issuer}/logout`);
        await page.locator("#username-textfield").waitFor();
        await page.goto(cloud.url);
        await page.locator("#username-textfield").waitFor();
        await signIn();
    });

    test("nothing of ownCloud's or Authelia's pages failed or was blocked", (context) => {
        if (missing !== undefined) {
            return context.skip(missing);
        }
        assert.deepEqual(
            wrong.filter((line) => !EXCEPTIONS.some((each) => each.test(line))),
            [],
        );
    });
});
