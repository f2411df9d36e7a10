/** ownCloud's WebDAV as an independent library speaks it. */
import { Agent } from "node:https";
import { AuthType, createClient, WebDAVClient, WebDAVClientOptions } from "webdav";

import { tlsOptions } from "./browser";
import { Cloud } from "./cloud";
import { Session } from "./relying-party";
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
