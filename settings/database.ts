/** The key `database`: where Authelia keeps second factors, consents and the sessions of clients. */
import { z } from "zod";

import { authority, secretMeta, secretText, serverName, text, withMode } from "./declaration";
import { portOf } from "./ports";

/** Names that need no quoting in PostgreSQL. Source: its documentation, "Identifiers and Key Words". */
const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

function identifier(standard: string, description: string) {
    return text("a name of PostgreSQL's: lower-case letters, digits and _, at most 63", (value) => IDENTIFIER.test(value))
        .default(standard)
        .meta({ description, example: standard });
}

const inSqlite = z.strictObject({
    mode: z.literal("sqlite").meta({ description: "A file of SQLite in Authelia's volume." }),
});

const inPostgres = z.strictObject({
    mode: z.literal("postgres").meta({ description: "PostgreSQL, as one more container of the stack; see docs/state.md." }),
});

const inExternalPostgres = z.strictObject({
    mode: z.literal("external-postgres").meta({ description: "A PostgreSQL server of your own." }),
    host: serverName("The server: its certificate has to name this host.", "postgres.example.com"),
    port: portOf(5432, "Its port."),
    name: identifier("authelia", "The database, which has to be there."),
    schema: identifier("public", "The schema in it, which has to be there."),
    user: identifier("authelia", "The account, to which both belong."),
    password: secretText("the password of user").meta(secretMeta("Of that account.")),
    authority: authority("Root certificates that the server's has to descend from, if it is not a public authority's."),
});

export const database = z
    .preprocess(
        withMode("sqlite"),
        z.discriminatedUnion("mode", [inSqlite, inPostgres, inExternalPostgres], "sqlite, postgres or external-postgres"),
    )
    .prefault({})
    .meta({ description: "Where Authelia keeps its data. A stack keeps the mode with which it was made." });

export type Database = z.output<typeof database>;
