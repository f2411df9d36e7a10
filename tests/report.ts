/** What a run of the tests says at its end besides the summary of node:test: what took how long, and which pairs ran what. */
import { relative } from "node:path";
import { EventData, TestsStream } from "node:test";

import { describeImages, ImageNames } from "../operations/images";
import { ROOT } from "../system/folders";
import { suiteOn } from "./deployment/pairs";

/** How many tests ended how. */
interface Counts {
    passed: number;
    failed: number;
    skipped: number;
}

/** The same, and how long it took. */
type Row = Counts & { seconds: number };

const none = (): Counts => ({ passed: 0, failed: 0, skipped: 0 });

const seconds = (milliseconds: number) => Math.round(milliseconds / 1000);

/** Collects the tests of a run while they end, one file after the other: what contains tests is reported after them. */
export class Report {
    /** By file, in the order in which they ran. */
    readonly files: Record<string, Row> = {};
    /** By pair, and by what ran on it. */
    readonly suites: Record<string, Record<string, Row>> = {};
    /** Whether something failed, were it a file that ended before its summary. */
    failed = false;
    /** Of the file that runs now. */
    private file = none();
    /** Of its outermost suite that runs now. */
    private suite = none();

    /** @param pairs Those that the tests run on. */
    constructor(
        run: TestsStream,
        private readonly pairs: readonly ImageNames[],
    ) {
        run.on("test:pass", (test) => this.ended(test, "passed"));
        run.on("test:fail", (test) => {
            this.failed = true;
            this.ended(test, "failed");
        });
        run.on("test:summary", ({ file, duration_ms }) => {
            // The last summary is of the whole run, and names no file.
            if (file !== undefined) {
                this.files[relative(ROOT, file)] = { ...this.file, seconds: seconds(duration_ms) };
                this.file = none();
            }
        });
    }

    private ended({ name, nesting, skip, details }: EventData.TestPass | EventData.TestFail, how: "passed" | "failed"): void {
        // A suite fails where one of its tests does, or one of its hooks, which nothing else reports.
        if (details.type !== "suite" || (how === "failed" && this.suite.failed === 0)) {
            [this.file, this.suite].forEach((counts) => counts[skip === undefined ? how : "skipped"]++);
        }
        if (nesting === 0) {
            const images = this.pairs.find((pair) => name.endsWith(suiteOn("", pair)));
            if (images !== undefined) {
                const what = name.slice(0, -suiteOn("", images).length);
                (this.suites[describeImages(images)] ??= {})[what] = {
                    ...this.suite,
                    seconds: seconds(details.duration_ms),
                };
            }
            this.suite = none();
        }
    }
}
