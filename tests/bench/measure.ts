/**
 * Two things measured side by side: in turn, in one run, so that what else the machine does falls on both alike. What counts is the ratio of
 * each round; a time by itself says more of the machine.
 */

/** What is measured of both. */
export interface Row {
    /** What --only picks it by: its group and its own name, such as "life:first-up". */
    readonly key: string;
    /** As a table says it: "the first up". */
    readonly what: string;
    readonly unit: "s" | "MB/s" | "files/s" | "requests/s" | "failed requests" | "MiB" | "% of a core";
    /** The two, as a table says them: "pulumi up", "docker compose up --wait". */
    readonly ours: string;
    readonly beside: string;
    /**
     * What the ratio of ours to the other has to be: of times and memory at most, of rates at least; or what ours has to be by itself.
     * Undefined where it is only told.
     */
    readonly aim?: { readonly atMost: number } | { readonly atLeast: number } | { readonly oursAtMost: number };
}

/** Goes through something once, with whatever has to be done before and after, and returns what was measured: by row, in its unit. */
export type Course = () => Promise<Readonly<Record<string, number>>>;

/** Several rows that come out of one course, because it takes longer than what is measured on its way. */
export interface Courses {
    readonly rows: readonly Row[];
    readonly ours: Course;
    readonly beside: Course;
    /** How often both are gone through; 3 by default. */
    readonly rounds?: number;
}

/** Courses that can be gone through, and what ends everything that was made for them. */
export interface Opened {
    readonly courses: readonly Courses[];
    readonly close: () => Promise<void>;
}

/** One of the two of a single row. */
export interface Side {
    readonly name: string;
    readonly measure: () => Promise<number>;
}

/** A row by itself. */
export interface Comparison extends Omit<Row, "ours" | "beside"> {
    readonly ours: Side;
    readonly beside: Side;
    readonly rounds?: number;
}

/** What came out of a row; each list has a value for each round. */
export interface Result {
    readonly row: Row;
    readonly ours: readonly number[];
    readonly beside: readonly number[];
}

/** A row by itself as what is gone through. */
export function alone({ ours, beside, rounds, ...row }: Comparison): Courses {
    const course = (side: Side) => async () => ({ [row.key]: await side.measure() });
    return { rows: [{ ...row, ours: ours.name, beside: beside.name }], ours: course(ours), beside: course(beside), rounds };
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length / 2;
    return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The ratio of ours to the other in each round. */
export function ratios({ ours, beside }: Pick<Result, "ours" | "beside">): number[] {
    return ours.map((value, round) => value / beside[round]!);
}

/** Whether the median is as it has to be; undefined where nothing is said of it. */
export function meets({ row: { aim }, ...result }: Result): boolean | undefined {
    if (aim === undefined) {
        return undefined;
    }
    if ("oursAtMost" in aim) {
        return median(result.ours) <= aim.oursAtMost;
    }
    const middle = median(ratios(result));
    return "atMost" in aim ? middle <= aim.atMost : middle >= aim.atLeast;
}

/** Seconds that some work takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
    const begin = performance.now();
    await work();
    return (performance.now() - begin) / 1000;
}

/** Goes through both in turn, the one that begins changing with each round. */
export async function compare({ rows, rounds = 3, ...both }: Courses, say: (line: string) => void): Promise<Result[]> {
    const results = rows.map((row) => ({ row, ours: [] as number[], beside: [] as number[] }));
    for (let round = 0; round < rounds; round++) {
        for (const side of round % 2 === 0 ? (["ours", "beside"] as const) : (["beside", "ours"] as const)) {
            const values = await both[side]();
            for (const result of results) {
                const { key, unit } = result.row;
                const value = values[key]!;
                result[side].push(value);
                say(`  ${key}, round ${round + 1}: ${value.toFixed(2)} ${unit}: ${result.row[side]}`);
            }
        }
    }
    return results;
}
