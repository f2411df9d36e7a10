/** ownCloud's WebDAV as an independent library speaks it. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Agent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { DefaultHttpStack, Upload } from "tus-js-client";
import { AuthType, createClient, WebDAVClient, WebDAVClientOptions } from "webdav";

import { tlsOptions } from "../../client/browser";
import { Cloud } from "./cloud";
import { Session } from "../../client/relying-party";
import { eventually } from "./waiting";

function webdavClient(cloud: Cloud, path: string, options: WebDAVClientOptions): WebDAVClient {
    const httpsAgent = new Agent({ ...tlsOptions(cloud.ca), keepAlive: false });
    return createClient(`${cloud.url}${path}`, { ...options, httpsAgent });
}

/** The files of somebody who has signed in. */
export function tokenClient(cloud: Cloud, { tokens }: Session): WebDAVClient {
    const token = { access_token: tokens.access_token, token_type: "Bearer" };
    return webdavClient(cloud, "/remote.php/webdav/", { authType: AuthType.Token, token });
}

/** What a public link shows to whoever knows its password. */
export function publicClient(cloud: Cloud, link: string, password: string): WebDAVClient {
    const options = { authType: AuthType.Password, username: "public", password };
    return webdavClient(cloud, `/remote.php/dav/public-files/${link}`, options);
}

/** A file for the tus protocol. */
export interface TusFile {
    readonly name: string;
    readonly content: Readable | Buffer;
    /** Bytes. */
    readonly size: number;
    /** Bytes that one request carries; it is held in memory here. */
    readonly chunk: number;
    /** Milliseconds until a request that failed is tried again, for each time; never by default. */
    readonly retryDelays?: readonly number[];
}

/**
 * Sends a file in the requests of the tus protocol.
 *
 * @param endpoint URL of the folder.
 * @param httpStack Sends the requests.
 */
export async function sendByTus(
    endpoint: string,
    authorization: string,
    httpStack: DefaultHttpStack,
    file: TusFile,
): Promise<void> {
    await new Promise<void>((resolve, reject) => {
        const upload = new Upload(file.content, {
            endpoint,
            headers: { authorization },
            httpStack,
            uploadSize: file.size,
            chunkSize: file.chunk,
            metadata: { filename: file.name },
            retryDelays: file.retryDelays === undefined ? null : [...file.retryDelays],
            onError: reject,
            onSuccess: () => resolve(),
        });
        upload.start();
    });
}

/** Writes a file into a folder as the web interface uploads, wherever ownCloud says that the requests go. */
export async function uploadByTus(cloud: Cloud, session: Session, folder: string, file: TusFile): Promise<void> {
    const agent = new Agent({ ...tlsOptions(cloud.ca), keepAlive: true });
    await sendByTus(`${cloud.url}${folder}`, session.authorization, new DefaultHttpStack({ agent }), file);
    agent.destroy();
}

/** Content of that many bytes of which no two MiB are alike, and its digest once it was read to its end. */
export function largeContent(bytes: number): { readonly content: Readable; readonly digest: () => string } {
    const hash = createHash("sha256");
    const block = randomBytes(1 << 20);
    function* blocks() {
        for (let left = bytes; left > 0; left -= block.length) {
            if (left >= 4) {
                block.writeUInt32BE(left % 2 ** 32);
            }
            const next = Buffer.from(block.subarray(0, left));
            hash.update(next);
            yield next;
        }
    }
    return { content: Readable.from(blocks()), digest: () => hash.digest("hex") };
}

/**
 * Writes a file by PUT, with its length before its content: oCIS wants it, all of ownCloud's clients send it, and fetch does not.
 *
 * @returns The status of the answer.
 */
export function put(cloud: Cloud, { authorization }: Session, path: string, content: Readable, bytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
        const headers = { authorization, "content-length": bytes };
        const options = { ...tlsOptions(cloud.ca), method: "PUT", headers };
        const request = httpsRequest(`${cloud.url}${path}`, options, (answer) => resolve(answer.resume().statusCode!));
        request.on("error", reject);
        content.pipe(request);
    });
}

/** Reads a file and returns its digest; oCIS answers 425 Too Early while it still processes an upload. */
export function digestOf(session: Session, path: string): Promise<string> {
    return eventually(`${path} can be read`, 120, async () => {
        const response = await session.request(path);
        if (response.status !== 200) {
            const text = await response.text();
            assert.equal(response.status, 425, text);
            return undefined;
        }
        const hash = createHash("sha256");
        for await (const chunk of response.body!) {
            hash.update(chunk as Uint8Array);
        }
        return hash.digest("hex");
    });
}

/** Reads a file that was just written: oCIS answers 425 Too Early while it still processes the upload. */
export function readText(webdav: WebDAVClient, path: string): Promise<unknown> {
    return eventually("the file can be read", 30, async () => {
        try {
            return await webdav.getFileContents(path, { format: "text" });
        } catch (error) {
            if ((error as { status?: number }).status === 425) {
                return undefined;
            }
            throw error;
        }
    });
}
