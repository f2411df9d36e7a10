/** Everything by which somebody who has signed in once gets in without signing in again, and what becomes of it. */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import * as oidc from "openid-client";
import { Response as Answered } from "undici";

import { basic, Browser } from "../../client/browser";
import { Cloud } from "./cloud";
import { ocs, share } from "./ocs";
import { Session, WEB } from "../../client/relying-party";

/** The file that each way leads to, and what is in it. */
const NOTE = "note.txt";

/** Of public links; long enough for oCIS's rules. */
const LINK_PASSWORD = "Aa1!for-everyone";

/** Life of a signed URL, seconds. The web interface signs for minutes; this outlives a test. */
const SIGNED_FOR = 3600;

/** What became of each way: the status of the answer, or what stands for it. */
export interface Outcome {
    /** Authelia's session: how far the browser is signed in; 2 is by password and code. */
    readonly session: number;
    readonly accessToken: number;
    /** What Authelia answers where it refuses, else what ownCloud answers to the new access token. */
    readonly refreshToken: `Authelia ${number}` | `ownCloud ${number}`;
    readonly appToken?: number;
    readonly signedUrl: number;
    readonly publicLink: number;
}

/** Each way in while it is open; app tokens only where the release has them. */
export const OPEN: Outcome = {
    session: 2,
    accessToken: 200,
    refreshToken: "ownCloud 200",
    appToken: 207,
    signedUrl: 200,
    publicLink: 207,
};

/** A URL that its signature opens. Source: oCIS 8.2.0, services/proxy/pkg/middleware/signed_url_auth.go. */
function signed(url: string, user: string, key: string): string {
    const parameters = new URLSearchParams({
        "OC-Credential": user,
        "OC-Date": new Date().toISOString(),
        "OC-Expires": String(SIGNED_FOR),
        "OC-Verb": "GET",
    });
    const signature = pbkdf2Sync(`${url}?${parameters.toString()}`, key, 10_000, 32, "sha512").toString("hex");
    return `${url}?${parameters.toString()}&OC-Signature=${signature}`;
}

/** The session with new tokens, or what the provider answers to the refresh token. */
async function refreshed(session: Session): Promise<Session | number> {
    try {
        return await session.refresh();
    } catch (error) {
        if (error instanceof oidc.ResponseBodyError) {
            return error.status;
        }
        if (error instanceof oidc.ClientError && error.cause instanceof Answered) {
            return error.cause.status;
        }
        throw error;
    }
}

export class WaysIn {
    private constructor(
        private readonly cloud: Cloud,
        readonly user: string,
        private readonly browser: Browser,
        /** With the newest tokens. */
        public session: Session,
        private readonly appToken: string | undefined,
        private readonly signedUrl: string,
        private readonly link: string,
    ) {}

    /** Signs somebody in by the web client, and gathers all the ways. */
    static async gather(cloud: Cloud, user: string, appTokens: boolean): Promise<WaysIn> {
        const browser = cloud.open();
        const session = await cloud.signIn(cloud.credentials(user), WEB, browser);
        const put = await session.ask(`/remote.php/webdav/${NOTE}`, { method: "PUT", body: `by ${user}` });
        assert.ok([201, 204].includes(put.status), `${put.status} ${put.text}`);
        const made = appTokens ? await session.ask("/auth-app/tokens?expiry=1h", { method: "POST" }) : undefined;
        const { "signing-key": key } = await ocs(session, "cloud/user/signing-key");
        return new WaysIn(
            cloud,
            user,
            browser,
            session,
            made && (JSON.parse(made.text) as { token: string }).token,
            signed(`${cloud.url}/remote.php/dav/files/${user}/${NOTE}`, user, key!),
            (await share(session, `/${NOTE}`, { shareType: "3", password: LINK_PASSWORD })).token!,
        );
    }

    /** Tries each of them once. */
    async outcome(): Promise<Outcome> {
        const { cloud, user, browser, appToken, signedUrl, link } = this;
        const list = async (path: string, name: string, password: string) => {
            const question = { method: "PROPFIND", headers: { ...basic(name, password), depth: "0" } };
            return (await cloud.open().ask(`${cloud.url}/remote.php/${path}`, question)).status;
        };
        const session = await browser.authenticationLevel(cloud.issuer);
        const accessToken = await this.session.status();
        const next = await refreshed(this.session); // a refresh token serves once
        this.session = typeof next === "number" ? this.session : next;
        return {
            session,
            accessToken,
            refreshToken: typeof next === "number" ? `Authelia ${next}` : `ownCloud ${await next.status()}`,
            ...(appToken === undefined ? {} : { appToken: await list("webdav/", user, appToken) }),
            signedUrl: (await cloud.open().ask(signedUrl)).status,
            publicLink: await list(`dav/public-files/${link}/`, "public", LINK_PASSWORD),
        };
    }
}
