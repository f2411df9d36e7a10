/** Passwords of people in a stack's configuration: asked for, generated, and made into the digest that Authelia is given. */
import { randomBytes, scrypt } from "node:crypto";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

import { Failure } from "../system/failure";
import { answered } from "./prompt";

/** Fewest characters. Source: NIST SP 800-63B-4, 3.1.1.2, for a password that is asked for together with a second factor. */
const FEWEST = 8;

/** Cost of a digest, as Authelia's own by default: 2^16 rounds in 64 MiB. Source: Authelia 4.39.20, schema/authentication.go. */
const COST = { ln: 16, r: 8, p: 1 };

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** One that nobody has thought of: 120 bits. */
export function generatePassword(): string {
    return randomBytes(15).toString("base64url");
}

/**
 * The scrypt digest in the form that Authelia reads. Made here, because Authelia's own command takes a password from a terminal or from
 * its command line alone, which everybody on the machine can read. Source: Authelia 4.39.20, internal/commands/crypto_hash.go.
 */
export async function digestOf(password: string, salt = randomBytes(16)): Promise<string> {
    const { ln, r, p } = COST;
    const N = 2 ** ln;
    const key = await derive(password, salt, 32, { N, r, p, maxmem: 2 * 128 * N * r });
    const base64 = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
    return `$scrypt$ln=${ln},r=${r},p=${p}$${base64(salt)}$${base64(key)}`;
}

/** What a person types in, which is not shown. */
async function hidden(message: string): Promise<string> {
    const { default: prompt } = await import("@inquirer/password");
    return answered(prompt({ message, mask: true }, { output: process.stderr }));
}

/** One line from the standard input. */
const piped = async () => (await text(process.stdin)).replace(/\r?\n$/, "");

/**
 * The password that a person has, typed in at a terminal or from the standard input.
 *
 * @throws Failure where there is none.
 */
export async function askForKnownPassword(user: string): Promise<string> {
    const given = process.stdin.isTTY ? await hidden(`Password of ${user}:`) : await piped();
    if (given === "") {
        throw new Failure(
            `No password of ${user} was given: run the command at a terminal, or write it to its standard input.`,
        );
    }
    return given;
}

/**
 * A new password from a person at a terminal, who types it twice, or from the standard input.
 *
 * @throws Failure where it cannot be used.
 */
export async function askForPassword(user: string): Promise<string> {
    const given = process.stdin.isTTY ? await hidden(`New password of ${user}:`) : await piped();
    if (given.length < FEWEST || /[\r\n]/.test(given)) {
        throw new Failure(
            `This password cannot be used. Allowed: one line of at least ${FEWEST} characters. Nothing was changed.`,
        );
    }
    if (process.stdin.isTTY && (await hidden("Once more:")) !== given) {
        throw new Failure("The two passwords differ. Nothing was changed.");
    }
    return given;
}
