/** A stack that is up, for tests: what it says of itself, browsers that trust it, and people with second factors. */
import { Images } from "../../operations/images";
import { Browser, Credentials, totp } from "./browser";
import { docker, freePort, Stack } from "./stack";

/** What a test says of its stack; the rest is the same for all: a private authority, a free port on the loopback. */
export interface CloudSettings {
    readonly images: Images;
    readonly users?: Record<string, object>;
    readonly [key: string]: unknown;
}

export class Cloud {
    private readonly browsers: Browser[] = [];
    private readonly totpSecrets: Record<string, string> = {};

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
        const settings = {
            domain: "test.localhost",
            address: "127.0.0.1",
            httpsPort: await freePort(),
            httpPort: 0,
            tls: { mode: "private-ca" },
            keepData: false,
            ...more,
        };
        await stack.create(settings);
        try {
            await stack.up();
            const outputs = ["caCertificate", "cloudUrl", "issuer"].map((name) => stack.output<string>(name));
            const [ca, url, issuer] = (await Promise.all(outputs)) as [string, string, string];
            return new Cloud(stack, settings, ca, url, issuer, await stack.output("initialPasswords"));
        } catch (error) {
            await stack.destroy();
            throw error;
        }
    }

    /** Closes every browser and takes the stack down. */
    async down(): Promise<void> {
        await Promise.all(this.browsers.map((browser) => browser.close()));
        await this.stack.destroy();
    }

    /** A new browser, with nobody signed in. */
    open(): Browser {
        const browser = new Browser(this.ca);
        this.browsers.push(browser);
        return browser;
    }

    /** The web client's redirect URI. */
    get webRedirect(): string {
        return `${this.url}/oidc-callback.html`;
    }

    /** Enrols a second factor for each user by Authelia's own command, in the place of an earlier one. */
    async enrol(users: readonly string[]): Promise<void> {
        for (const user of users) {
            const generate = ["authelia", "storage", "user", "totp", "generate", user, "--force"];
            const said = await docker("exec", `${this.stack.prefix}authelia`, ...generate);
            this.totpSecrets[user] = /secret=([A-Z2-7]+)/.exec(said)![1]!;
        }
    }

    /** What an enrolled user signs in with. */
    credentials(username: string): Credentials {
        return { username, password: this.passwords[username]!, code: () => totp(this.totpSecrets[username]!) };
    }
}
