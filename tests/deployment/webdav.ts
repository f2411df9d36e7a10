/** ownCloud's WebDAV as an independent library speaks it. */
import { Agent } from "node:https";
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
    readonly content: Readable;
    /** Bytes. */
    readonly size: number;
    /** Bytes that one request carries; it is held in memory here. */
    readonly chunk: number;
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
            retryDelays: null,
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
