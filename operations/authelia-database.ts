/**
 * What Authelia keeps in its database of a person who has signed in, and how it ends, in statements that SQLite and PostgreSQL both take;
 * how each is reached, operations/database.ts knows. Authelia marks tokens as revoked itself, in the same column, when a client asks it
 * to. Source: Authelia 4.38.0, 4.39.20 and 4.39.21, internal/storage; run with all three, and with the last on PostgreSQL 15.
 */

/** A row of an answer, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** A database that takes statements. Whom they are about they call `:user`, which is bound and never written into them. */
export interface Database {
    /** The statement that says which tables there are, and their columns, as `table_name` and `column_name`. */
    readonly columns: string;

    /** An expression that writes the latest time of a column as ISO 8601, in UTC and without fractions. */
    latest(column: string): string;

    /** Asks statements one after the other; the rows of each. */
    ask(statements: readonly string[], user?: string): Promise<Row[][]>;

    /** Runs statements that change rows, all or none of them; how many each has changed. */
    change(statements: readonly string[], user: string): Promise<number[]>;
}

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

/** Which tables hold sessions of OpenID Connect that can be revoked; which there are differs between releases. */
async function revocable(database: Database): Promise<string[]> {
    const [columns] = await database.ask([database.columns]);
    const all = columns!.map((row) => [String(row.table_name), String(row.column_name)] as const);
    const has = (table: string, column: string) => all.some(([one, its]) => one === table && its === column);
    return [...new Set(all.map(([table]) => table))].filter(
        (table) => table.startsWith("oauth2_") && ["subject", "active", "revoked"].every((column) => has(table, column)),
    );
}

/** Revokes what a person has in a table. */
export const revocation = (table: string) =>
    `UPDATE ${table} SET revoked = TRUE WHERE NOT revoked AND active ` +
    "AND subject IN (SELECT identifier FROM user_opaque_identifier WHERE username = :user)";

/** Deletes the devices of a person. */
export const DELETIONS = SECOND_FACTORS.map((table) => `DELETE FROM ${table} WHERE username = :user`);

/** Whether somebody of that name has ever signed in to ownCloud. */
export async function hasSignedIn(database: Database, user: string): Promise<boolean> {
    const [found] = await database.ask(["SELECT identifier FROM user_opaque_identifier WHERE username = :user"], user);
    return found!.length > 0;
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

/** Everybody whom the database knows, by user name. */
export async function knownPeople(database: Database): Promise<Map<string, KnownPerson>> {
    const [identifiers, apps, keys, signIns] = await database.ask([
        "SELECT username FROM user_opaque_identifier",
        "SELECT username FROM totp_configurations",
        "SELECT username, COUNT(*) AS keys FROM webauthn_credentials GROUP BY username",
        `SELECT username, ${database.latest("time")} AS last FROM authentication_logs WHERE successful GROUP BY username`,
    ]);
    const people = new Map<string, KnownPerson>();
    const note = (rows: Row[] | undefined, known: (row: Row) => Partial<KnownPerson>) => {
        for (const row of rows!) {
            const before = people.get(String(row.username)) ?? { authenticatorApp: false, securityKeys: 0 };
            people.set(String(row.username), { ...before, ...known(row) });
        }
    };
    note(identifiers, () => ({}));
    note(apps, () => ({ authenticatorApp: true }));
    note(keys, (row) => ({ securityKeys: Number(row.keys) }));
    note(signIns, (row) => ({ lastSignIn: String(row.last) }));
    return people;
}

/**
 * Ends everything that the database says of a person, wholly or not at all. Authelia has to be stopped.
 *
 * @param secondFactor Whether second factors go too.
 */
export async function endSessions(database: Database, user: string, secondFactor: boolean): Promise<EndedSessions> {
    const tables = await revocable(database);
    const counts = await database.change([...tables.map(revocation), ...(secondFactor ? DELETIONS : [])], user);
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    const ended = Object.fromEntries(tables.map((table, index) => [table, counts[index]!]));
    const { [ACCESS_TOKENS]: accessTokens = 0, [REFRESH_TOKENS]: refreshTokens = 0, ...rest } = ended;
    return { accessTokens, refreshTokens, others: sum(Object.values(rest)), secondFactors: sum(counts.slice(tables.length)) };
}
