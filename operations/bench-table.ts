/** The table of docs/benchmarks.md. */
import { median, meets, ratios, Result } from "../tests/bench/measure";

const BEGIN = "<!-- npm run bench writes from here -->";
const END = "<!-- to here -->";

const HEAD = ["", "ours", "beside", "ratio: median (least to most)", "aim", ""];

/** 12.345 -> "12.3", 0.0456 -> "0.046": what a person compares. */
function short(value: number): string {
    return value === 0 || Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(Math.abs(value) >= 10 ? 3 : 2);
}

function aimOf({ row: { aim } }: Result): string {
    if (aim === undefined) {
        return "";
    }
    const rounded = (value: number) => Number(value.toFixed(2));
    return "atLeast" in aim ? `≥ ${rounded(aim.atLeast)}` : `≤ ${rounded("atMost" in aim ? aim.atMost : aim.oursAtMost)}`;
}

/** The cells of a row. A ratio to nothing is none. */
export function cellsOf(result: Result): string[] {
    const { row, ours, beside } = result;
    const values = ratios(result);
    const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)].map((value) => value.toFixed(2));
    const value = (numbers: readonly number[]) => `${short(median(numbers))} ${row.unit}`;
    const met = meets(result);
    return [
        `${row.what} (\`${row.key}\`)`,
        `${row.ours}: ${value(ours)}`,
        `${row.beside}: ${value(beside)}`,
        beside.includes(0) ? "" : values.length === 1 ? middle! : `${middle} (${least} to ${most})`,
        aimOf(result),
        met === undefined ? "" : met ? "met" : "missed",
    ];
}

/** The table as Markdown. */
export function tableOf(results: readonly Result[]): string {
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    return [line(HEAD), `|${"---|".repeat(HEAD.length)}`, ...results.map((result) => line(cellsOf(result)))].join("\n");
}

/**
 * A document with another table in the place of the one that it has.
 *
 * @param where What it was measured on, as sentences.
 */
export function withResults(document: string, where: string, results: readonly Result[]): string {
    const [before, rest] = document.split(BEGIN) as [string, string];
    return `${before}${BEGIN}\n${where}\n\n${tableOf(results)}\n${END}${rest.split(END)[1]!}`;
}
