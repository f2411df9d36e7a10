/**
 * How the commands reach Authelia's database: SQLite by a copy of the file in its volume, PostgreSQL in the stack by the client in its
 * container, whom its socket trusts, so that no password is needed. One outside they do not reach.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { AUTHELIA_DATABASE, POSTGRES } from "../components/authelia/state";
import { Failure } from "../system/failure";
import { Database, Row } from "./authelia-database";
import { Server } from "./server";
import { StackOnEngine } from "./stack-on-engine";

/** A file of SQLite. */
export class Sqlite implements Database {
    readonly columns =
        "SELECT tables.name AS table_name, columns.name AS column_name " +
        "FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'";

    constructor(private readonly file: string) {}

    latest(column: string): string {
        return `strftime('%Y-%m-%dT%H:%M:%SZ', MAX(${column}))`;
    }

    /** Does some work with it, which is done at once. */
    private with<T>(readOnly: boolean, work: (database: DatabaseSync) => T): Promise<T> {
        return new Promise((resolve) => {
            const database = new DatabaseSync(this.file, { readOnly });
            try {
                resolve(work(database));
            } finally {
                database.close();
            }
        });
    }

    ask(statements: readonly string[], user?: string): Promise<Row[][]> {
        const bound: Record<string, string> = user === undefined ? {} : { user };
        return this.with(true, (database) => statements.map((statement) => database.prepare(statement).all(bound)));
    }

    change(statements: readonly string[], user: string): Promise<number[]> {
        return this.with(false, (database) => {
            database.exec("BEGIN");
            const counts = statements.map((statement) => Number(database.prepare(statement).run({ user }).changes));
            database.exec("COMMIT");
            return counts;
        });
    }
}

/** PostgreSQL of the stack. Source: PostgreSQL's documentation, psql: variables are quoted by `:'name'`, and stay out of quoted text. */
export class Postgres implements Database {
    readonly columns = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '${POSTGRES.schema}'`;

    constructor(private readonly server: Pick<Server, "feed">) {}

    latest(column: string): string {
        return `to_char(MAX(${column}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
    }

    /** What psql says to statements that it runs in one transaction, a line for each. */
    private async run(statements: readonly string[], user?: string): Promise<string[]> {
        const plainly = ["--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--single-transaction"];
        const whom = user === undefined ? [] : [`--set=user=${user}`];
        const where = `dbname=${POSTGRES.name} user=${POSTGRES.user} client_encoding=UTF8`;
        const input = statements.map((statement) => `${statement.replaceAll(":user", ":'user'")};\n`).join("");
        const said = await this.server.feed(input, "psql", ...plainly, ...whom, "--file=-", where);
        return said.split("\n");
    }

    async ask(statements: readonly string[], user?: string): Promise<Row[][]> {
        const asJson = statements.map((statement) => `SELECT coalesce(jsonb_agg(rows), '[]') FROM (${statement}) AS rows`);
        return (await this.run(asJson, user)).map((line) => JSON.parse(line) as Row[]);
    }

    /** It says "UPDATE 3", "DELETE 1". */
    async change(statements: readonly string[], user: string): Promise<number[]> {
        return (await this.run(statements, user)).map((line) => Number(line.split(" ")[1]));
    }
}

/** A stack's database, to be read while Authelia runs, and changed while it does not. */
export interface DatabaseOfStack {
    read<T>(work: (database: Database) => Promise<T>): Promise<T>;
    change<T>(work: (database: Database) => Promise<T>): Promise<T>;
}

/** Does some work with a copy of Authelia's file on this machine. */
async function withCopy<T>(authelia: Server, work: (file: string) => Promise<T>): Promise<T> {
    const folder = mkdtempSync(join(tmpdir(), "authelia-database-")); // readable for its owner alone
    try {
        const file = join(folder, "db.sqlite3");
        await authelia.copy(AUTHELIA_DATABASE, file);
        return await work(file);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** The file gives way to a changed copy. */
async function changeFile<T>(authelia: Server, work: (database: Database) => Promise<T>): Promise<T> {
    const journal = await authelia.change(`ls ${AUTHELIA_DATABASE}-* 2>/dev/null || true`);
    if (journal !== "") {
        throw new Failure(`Authelia has not closed its database (${journal}). It runs again: run the command again.`);
    }
    return withCopy(authelia, async (file) => {
        const result = await work(new Sqlite(file));
        await authelia.replace(AUTHELIA_DATABASE, readFileSync(file));
        return result;
    });
}

/**
 * The database of a stack, whose Authelia has to run now: it says where the database is.
 *
 * @throws Failure where it is outside, or does not run.
 */
export async function databaseOf(stack: StackOnEngine): Promise<DatabaseOfStack> {
    const authelia = stack.server("authelia");
    if ((await authelia.execute("/bin/sh", "-c", `! test -e ${AUTHELIA_DATABASE} || echo there`)) !== "") {
        return {
            read: (work) => withCopy(authelia, (file) => work(new Sqlite(file))),
            change: (work) => changeFile(authelia, work),
        };
    }
    const server = stack.server("postgres");
    if (!(await server.exists())) {
        throw new Failure(
            "Authelia's database is PostgreSQL outside the stack (database.mode is external-postgres), which this command does not " +
                'reach. Nothing was changed. What it would have asked or changed there, docs/state.md has as statements: "By hand".',
        );
    }
    await server.expectRunning();
    const database = new Postgres(server);
    return { read: (work) => work(database), change: (work) => work(database) };
}
