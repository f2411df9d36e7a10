/**
 * An office server for tests, on the address of the Docker host that containers reach, over TLS with a certificate of an authority of its
 * own: says what it opens, as Collabora and ONLYOFFICE do (WOPI discovery), shows a page in the place of an editor, and reads and writes
 * documents as they do, each request with its proof. Source: Microsoft's documentation, "WOPI REST API", "Verify that requests originate
 * from Office for the web by using proof keys".
 */
import { createSign, generateKeyPairSync, KeyObject } from "node:crypto";
import { createServer, Server } from "node:https";

import { Answer, Browser } from "../../client/browser";
import { Session } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { Authority } from "../authority";
import { hostAddress } from "./stack";

/** What the page shows in the place of an editor. */
export const EDITOR = "The editor of this test";

/** The year 1 is so long before 1970, and a tick is a tenth of a microsecond: by these .NET counts time. */
const EPOCH_TICKS = 621_355_968_000_000_000n;

const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A text after its length, as a proof has it. */
function counted(content: Buffer): Buffer {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    return Buffer.concat([length, content]);
}

/** Headers that prove who sends a request. */
function proof(key: KeyObject, url: string, token: string): Record<string, string> {
    const ticks = EPOCH_TICKS + BigInt(Date.now()) * 10_000n;
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(ticks);
    const parts = [Buffer.from(token), Buffer.from(url.toUpperCase()), time].map(counted);
    const signature = createSign("RSA-SHA256").update(Buffer.concat(parts)).sign(key, "base64");
    return { "x-wopi-timestamp": String(ticks), "x-wopi-proof": signature };
}

/** A document that somebody has opened: what the office server is given to reach it. */
export class OpenDocument {
    constructor(
        private readonly browser: Browser,
        private readonly key: KeyObject,
        /** Its URL, at the cloud. */
        readonly source: string,
        /** Stands for the person. */
        readonly token: string,
    ) {}

    /** The same with something else in the place of what is true. */
    but(change: { readonly key?: KeyObject; readonly source?: string; readonly token?: string }): OpenDocument {
        const { key = this.key, source = this.source, token = this.token } = change;
        return new OpenDocument(this.browser, key, source, token);
    }

    /** @param path Below the document's URL. @param headers Those of the operation. */
    private ask(path: string, method: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
        const url = `${this.source}${path}?access_token=${this.token}`;
        return this.browser.ask(url, { method, body, headers: { ...headers, ...proof(this.key, url, this.token) } });
    }

    /** CheckFileInfo. */
    info(): Promise<Answer> {
        return this.ask("", "GET");
    }

    /** What CheckFileInfo has said. */
    async properties(): Promise<Record<string, unknown>> {
        return JSON.parse((await this.info()).text) as Record<string, unknown>;
    }

    /** The same without a proof. */
    unproved(): Promise<Answer> {
        return this.browser.ask(`${this.source}?access_token=${this.token}`);
    }

    /** GetFile. */
    read(): Promise<Answer> {
        return this.ask("/contents", "GET");
    }

    /** PutFile. @param lock That of who writes. */
    write(content: string, lock: string): Promise<Answer> {
        return this.ask("/contents", "POST", { "x-wopi-override": "PUT", "x-wopi-lock": lock }, content);
    }

    /** Lock and Unlock. */
    lock(operation: "LOCK" | "UNLOCK", lock: string): Promise<Answer> {
        return this.ask("", "POST", { "x-wopi-override": operation, "x-wopi-lock": lock });
    }
}

export class OfficeServer {
    private readonly certification = new Authority();
    private readonly keys = newKey();
    private server?: Server;

    private constructor(
        private readonly address: string,
        private readonly port: number,
    ) {}

    /** Starts one that listens. */
    static async start(): Promise<OfficeServer> {
        const server = new OfficeServer(await hostAddress(), await freePort());
        await server.serve();
        return server;
    }

    get url(): string {
        return `https://${this.address}:${this.port}`;
    }

    /** What a stack is told of it. */
    get settings() {
        return { mode: "collabora", url: this.url, authority: this.certification.root };
    }

    /** The root of its certificate, PEM. */
    get root(): string {
        return this.certification.root;
    }

    /** Of somebody else. */
    otherKey(): KeyObject {
        return newKey().privateKey;
    }

    private discovery(): string {
        const { n, e } = this.keys.publicKey.export({ format: "jwk" });
        const base64 = (value: string) => Buffer.from(value, "base64url").toString("base64");
        return `<?xml version="1.0" encoding="utf-8"?>
<wopi-discovery>
  <net-zone name="external-http">
    <app name="application/vnd.oasis.opendocument.text">
      <action name="edit" ext="odt" default="true" urlsrc="${this.url}/browser/edit?"/>
    </app>
  </net-zone>
  <proof-key modulus="${base64(n!)}" exponent="${base64(e!)}"/>
</wopi-discovery>`;
    }

    /** Listens, again where it was away. */
    async serve(): Promise<void> {
        const { certificate, key } = this.certification.issue(`IP:${this.address}`);
        const server = createServer({ cert: certificate, key }, (request, response) => {
            const page = request.url!.startsWith("/browser/edit");
            if (request.url === "/hosting/discovery") {
                response.setHeader("content-type", "text/xml").end(this.discovery());
            } else if (page && request.method === "POST") {
                response.setHeader("content-type", "text/html").end(`<p>${EDITOR}</p>`);
            } else if (request.url === "/favicon.ico") {
                const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
                response.setHeader("content-type", "image/svg+xml").end(svg);
            } else {
                response.writeHead(404).end();
            }
        });
        await new Promise<void>((resolve) => server.listen(this.port, this.address, resolve));
        this.server = server;
    }

    /** Ends, without a word to whoever is connected. */
    async leave(): Promise<void> {
        const { server } = this;
        this.server = undefined;
        server?.closeAllConnections();
        await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    }

    /** What somebody is given who opens a document in ownCloud; undefined where it is refused, with the answer's status. */
    async open(session: Session, fileId: string, app: string): Promise<OpenDocument | number> {
        const body = new URLSearchParams({ file_id: fileId, app_name: app });
        const { status, text } = await session.ask("/app/open", { method: "POST", body });
        if (status !== 200) {
            return status;
        }
        const { app_url: url, form_parameters: form } = JSON.parse(text) as {
            app_url: string;
            form_parameters: Record<string, string>;
        };
        const source = new URL(url).searchParams.get("WOPISrc")!;
        return new OpenDocument(session.browser, this.keys.privateKey, source, form.access_token!);
    }

    /** Ends, and deletes its keys. */
    async stop(): Promise<void> {
        await this.leave();
        this.certification.close();
    }
}
