/** Tables for a terminal. */

/** Columns under their heads, as wide as they need to be; a column with nothing in it is left out. Pure. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
    const used = heads.flatMap((_, column) => (rows.some((row) => row[column] !== "") ? [column] : []));
    const width = (column: number) => Math.max(...[heads, ...rows].map((row) => row[column]!.length));
    return [heads, ...rows]
        .map((row) =>
            used
                .map((column) => row[column]!.padEnd(width(column)))
                .join("  ")
                .trimEnd(),
        )
        .join("\n");
}
