/** A cloud that comes, changes and goes: ours, and the same servers by Docker Compose. */
import { Session } from "../../client/relying-party";
import { ImageNames } from "../../operations/images";
import { Cloud, usersCalled, withDefaults } from "../deployment/cloud";
import { docker, Stack } from "../deployment/stack";
import { eventually } from "../deployment/waiting";
import { Compose, Server } from "./compose";

export const SERVERS = ["authelia", "ocis", "edge"] as const;

/** People who work at once. */
export const PEOPLE = Array.from({ length: 20 }, (_, index) => `person-${index}`);

/** A file that everybody has who is signed in here. */
export const FILE = "/remote.php/webdav/letter.txt";

/** A key that only this server reads, with another value than `bothDeployments` gives it. */
const CHANGES: Readonly<Record<Server, object>> = {
    authelia: { peopleAtOneAddress: 101 },
    ocis: { appTokens: true },
    edge: { http3: false },
};

/** After how long a server that does not answer is broken, seconds; and how often it is asked, milliseconds. */
const PATIENCE = 60;
const BETWEEN = 50;

/** One of the two. */
export interface Deployment {
    /** Has nothing, but whatever `up` takes for granted. */
    prepare(): Promise<unknown>;
    up(): Promise<unknown>;
    change(server: Server): Promise<unknown>;
    /** Everything goes, data too. */
    down(): Promise<unknown>;
    containerName(server: Server): string;
    /** Who is there once it is up. */
    cloud(): Promise<Cloud>;
}

class Ours implements Deployment {
    readonly stack = new Stack("bench-life");
    private changes: object = {};

    constructor(private readonly settings: Record<string, unknown>) {}

    async prepare() {
        this.changes = {};
        await this.stack.create(this.settings);
    }

    up() {
        return this.stack.up();
    }

    async change(server: Server) {
        this.changes = { ...this.changes, ...CHANGES[server] };
        this.stack.configure({ ...this.settings, ...this.changes });
        await this.stack.up();
    }

    async down() {
        const { code, text } = await this.stack.operate("destroy");
        if (code !== 0) {
            throw new Error(text);
        }
    }

    containerName(server: Server) {
        return `${this.stack.prefix}${server}`;
    }

    cloud() {
        return Cloud.of(this.stack, this.settings);
    }
}

class Beside implements Deployment {
    constructor(
        private readonly compose: Compose,
        private readonly same: Cloud,
    ) {}

    async prepare() {}

    up() {
        return this.compose.up();
    }

    change(server: Server) {
        return this.compose.change(server);
    }

    down() {
        return this.compose.lose();
    }

    containerName(server: Server) {
        return this.compose.containerName(server);
    }

    cloud() {
        return Promise.resolve(this.same);
    }
}

/** Waits until an answer is good, as somebody does who cannot wait. */
export async function untilGood(ask: () => Promise<number>): Promise<void> {
    const isGood = async () => ((await ask().catch(() => 0)) === 200 ? true : undefined);
    await eventually("an answer is good", PATIENCE, isGood, BETWEEN);
}

/** Waits until both servers answer through the edge. */
export async function answers(cloud: Cloud): Promise<void> {
    const browser = cloud.open();
    for (const url of [`${cloud.issuer}/.well-known/openid-configuration`, `${cloud.url}/status.php`]) {
        await untilGood(async () => (await browser.ask(url)).status);
    }
}

/** Somebody who is signed in, and has a file. */
export async function signIn(deployment: Deployment, cloud: Cloud, user: string): Promise<Session> {
    await cloud.enrol([user], (...command) => docker("exec", deployment.containerName("authelia"), ...command));
    const session = await cloud.signIn(cloud.credentials(user));
    const { status } = await session.ask(FILE, { method: "PUT", body: "Dear all" });
    if (status !== 201) {
        throw new Error(`${user} could not store a file: ${status}`);
    }
    return session;
}

/** Both, of which one is up at a time: they have the same port. */
export interface Deployments {
    readonly ours: Deployment;
    readonly beside: Deployment;
    /** Forgets both, which have to be down. */
    readonly close: () => Promise<void>;
}

/** Makes both. */
export async function bothDeployments(images: ImageNames): Promise<Deployments> {
    const settings = await withDefaults({ images, users: usersCalled(["alice", ...PEOPLE]), peopleAtOneAddress: 100 });
    const ours = new Ours(settings);
    // Compose takes over what ours reads. It also has both begin with images and programs that were read before.
    await ours.prepare();
    await ours.up();
    const cloud = await ours.cloud();
    const compose = await Compose.like(cloud, "bench-compose");
    await ours.down();
    const close = async () => {
        await compose.forget();
        await ours.stack.destroy();
    };
    return { ours, beside: new Beside(compose, cloud), close };
}
