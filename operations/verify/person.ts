/**
 * What somebody sees who signs in. Nothing stays: files, links and app tokens are deleted, tokens revoked, the session ended, and a second
 * factor that was made for this goes again. One that is there is used and never changed.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import * as oidc from "openid-client";

import { basic, Browser, Credentials, totp } from "../../client/browser";
import { CLIENTS, Session, signIn } from "../../client/relying-party";
import { hostsOf } from "../../hosts";
import { Failure } from "../../system/failure";
import { Server } from "../server";
import { askServer, LINES, Seen } from "./outside";
import { Check, Warning } from "./report";

/** How long oCIS may process a small upload, seconds; meanwhile it answers 425. */
const UPLOAD_SECONDS = 30;

/** A second factor, and how it goes again where it was made for this. */
export interface SecondFactor {
    readonly secret: string;
    readonly remove: () => Promise<void>;
}

const STORAGE = ["authelia", "storage", "user", "totp"];

/** The secret of a user among what `authelia storage user totp export uri` says, one address in a line. */
export function secretIn(exported: string, user: string): string | undefined {
    const own = [...exported.matchAll(/otpauth:\/\/totp\/\S+/g)].map(([uri]) => new URL(uri));
    const label = (uri: URL) => decodeURIComponent(uri.pathname).replace(/^\/+(totp\/)?/, "");
    return own.find((uri) => label(uri).split(":").at(-1) === user)?.searchParams.get("secret") ?? undefined;
}

/** The user's second factor, read from Authelia's storage; who has none gets one for the time being. */
export async function secondFactor(authelia: Server, user: string): Promise<SecondFactor> {
    const exported = await authelia.attempt(...STORAGE, "export", "uri");
    const known = secretIn(exported.stdout, user);
    if (known !== undefined) {
        return { secret: known, remove: () => Promise.resolve() };
    }
    // Without --force Authelia refuses where there is one.
    const made = await authelia.attempt(...STORAGE, "generate", user);
    const secret = /secret=([A-Z2-7]+)/.exec(made.stdout)?.[1];
    if (made.code !== 0 || secret === undefined) {
        const container = authelia.container;
        throw new Failure(
            `Authelia makes no second factor for ${user} (status ${made.code}); docker logs ${container} says why.`,
        );
    }
    const remove = async () => {
        const { code } = await authelia.attempt(...STORAGE, "delete", user);
        if (code !== 0) {
            throw new Failure(
                `The second factor of ${user}, made for this, is still there: docker exec ${authelia.container} ` +
                    `${STORAGE.join(" ")} delete ${user}`,
            );
        }
    };
    return { secret, remove };
}

/** Names of the lines of somebody who signs in. */
const SIGN_IN = (client: string) => `sign-in: ${client}`;

export class Person {
    private readonly sessions: Record<string, Session> = {};
    private readonly note: string;

    constructor(
        private readonly seen: Seen,
        private readonly browser: Browser,
        private readonly username: string,
        private readonly password: () => string,
        private readonly secret: () => string,
    ) {
        this.note = `verify-${randomBytes(6).toString("hex")}.txt`;
    }

    private credentials(password: string): Credentials {
        return { username: this.username, password, code: () => totp(this.secret()) };
    }

    private get web(): Session {
        return this.sessions.web!;
    }

    /** One request to ownCloud, which has to answer with one of these. */
    private async expect(path: string, statuses: readonly number[], question: object = {}, session = this.web) {
        const { cloud } = hostsOf(this.seen.settings);
        const headers = { authorization: session.authorization, ...(question as { headers?: object }).headers };
        const answer = await askServer(this.browser, "ocis", cloud.url + path, { ...question, headers });
        assert.ok(statuses.includes(answer.status), `${path.split("?")[0]} answers ${answer.status}`);
        return answer;
    }

