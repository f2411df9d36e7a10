/**
 * What Authelia keeps in its database of a person who has signed in, and how it ends. Authelia marks tokens as revoked itself, in the
 * same column, when a client asks it to. Source: Authelia 4.38.0 and 4.39.20, internal/storage; run with both.
 */
import { DatabaseSync } from "node:sqlite";

/** How much of each was ended. */
export interface EndedSessions {
    readonly accessTokens: number;
    readonly refreshTokens: number;
    /** Authorization codes and what else leads to tokens. */
    readonly others: number;
    readonly secondFactors: number;
}

const ACCESS_TOKENS = "oauth2_access_token_session";
const REFRESH_TOKENS = "oauth2_refresh_token_session";

/** The devices of a person. */
const SECOND_FACTORS = ["totp_configurations", "webauthn_credentials", "duo_devices"];

/** Tables with sessions of OpenID Connect that can be revoked; which there are differs between releases. */
function revocable(database: DatabaseSync): string[] {
    const tables = database.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'oauth2\\_%' ESCAPE '\\'",
    );
    const names = tables.all().map(({ name }) => String(name));
    const has = (table: string, column: string) =>
        database.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?").get(table, column) !== undefined;
    return names.filter((table) => ["subject", "active", "revoked"].every((column) => has(table, column)));
}

/** Whether somebody of that name has ever signed in to ownCloud, as a copy of the database knows it. */
export function hasSignedIn(file: string, user: string): boolean {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
        return database.prepare("SELECT 1 FROM user_opaque_identifier WHERE username = ?").get(user) !== undefined;
    } finally {
        database.close();
    }
}

/** What Authelia knows of somebody. */
export interface KnownPerson {
    /** Whether an authenticator app is enrolled. */
    readonly authenticatorApp: boolean;
    /** How many security keys and passkeys are. */
    readonly securityKeys: number;
    /** When a password or a second factor was last accepted, in UTC as ISO 8601 writes it; undefined: never yet. */
    readonly lastSignIn?: string;
}

/** Everybody whom a copy of the database knows, by user name. */
export function knownPeople(file: string): Map<string, KnownPerson> {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
        const people = new Map<string, KnownPerson>();
        const note = (name: unknown, known: Partial<KnownPerson>) => {
            const before = people.get(String(name)) ?? { authenticatorApp: false, securityKeys: 0 };
            people.set(String(name), { ...before, ...known });
        };
        const all = (statement: string) => database.prepare(statement).all();
        all("SELECT username FROM user_opaque_identifier").forEach(({ username }) => note(username, {}));
        all("SELECT username FROM totp_configurations").forEach(({ username }) => note(username, { authenticatorApp: true }));
        all("SELECT username, COUNT(*) AS keys FROM webauthn_credentials GROUP BY username").forEach(({ username, keys }) =>
            note(username, { securityKeys: Number(keys) }),
        );
        all(
            "SELECT username, strftime('%Y-%m-%dT%H:%M:%SZ', MAX(time)) AS last FROM authentication_logs " +
                "WHERE successful GROUP BY username",
        ).forEach(({ username, last }) => note(username, { lastSignIn: String(last) }));
        return people;
    } finally {
        database.close();
    }
}

/**
 * Ends everything that a database says of a person, wholly or not at all.
 *
 * @param file A copy of the database of an Authelia that is stopped.
 * @param secondFactor Whether second factors go too.
 */
export function endSessions(file: string, user: string, secondFactor: boolean): EndedSessions {
    const database = new DatabaseSync(file);
    try {
        const count = (statement: string) => Number(database.prepare(statement).run(user).changes);
        database.exec("BEGIN");
        const theirs = "subject IN (SELECT identifier FROM user_opaque_identifier WHERE username = ?)";
        const ended = Object.fromEntries(
            revocable(database).map((table) => [
                table,
                count(`UPDATE ${table} SET revoked = TRUE WHERE NOT revoked AND active AND ${theirs}`),
            ]),
        );
        const secondFactors = secondFactor
            ? SECOND_FACTORS.map((table) => count(`DELETE FROM ${table} WHERE username = ?`)).reduce((a, b) => a + b)
            : 0;
        database.exec("COMMIT");
        const { [ACCESS_TOKENS]: accessTokens = 0, [REFRESH_TOKENS]: refreshTokens = 0, ...rest } = ended;
        const others = Object.values(rest).reduce((a, b) => a + b, 0);
        return { accessTokens, refreshTokens, others, secondFactors };
    } finally {
        database.close();
    }
}
