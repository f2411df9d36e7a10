/** A way to ownCloud, and what a client sends along it: by HTTP/1.1, as the desktop app does, over connections that stay open. */
import assert from "node:assert/strict";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { DefaultHttpStack } from "tus-js-client";
import { Pool } from "undici";

import { tlsOptions } from "../../client/browser";
import { eventually } from "../deployment/waiting";
import { sendByTus } from "../deployment/webdav";

/** How many requests are under way at once where there are many; the desktop app has six to ten. */
const AT_ONCE = 8;

/** The size of each request of an upload by tus, which oCIS tells its clients. Source: oCIS 8.2.0, capabilities, tus_support.max_chunk_size. */
const TUS_CHUNK = 10_000_000;

/** What bodies are made of, again and again, so that the client has little to do but to send. */
const BLOCK = Buffer.alloc(2 ** 20, "Sent again and again. ");

/** As many bytes as asked for. */
function* bytes(size: number) {
    for (let left = size; left > 0; left -= BLOCK.length) {
        yield BLOCK.subarray(0, left);
    }
}

/** tus-js-client's own requests, each sent along a way, wherever oCIS says that the upload goes on. */
class AlongTheWay extends DefaultHttpStack {
    constructor(
        private readonly url: string,
        agent: HttpAgent,
    ) {
        super({ agent });
    }

    override createRequest(method: string, url: string) {
        return super.createRequest(method, `${this.url}${new URL(url).pathname}`);
    }
}

export interface WayOptions {
    /** As a table says it: "through our edge". */
    readonly name: string;
    /** Where requests go. */
    readonly url: string;
    /** The authority to trust, PEM. */
    readonly ca: string;
    /** The address of this machine to which names under .localhost lead. */
    readonly loopback?: string;
    /** Who sends everything. */
    readonly authorization: string;
}

export class Way {
    private readonly pool: Pool;

    constructor(private readonly options: WayOptions) {
        const connect = tlsOptions(options.ca, options.loopback);
        this.pool = new Pool(options.url, { connections: AT_ONCE, allowH2: false, connect });
    }

    get name(): string {
        return this.options.name;
    }

    /** Ends open connections. */
    close(): Promise<void> {
        return this.pool.close();
    }

    /** One request, whose answer is taken to its end and dropped. */
    private async ask(
        method: string,
        path: string,
        headers: Record<string, string> = {},
        body?: Buffer | Readable,
    ): Promise<number> {
        const { authorization } = this.options;
        const answer = await this.pool.request({ method: method, path, headers: { authorization, ...headers }, body });
        answer.body.resume();
        await finished(answer.body);
        return answer.statusCode;
    }

    /** One request that has to be answered so. */
    async expect(status: number, ...request: Parameters<Way["ask"]>): Promise<void> {
        assert.equal(await this.ask(...request), status, `${request[0]} ${request[1]} ${this.name}`);
    }

    /** Writes a file of a size that memory need not hold. */
    put(path: string, size: number): Promise<void> {
        // oCIS wants the length before the content, as all of ownCloud's clients send it.
        return this.expect(201, "PUT", path, { "content-length": String(size) }, Readable.from(bytes(size)));
    }

    /** Writes a file into a folder in the requests of the tus protocol. */
    async tus(folder: string, name: string, size: number): Promise<void> {
        const { authorization, ca, loopback, url } = this.options;
        const tls = url.startsWith("https:");
        const agent = tls
            ? new HttpsAgent({ ...tlsOptions(ca, loopback), keepAlive: true })
            : new HttpAgent({ keepAlive: true });
        const file = { name, content: Readable.from(bytes(size)), size, chunk: TUS_CHUNK };
        await sendByTus(`${url}${folder}`, authorization, new AlongTheWay(url, agent), file);
        agent.destroy();
    }

    /** Does something once for each number below a limit, several at a time. */
    async each(count: number, work: (index: number) => Promise<void>): Promise<void> {
        const numbers = Array.from({ length: count }).keys();
        await Promise.all(
            Array.from({ length: AT_ONCE }, async () => {
                for (const index of numbers) {
                    await work(index);
                }
            }),
        );
    }

    /** Waits until oCIS has processed a file: before that it answers 425, Too Early. */
    async processed(path: string): Promise<void> {
        await eventually(`${path} can be read`, 60, async () => ((await this.ask("HEAD", path)) === 200 ? true : undefined));
    }
}
