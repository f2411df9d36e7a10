/**
 * Passwords for people who have none of their own. They are derived from one secret of the cloud, because a resource for each person would
 * make Pulumi's state grow with the people, and the time of an `up` with their square. Pure: the same secret gives the same passwords.
 */
import { hkdfSync, pbkdf2Sync } from "node:crypto";

/** Bytes of a password: 120 bits, which nobody guesses. */
const PASSWORD_BYTES = 15;

/** A digest's cost protects passwords that can be guessed, and it is paid for each person at each run. */
const ITERATIONS = 1000;

const SALT_BYTES = 16;

const KEY_BYTES = 64;

/** A generated password and the digest of it that Authelia is given. */
export interface InitialPassword {
    /** Small letters and digits: easy to type, and without any need of quotes. */
    readonly password: string;
    /** PBKDF2 with SHA-512, as Authelia writes it; the same at each run. */
    readonly digest: string;
}

/** Bytes for one use of a secret. Source: RFC 5869. */
function derive(secret: string, use: string, user: string, bytes: number): Buffer {
    return Buffer.from(hkdfSync("sha256", secret, "", `${use} ${user}`, bytes));
}

/** Base64 as PBKDF2's digests have it. Source: passlib, ab64_encode. */
function adaptedBase64(bytes: Buffer): string {
    return bytes.toString("base64").replaceAll("+", ".").replace(/=+$/, "");
}

/** Somebody's initial password. */
export function initialPassword(secret: string, user: string): InitialPassword {
    // As a number to the base of 36; the first 24 digits hold all of it.
    const number = BigInt(`0x${derive(secret, "password", user, PASSWORD_BYTES).toString("hex")}`);
    const password = number.toString(36).padStart(24, "0");
    const salt = derive(secret, "salt", user, SALT_BYTES);
    const key = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, "sha512");
    return { password, digest: `$pbkdf2-sha512$${ITERATIONS}$${adaptedBase64(salt)}$${adaptedBase64(key)}` };
}
