/**
 * The tables of docs/reliability.md, docs/scaling.md and docs/options.md: a row of each drill, which the tests leave in a file for
 * operations/drill-run.ts.
 */

/** Names that file; set by the commands that write the tables. */
export const DRILLS = "OCIS_AUTHELIA_DRILLS";

/** What each table shows, by its name in the document. */
export const HEADS = {
    faults: ["fault", "a client sees", "the operator", "lost"],
    changes: ["change", "containers made anew", "a client sees"],
    swarm: ["what was done", "aim", "what was seen"],
    options: ["what", "by default", "with every option", "ratio"],
} as const;

export type TableName = keyof typeof HEADS;

/** A row: its table, and a cell for each column. */
export interface Drill {
    readonly table: TableName;
    readonly cells: readonly string[];
}

/**
 * A document with the rows of a table in the place of those that it has. Pure.
 *
 * @param where What it was run on, as a sentence.
 */
export function withTable(document: string, name: TableName, drills: readonly Drill[], where: string): string {
    const [begin, end] = [`<!-- ${name} from here -->`, `<!-- ${name} to here -->`];
    const [before, rest] = document.split(begin) as [string, string];
    const after = rest.split(end)[1]!;
    const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    const rows = drills.filter(({ table }) => table === name).map(({ cells }) => row(cells));
    const table = [row(HEADS[name]), `|${"---|".repeat(HEADS[name].length)}`, ...rows].join("\n");
    return `${before}${begin}\n${where}\n\n${table}\n${end}${after}`;
}
