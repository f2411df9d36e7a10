/** A stack that is up, for tests: what it says of itself, browsers that trust it, and people with second factors. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import { ImageNames } from "../../operations/images";
import { Browser, CODE_PERIOD, Credentials, totp } from "../../client/browser";
import { authorizationRequest, Client, discover, Session, signIn, WEB } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { Stack } from "./stack";
import { eventually } from "./waiting";

/** What a test says of its stack. */
export interface CloudSettings {
    readonly images: ImageNames;
    readonly users?: Record<string, object>;
    readonly [key: string]: unknown;
}

/** The same with what all tests say: a private authority, a free port on the loopback. */
export async function withDefaults(settings: CloudSettings): Promise<Record<string, unknown>> {
    return {
        domain: "test.localhost",
        address: "127.0.0.1",
        httpsPort: await freePort(),
        httpPort: 0,
        tls: { mode: "private-ca" },
        keepData: false,
        ...settings,
    };
}

/** Users in Authelia's file. */
export function usersCalled(names: readonly string[], more: object = {}): Record<string, object> {
    return Object.fromEntries(
        names.map((name) => [name, { displayName: `${name} Example`, email: `${name}@example.com`, ...more }]),
    );
}

export class Cloud {
    private readonly browsers: Browser[] = [];
    private readonly totpSecrets: Record<string, string> = {};
    /** By user: in which half minute the code is shown that was shown last. */
    private readonly shown: Record<string, number> = {};

    private constructor(
        readonly stack: Stack,
        /** All of them, as they stand in the stack's file. */
        readonly settings: Record<string, unknown>,
        /** Certificate of the stack's authority, PEM. */
        readonly ca: string,
        /** Of ownCloud. */
        readonly url: string,
        readonly issuer: string,
        /** By user: the initial ones, and those that a test notes of people whom it puts into a directory. */
        readonly passwords: Record<string, string>,
    ) {}

    /** Brings a stack up; one that does not come up is destroyed again. */
    static async up(name: string, more: CloudSettings): Promise<Cloud> {
        const stack = new Stack(name);
        const settings = await withDefaults(more);
        await stack.create(settings);
        try {
            await stack.up();
            return await Cloud.of(stack, settings);
        } catch (error) {
            await stack.destroy();
            throw error;
        }
    }

    /** A stack that is up with these settings. */
    static async of(stack: Stack, settings: Record<string, unknown>): Promise<Cloud> {
        const outputs = ["caCertificate", "cloudUrl", "issuer"].map((name) => stack.output<string>(name));
        const [ca, url, issuer] = (await Promise.all(outputs)) as [string, string, string];
        return new Cloud(stack, settings, ca, url, issuer, await stack.output("initialPasswords"));
    }

    /** Closes every browser and takes the stack down. */
    async down(): Promise<void> {
        await Promise.all(this.browsers.map((browser) => browser.close()));
        await this.stack.destroy();
    }

    /**
     * A new browser, with nobody signed in.
     *
     * @param loopback The address of this machine to which names under .localhost lead; 127.0.0.1 by default.
     */
    open(loopback?: string): Browser {
        const browser = new Browser(this.ca, true, loopback);
        this.browsers.push(browser);
        return browser;
    }

    /** The web client's redirect URI. */
    get webRedirect(): string {
        return WEB.redirectUri(this.url);
    }

    /**
     * Enrols a second factor for each user by Authelia's own command, in the place of an earlier one.
     *
     * @param execute Runs a command where Authelia runs: in its container, unless there is another place.
     */
    async enrol(
        users: readonly string[],
        execute = (...command: string[]) => this.stack.docker("exec", `${this.stack.prefix}authelia`, ...command),
    ): Promise<void> {
        for (const user of users) {
            const generate = ["authelia", "storage", "user", "totp", "generate", user, "--force"];
            const said = await execute(...generate);
            this.totpSecrets[user] = /secret=([A-Z2-7]+)/.exec(said)![1]!;
        }
    }

    /**
     * What an enrolled user signs in with. A code serves once: who signs in again within half a minute shows the next one, which
     * Authelia takes already, and waits for that of the third time. Source: Authelia's documentation, totp.skew.
     */
    credentials(username: string): Credentials {
        const code = async () => {
            const period = Math.max(Math.floor(Date.now() / 1000 / CODE_PERIOD), (this.shown[username] ?? 0) + 1);
            this.shown[username] = period;
            await pause(Math.max(0, (period - 1) * CODE_PERIOD * 1000 - Date.now()));
            return totp(this.totpSecrets[username]!, period * CODE_PERIOD);
        };
        return { username, password: this.passwords[username]!, code };
    }

    /** The credentials of somebody in whose sign-in, between password and code, something happens. */
    interrupted(username: string, happens: () => Promise<void>): Credentials {
        const { code, ...rest } = this.credentials(username);
        return {
            ...rest,
            code: async () => {
                await happens();
                return code();
            },
        };
    }

    /** What Docker says of a server's container, by a format of its own. */
    inspect(server: string, format: string): Promise<string> {
        return this.stack.docker("inspect", "--format", format, `${this.stack.prefix}${server}`);
    }

    /** Ids of the three containers that every stack has; a container that is made anew has another one. */
    containerIds(): Promise<string[]> {
        return Promise.all(["authelia", "edge", "ocis"].map((server) => this.inspect(server, "{{.Id}}")));
    }

    /** Waits until a server can serve, at most so many seconds. */
    async untilHealthy(server: string, seconds: number): Promise<void> {
        await eventually(`${server} is ready again`, seconds, async () => {
            return (await this.inspect(server, "{{.State.Health.Status}}")) === "healthy" || undefined;
        });
    }

    /** Starts a server anew, and waits. */
    async restart(server: string, seconds: number): Promise<void> {
        await this.stack.docker("restart", `${this.stack.prefix}${server}`);
        await this.untilHealthy(server, seconds);
    }

    /** Signs somebody in with one of ownCloud's clients, by default in a new browser. */
    signIn(credentials: Credentials, client: Client = WEB, browser = this.open()): Promise<Session> {
        return signIn(browser, this.url, client, credentials);
    }

    /** A code for the web client, with what it takes to exchange it. */
    async authorize(credentials: Credentials, browser = this.open()) {
        const configuration = await discover(browser, this.url, WEB);
        const { url, checks } = await authorizationRequest(configuration, WEB, this.webRedirect);
        const callback = await browser.authorize(url, credentials, this.webRedirect);
        return { browser, configuration, callback, checks };
    }

    /** Previews or refreshes the stack, which has to be as it is configured; returns what was said. */
    async expectNoChange(operation: "preview" | "refresh" = "preview"): Promise<string> {
        const { code, text } = await this.stack.operate(operation, ["--expect-no-changes"]);
        assert.equal(code, 0, text);
        return text;
    }

    /** Changes some of the settings and brings the stack up again. */
    async change(settings: Record<string, unknown>): Promise<void> {
        this.stack.configure({ ...this.settings, ...settings });
        await this.stack.up();
    }
}