    /** Deletes a file, out of the bin too: there oCIS calls it by the last part of its id. */
    private async deleteNote(path: string, id: string): Promise<void> {
        await this.expect(path, [204], { method: "DELETE" });
        const [space, item] = id.split("!");
        await this.expect(`/remote.php/dav/spaces/trash-bin/${space}/${item}`, [204], { method: "DELETE" });
    }

    private async withNote<T>(work: (path: string) => Promise<T>): Promise<T> {
        const path = `/remote.php/webdav/${this.note}`;
        const { headers } = await this.expect(path, [201], { method: "PUT", body: this.note });
        try {
            for (const end = Date.now() + UPLOAD_SECONDS * 1000; ; await pause(200)) {
                const { status, text } = await this.expect(path, [200, 425]);
                if (status === 200) {
                    assert.equal(text, this.note, "the file that is read is not the one that was written");
                    return await work(path);
                }
                assert.ok(Date.now() < end, `the upload is still processed after ${UPLOAD_SECONDS} s`);
            }
        } finally {
            await this.deleteNote(path, headers.get("oc-fileid")!);
        }
    }

    private async publicLink(path: string): Promise<void> {
        const { cloud } = hostsOf(this.seen.settings);
        const shares = "/ocs/v1.php/apps/files_sharing/api/v1/shares";
        const password = `Aa1!${randomBytes(12).toString("base64url")}`;
        const { text } = await this.expect(`${shares}?format=json`, [200], {
            method: "POST",
            headers: { "ocs-apirequest": "true" },
            body: new URLSearchParams({ path: `/${this.note}`, permissions: "1", shareType: "3", password }),
        });
        const { id, token } = (JSON.parse(text) as { ocs: { data: { id?: string; token?: string } } }).ocs.data;
        assert.ok(id !== undefined && token !== undefined, `ownCloud makes no public link of ${path}`);
        const stranger = new Browser(this.seen.ca);
        try {
            const question = { method: "PROPFIND", headers: { ...basic("public", password), depth: "0" } };
            const { status } = await stranger.ask(`${cloud.url}/remote.php/dav/public-files/${token}/`, question);
            assert.equal(status, 207, `the link answers ${status}`);
        } finally {
            await stranger.close();
            await this.expect(`${shares}/${id}`, [200], { method: "DELETE", headers: { "ocs-apirequest": "true" } });
        }
    }

    /** Digests of the person's app tokens: by them oCIS lists and deletes. Source: oCIS 8.2.0, services/auth-app/pkg/service/service.go. */
    private async appTokens(): Promise<string[]> {
        const { text } = await this.expect("/auth-app/tokens", [200]);
        return (JSON.parse(text) as { token: string }[] | null)?.map(({ token }) => token) ?? [];
    }

    private async appToken(): Promise<void> {
        const before = await this.appTokens();
        const { text } = await this.expect("/auth-app/tokens?expiry=1h", [200], { method: "POST" });
        const { token } = JSON.parse(text) as { token: string };
        try {
            const question = { method: "PROPFIND", headers: { ...basic(this.username, token), depth: "0" } };
            await this.expect("/remote.php/webdav/", [207], question);
        } finally {
            const made = (await this.appTokens()).filter((digest) => !before.includes(digest));
            assert.equal(
                made.length,
                1,
                "another app token was made meanwhile; that of an hour stays, as none may be taken for it",
            );
            await this.expect(`/auth-app/tokens?token=${encodeURIComponent(made[0]!)}`, [200], { method: "DELETE" });
        }
    }

