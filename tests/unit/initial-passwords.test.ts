/** Initial passwords are a function of the cloud's secret and the user's name, and Authelia takes their digests. */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";

import { initialPassword } from "../../components/initial-passwords";

const SECRET = "n0Ff2Kx0yWq8bYg5mT3sRj7uVd1cEa9h";

test("the same secret and name give the same password, another of either gives another", () => {
    const alice = initialPassword(SECRET, "alice");
    assert.deepEqual(initialPassword(SECRET, "alice"), alice);
    for (const [secret, user] of [
        [SECRET, "bob"],
        [`${SECRET}x`, "alice"],
    ] as const) {
        const other = initialPassword(secret, user);
        assert.notEqual(other.password, alice.password);
        assert.notEqual(other.digest.split("$")[3], alice.digest.split("$")[3]);
    }
});

test("a thousand passwords differ, and need no quoting anywhere", () => {
    const passwords = Array.from({ length: 1000 }, (_, index) => initialPassword(SECRET, `person-${index}`).password);
    assert.equal(new Set(passwords).size, 1000);
    for (const password of passwords) {
        assert.match(password, /^[0-9a-z]{24}$/);
    }
});

test("the digest is of the password", () => {
    const { password, digest } = initialPassword(SECRET, "alice");
    const [, algorithm, iterations, salt, key] = digest.split("$");
    assert.equal(algorithm, "pbkdf2-sha512");
    const bytes = (text: string) => Buffer.from(text.replaceAll(".", "+"), "base64");
    assert.deepEqual(bytes(key!), pbkdf2Sync(password, bytes(salt!), Number(iterations), 64, "sha512"));
});
