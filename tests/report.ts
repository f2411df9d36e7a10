/** What a run of the tests says at its end besides the summary of node:test: what took how long, and which pairs ran what. */
import { relative } from "node:path";
import { EventData, TestsStream } from "node:test";

import { ROOT } from "../system/folders";
import { describeImages, ImageNames } from "../operations/images";
import { suiteOn } from "./deployment/pairs";

/** How many tests ended how, and how long they took together. */
interface Row {
    passed: number;
    failed: number;
    skipped: number;
    seconds: number;
}

const empty = (): Row => ({ passed: 0, failed: 0, skipped: 0, seconds: 0 });

const seconds = (milliseconds: number) => Math.round(milliseconds / 1000);

/** Collects the tests of a run while they end. */
export class Report {
    /** By file, in the order in which they ran. */
    readonly files: Record<string, Row> = {};
    /** By pair, and by what ran on it. */
    readonly suites: Record<string, Record<string, Row>> = {};
    /** Of each file, the tests since its last outermost suite: node:test reports a suite after what it contains. */
    private readonly open: Record<string, Row> = {};

    /** @param pairs Those that the tests run on. */
    constructor(
        run: TestsStream,
        private readonly pairs: readonly ImageNames[],
    ) {
        run.on("test:pass", (test) => this.ended(test, "passed"));
        run.on("test:fail", (test) => this.ended(test, "failed"));
        run.on("test:summary", ({ file, duration_ms }) => {
            if (file !== undefined) {
                this.row(file).seconds = seconds(duration_ms);
            }
        });
    }

    /** Whether every test passed that was not skipped. */
    get succeeded(): boolean {
        return Object.values(this.files).every(({ failed }) => failed === 0);
    }

    private row(file: string): Row {
        return (this.files[relative(ROOT, file)] ??= empty());
    }

    private ended(
        { name, file, nesting, skip, details }: EventData.TestPass | EventData.TestFail,
        how: "passed" | "failed",
    ): void {
        const rows = [this.row(file!), (this.open[file!] ??= empty())] as const;
        // A suite fails where one of its tests does, or one of its hooks, which nothing else reports.
        if (details.type !== "suite" || (how === "failed" && rows[1].failed === 0)) {
            rows.forEach((row) => row[skip === undefined ? how : "skipped"]++);
        }
        if (nesting === 0) {
            const images = this.pairs.find((pair) => name.endsWith(suiteOn("", pair)));
            if (images !== undefined) {
                const what = name.slice(0, -suiteOn("", images).length);
                (this.suites[describeImages(images)] ??= {})[what] = { ...rows[1], seconds: seconds(details.duration_ms) };
            }
            delete this.open[file!];
        }
    }
}
