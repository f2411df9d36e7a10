/** What doctor and verify find: what was looked at, how it is, and how to mend it. */

export type State = "ok" | "warning" | "failed" | "skipped";

export interface Finding {
    /** What was looked at, such as "disk of the repository". */
    readonly what: string;
    readonly state: State;
    /** What was seen, or why it was not looked at. */
    readonly seen: string;
    /** What is likely to be the reason. */
    readonly cause?: string;
    /** What mends it, or shows more; mostly a command. */
    readonly cure?: string;
}

/** Looks at something; where that itself fails, the finding says so. */
export async function look(what: string, work: () => Promise<Omit<Finding, "what">>): Promise<Finding> {
    try {
        return { what, ...(await work()) };
    } catch (error) {
        return { what, state: "failed", seen: (error as Error).message };
    }
}

/** Findings by the place that they are of, as a person reads them. Pure. */
export function printFindings(places: Readonly<Record<string, readonly Finding[]>>): string {
    const printed = Object.entries(places).map(([place, findings]) =>
        [
            place,
            ...findings.map(({ what, state, seen, cause, cure }) => {
                const why = cause === undefined ? [] : [`likely cause: ${cause}`];
                const lines = [`${what}: ${seen.trim()}`, ...why, ...(cure === undefined ? [] : [cure])];
                return `  ${state.padEnd(8)}  ${lines.join("\n").replaceAll("\n", "\n            ")}`;
            }),
        ].join("\n"),
    );
    const all = Object.values(places).flat();
    const count = (state: State) => `${all.filter((finding) => finding.state === state).length} ${state}`;
    return `${printed.join("\n\n")}\n\n${(["failed", "warning", "skipped", "ok"] as const).map(count).join(", ")}`;
}