    checks(): Check[] {
        const { settings, ca, stack } = this.seen;
        const { cloud } = hostsOf(settings);
        const web = SIGN_IN("web");
        const files = {
            cause: "oCIS cannot write its data: a full disk or a missing volume",
            cure: "df on the Docker host; docker logs",
        };
        return [
            {
                what: "a wrong password",
                needs: [LINES.relayed],
                look: async () => {
                    const stranger = new Browser(ca);
                    try {
                        await signIn(
                            stranger,
                            cloud.url,
                            CLIENTS.web!,
                            this.credentials(randomBytes(12).toString("base64url")),
                        );
                    } catch (error) {
                        assert.match((error as Error).message, /^the password was refused with 401/);
                        return "is refused";
                    } finally {
                        await stranger.close();
                    }
                    assert.fail("is accepted");
                },
                cause: "the person is banned for some minutes after wrong passwords, or Authelia answers otherwise than it should",
                cure: "wait, and run the command again",
            },
            ...Object.entries(CLIENTS).map(([name, client]): Check => ({
                what: SIGN_IN(name),
                needs: name === "web" ? [LINES.relayed] : [web],
                look: async () => {
                    const session = await signIn(this.browser, cloud.url, client, this.credentials(this.password()));
                    this.sessions[name] = session;
                    const before = await session.me();
                    this.sessions[name] = await session.refresh();
                    const after = await this.sessions[name].me();
                    assert.equal(after.id, before.id, "the refreshed token is somebody else's");
                    const how = name === "web" ? "password and code" : "the session, with consent";
                    return `by ${how}; token refreshed; ownCloud says ${String(after.onPremisesSamAccountName)}`;
                },
                cause: "the password has been changed, the code was used within this half minute, or access.groups shuts the person out",
                cure: `wait half a minute and run the command again; docs/access.md; npm run pulumi -- preview --stack ${stack}`,
            })),
            {
                what: "a file",
                needs: [web],
                look: () => this.withNote(() => Promise.resolve("written, read, deleted")),
                ...files,
            },
            {
                what: "a public link",
                needs: ["a file"],
                look: () => this.withNote((path) => this.publicLink(path).then(() => "made, opened by a stranger, deleted")),
                ...files,
            },
            ...(settings.appTokens
                ? [
                      {
                          what: "an app token",
                          needs: [web],
                          look: () => this.appToken().then(() => "made, used for WebDAV, deleted"),
                          cause: "oCIS runs without its service auth-app",
                          cure: `npm run pulumi -- up --stack ${stack} --refresh`,
                      },
                  ]
                : []),
            ...(settings.smtp === undefined
                ? []
                : [
                      {
                          what: "mail",
                          needs: [web],
                          look: async () => {
                              await this.browser.mailCode(hostsOf(settings).auth.url);
                              return `${settings.smtp!.host} took a mail to the person, with a one-time code that is revoked`;
                          },
                          cause: "Authelia reaches the mail server no more, or that takes no mail from it",
                          cure: `npm run doctor -- --stack ${stack}; docker logs of Authelia names the error`,
                      },
                  ]),
            {
                // Also where signing in failed half way.
                what: "signing out",
                needs: [LINES.relayed],
                look: () => this.end(),
                cause: "Authelia ended meanwhile",
                cure: "tokens end by themselves; npm run end-access ends them now",
            },
        ];
    }

    /** Revokes every token and ends the session. */
    private async end(): Promise<string | Warning> {
        let refused = 0;
        for (const { configuration, tokens } of Object.values(this.sessions)) {
            for (const token of [tokens.refresh_token, tokens.access_token]) {
                if (token !== undefined) {
                    await oidc.tokenRevocation(configuration, token).catch((error: Error) => {
                        if (!(error instanceof oidc.ResponseBodyError && error.error === "invalid_client")) {
                            throw error;
                        }
                        refused++;
                    });
                }
            }
        }
        await this.browser.signOut(hostsOf(this.seen.settings).auth.url);
        const ended = `session of ${Object.keys(this.sessions).length} clients ended`;
        return refused === 0
            ? `${ended}, every token revoked`
            : new Warning(
                  `${ended}; ${refused} tokens could not be revoked`,
                  "this release of Authelia refuses clients at its revocation endpoint whom it takes at its token endpoint; seen with 4.39.20",
                  `the tokens end by themselves; npm run end-access -- ${this.username} --stack ${this.seen.stack} ends them now`,
              );
    }
}
