/** A real Chromium for tests: Debian's, driven by Playwright, without a window, with one certificate authority to trust. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrowserContext, chromium, Page } from "playwright-core";

import { ROOT } from "../../system/folders";
import { run } from "../../system/run";

const EXECUTABLE = "/usr/bin/chromium";

/** Makes the store in which Chromium on Linux looks for authorities; of Debian's libnss3-tools. */
const CERTUTIL = "/usr/bin/certutil";

/** Why there can be no browser here; undefined where there can. */
export const NO_CHROMIUM =
    existsSync(EXECUTABLE) && existsSync(CERTUTIL) ? undefined : "needs Debian's packages chromium and libnss3-tools";

/**
 * A line or an error of a connection that Chromium has given up. It gives up all of them whenever a container comes or goes on this machine, and
 * the pages say so in their own words.
 */
const INTERRUPTED =
    /\bnet::ERR_(NETWORK_CHANGED|NETWORK_IO_SUSPENDED|INTERNET_DISCONNECTED|CONNECTION_[A-Z_]+)\b|^console: .*\bnetwork error\b/i;

/**
 * A visit at which nothing may go wrong, made anew with a new profile where connections were interrupted meanwhile. So no fault of what is
 * visited is taken for an interruption: it is there at each visit, and the last one forgives nothing.
 */
export async function undisturbed(start: () => Promise<Chromium>, visit: (page: Page) => Promise<void>): Promise<void> {
    for (let left = 4; ; left--) {
        const browser = await start();
        const { page, wrong } = await browser.open();
        try {
            await visit(page);
            return assert.deepEqual(wrong, []);
        } catch (error) {
            if (left === 0 || ![...wrong, String(error)].some((line) => INTERRUPTED.test(line))) {
                throw error;
            }
        } finally {
            await browser.stop();
        }
    }
}

export class Chromium {
    private constructor(
        private readonly folder: string,
        readonly context: BrowserContext,
    ) {}

    /**
     * Starts it with an empty profile.
     *
     * @param ca The authority to trust, PEM, besides those that the browser brings.
     * @param locale The language that it asks for.
     * @param others Further authorities to trust.
     */
    static async start(ca: string, locale = "en-US", ...others: string[]): Promise<Chromium> {
        const parent = join(ROOT, ".cache", "tests", "chromium");
        mkdirSync(parent, { recursive: true });
        const folder = mkdtempSync(join(parent, "run-"));
        const store = join(folder, ".pki", "nssdb");
        mkdirSync(store, { recursive: true });
        const certutil = (...args: string[]) => run(CERTUTIL, ["-d", `sql:${store}`, ...args]);
        await certutil("-N", "--empty-password");
        for (const [index, authority] of [ca, ...others].entries()) {
            const file = join(folder, `ca-${index}.pem`);
            writeFileSync(file, authority);
            await certutil("-A", "-n", `test-${index}`, "-t", "C,,", "-i", file);
        }
        const context = await chromium.launchPersistentContext(join(folder, "profile"), {
            executablePath: EXECUTABLE,
            // Chromium looks for the store in its home.
            env: { ...(process.env as Record<string, string>), HOME: folder },
            args: ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
            locale,
            viewport: { width: 1280, height: 800 },
        });
        return new Chromium(folder, context);
    }

    /**
     * A new page, and what goes wrong on it from now on, a line each: what a script or the browser writes to the console as an error,
     * exceptions that nobody catches, requests that fail or are answered with 400 or more, each with the page that it happened on.
     */
    async open(): Promise<{ page: Page; wrong: string[] }> {
        const page = await this.context.newPage();
        const wrong: string[] = [];
        const note = (what: string) => wrong.push(`${what} (on ${page.url()})`);
        page.on("console", (message) => {
            // The browser's own line about an answer or a failure is noted as such below.
            if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
                note(`console: ${message.text()} at ${message.location().url}`);
            }
        });
        page.on("pageerror", (error) => note(`exception: ${error.message}`));
        page.on("requestfailed", (request) => {
            const { errorText } = request.failure()!;
            // The page itself has given it up, as when it is left.
            if (errorText !== "net::ERR_ABORTED") {
                note(`${errorText}: ${request.method()} ${request.url()}`);
            }
        });
        page.on("response", (response) => {
            if (response.status() >= 400) {
                note(`${response.status()}: ${response.request().method()} ${response.url()}`);
            }
        });
        return { page, wrong };
    }

    /** Stops it and deletes its profile. */
    async stop(): Promise<void> {
        await this.context.close();
        rmSync(this.folder, { recursive: true, force: true });
    }
}
