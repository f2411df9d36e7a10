/**
 * The matrix of who gets in: administrators and members of allowed groups do, strangers and disabled users do not, by each of the
 * four clients, and nobody by less than the right password and the right code. The same on every pair and every directory.
 */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as oidc from "openid-client";

import { ImageNames } from "../../operations/images";
import { OCIS, releaseOf } from "../../versions";
import { ROOT } from "../../system/folders";
import { Credentials, Refused } from "../../client/browser";
import { Cloud } from "./cloud";
import { CLIENTS } from "../../client/relying-party";

/** Which groups get in, and which of them administers ownCloud, where the directory leaves that to Authelia's groups. */
export const ACCESS = { groups: ["family"], administrators: ["parents", "the.parents"] };

/** What is expected of each role: the error of the provider, or what ownCloud answers about oneself and about all users. */
const ROLES = {
    administrator: { groups: ["parents"], expected: "me 200, users 200" },
    member: { groups: ["family"], expected: "me 200, users 403" },
    stranger: { groups: ["neighbours"], expected: "access_denied" },
    disabled: { groups: ["family"], expected: "the password: 401" },
} as const;

/** One person for each role and client. */
export const PEOPLE = Object.entries(ROLES).flatMap(([role, { groups, expected }]) =>
    Object.keys(CLIENTS).map((client) => ({ name: `${role}-${client}`, role, client, groups, expected })),
);

const WRONG = {
    "a wrong password": { change: { password: "not-the-password" }, expected: "the password: 401" },
    "an unknown user": { change: { username: "mallory" }, expected: "the password: 401" },
    "a wrong code": { change: { code: () => "000000" }, expected: "the code: 403" },
    "no code": { change: { code: () => "" }, expected: "the code: 403" },
};

/** What happens to a person at the provider and then at ownCloud. */
export async function outcome(cloud: Cloud, client: string, credentials: Credentials): Promise<string> {
    try {
        const session = await cloud.signIn(credentials, CLIENTS[client]);
        return `me ${await session.status()}, users ${(await session.ask("/graph/v1.0/users")).status}`;
    } catch (error) {
        if (error instanceof Refused) {
            return `${error.step}: ${error.status}`;
        }
        if (error instanceof oidc.AuthorizationResponseError) {
            return error.error;
        }
        throw error;
    }
}

/** Where the cells of this run are collected, one JSON text a line: the test files are processes of their own. */
const CELLS = join(ROOT, ".cache", "tests", "matrix.jsonl");

interface Cell {
    /** Servers and directory. */
    readonly where: string;
    readonly client: string;
    readonly passed: boolean;
}

/** Forgets the cells of an earlier run. */
export function clearMatrix(): void {
    rmSync(CELLS, { force: true });
}

/** The cells of this run as a table: for each pair of servers, directory and client, how many passed. */
export function matrixTable(): Record<string, Record<string, string>> {
    const lines = existsSync(CELLS) ? readFileSync(CELLS, "utf8").trimEnd().split("\n") : [];
    const cells = lines.map((line) => JSON.parse(line) as Cell);
    const counts = (where: string, client: string) => {
        const found = cells.filter((cell) => cell.where === where && cell.client === client);
        return `${found.filter(({ passed }) => passed).length} of ${found.length}`;
    };
    return Object.fromEntries(
        [...new Set(cells.map(({ where }) => where))].map((where) => [
            where,
            Object.fromEntries(Object.keys(CLIENTS).map((client) => [client, counts(where, client)])),
        ]),
    );
}

/** The tests of the matrix for a cloud in which PEOPLE live, enrolled, with their passwords known. */
export function testMatrix(directory: string, { authelia, ocis }: ImageNames, cloud: () => Cloud): void {
    // oCIS 4.0 says 401 to who may not list all users, later ones 403.
    const early = releaseOf(OCIS, ocis).line.line === "4.0";
    const cell = (what: string, client: string, expected: string, credentials: () => Credentials) =>
        test(`${what}, ${client}`, async () => {
            const where = `${authelia}, ${ocis}, ${directory}`;
            let passed = false;
            try {
                assert.equal(
                    await outcome(cloud(), client, credentials()),
                    early ? expected.replace("users 403", "users 401") : expected,
                );
                passed = true;
            } finally {
                mkdirSync(join(CELLS, ".."), { recursive: true });
                appendFileSync(CELLS, `${JSON.stringify({ where, client, passed } satisfies Cell)}\n`);
            }
        });
    for (const { name, role, client, expected } of PEOPLE) {
        void cell(role, client, expected, () => cloud().credentials(name));
    }
    for (const [what, { change, expected }] of Object.entries(WRONG)) {
        for (const client of Object.keys(CLIENTS)) {
            void cell(what, client, expected, () => ({ ...cloud().credentials(`member-${client}`), ...change }));
        }
    }
}
