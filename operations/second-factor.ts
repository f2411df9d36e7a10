/** The authenticator app of a person, enrolled by Authelia's own command, and shown in a terminal. */
import * as qrcode from "qrcode";

import { Failure } from "../system/failure";
import { Server } from "./server";

const TOTP = ["authelia", "storage", "user", "totp"];

/** Which of the URIs in what Authelia has printed is a person's. Pure. */
export function uriOf(said: string, user: string): string | undefined {
    const uris = said.match(/otpauth:\/\/totp\/[^\s']+/g) ?? [];
    return uris.find((uri) => decodeURIComponent(new URL(uri).pathname).endsWith(`:${user}`));
}

function expectUri(authelia: Server, said: string, user: string): string {
    const uri = uriOf(said, user);
    if (uri === undefined) {
        throw new Failure(`Authelia did not say the second factor of ${user}. Its log: docker logs ${authelia.container}`);
    }
    return uri;
}

/**
 * Enrols an authenticator app.
 *
 * @param replace Whether one that is enrolled gives way.
 * @returns The URI that the app is given, a secret; undefined where one is enrolled already.
 */
export async function enrol(authelia: Server, user: string, replace: boolean): Promise<string | undefined> {
    const { code, stdout, text } = await authelia.attempt(...TOTP, "generate", user, ...(replace ? ["--force"] : []));
    if (code === 0) {
        return expectUri(authelia, stdout, user);
    }
    if (!replace && text.includes("--force")) {
        return undefined; // it says by what it would replace the other
    }
    throw new Failure(`Authelia enrols no authenticator app for ${user}:\n${text.trim()}`);
}

/** The URI of the authenticator app that is enrolled, or now is. */
export async function enrolled(authelia: Server, user: string): Promise<string> {
    const fresh = await enrol(authelia, user, false);
    return fresh ?? expectUri(authelia, (await authelia.execute(...TOTP, "export", "uri")) ?? "", user);
}

/** The QR code that an authenticator app scans, and the secret for one that cannot. */
export async function printSecondFactor(uri: string): Promise<string> {
    const code = await qrcode.toString(uri, { type: "terminal", small: true });
    return `${code}\n                  or that was given the secret ${new URL(uri).searchParams.get("secret")}`;
}
