/** The key `antivirus`: what looks for viruses in the files that people upload. */
import { z } from "zod";

import type { Bus } from "./bus";
import { text, withMode } from "./declaration";
import { Fault } from "./fault";
import { Images } from "./images";
import { bytesOf, SIZE_IN_WORDS } from "./quotas";
import type { Storage } from "./storage";

/** ClamAV scans nothing beyond it. Source: its clamd.conf, "MaxFileSize". */
const LARGEST = 2e9;

const sizeAllowed = `a number ${SIZE_IN_WORDS}, such as "500 MiB", up to 2 GB, beyond which ClamAV scans nothing`;

const none = z.strictObject({
    mode: z.literal("none").meta({ description: "Nothing." }),
});

const clamav = z.strictObject({
    mode: z.literal("clamav").meta({ description: "ClamAV, as one more container of the stack." }),
    maxScanSize: text(sizeAllowed, (value) => (bytesOf(value) ?? Infinity) <= LARGEST)
        .default("1 GiB")
        .transform((value) => bytesOf(value)!)
        .meta({ description: "What is larger is not scanned, and comes through.", example: "500 MiB" }),
    whenAway: z
        .enum(["hold", "pass"], "hold or pass")
        .default("hold")
        .meta({
            description:
                "What becomes of uploads while ClamAV is away: `hold` has them wait until it is back, `pass` lets them through unscanned after " +
                "two minutes.",
            example: "pass",
        }),
});

export const antivirus = z
    .preprocess(withMode("none"), z.discriminatedUnion("mode", [none, clamav], "none or clamav"))
    .prefault({})
    .meta({ description: "What looks for viruses in uploads. See docs/antivirus.md." });

export type Antivirus = z.output<typeof antivirus>;

/** What has to be seen together with it. */
interface Scanned {
    readonly antivirus: Antivirus;
    readonly bus: Bus;
    readonly storage: Storage;
}

/** An upload is scanned while it waits to be taken, which it does not where oCIS takes uploads at once. */
export function checkAntivirus({ antivirus: { mode }, bus, storage: { blobs } }: Scanned, { ocis }: Images): Fault[] {
    const fault = (holds: boolean, allowed: string): Fault[] =>
        holds ? [] : [{ path: ["antivirus", "mode"], value: mode, allowed, cures: [{ remove: ["antivirus"] }] }];
    const atOnce = "where oCIS takes an upload at once, before anything could look at it";
    return mode === "none"
        ? []
        : [
              ...fault(ocis.line.antivirus, `none with oCIS ${ocis.version}; from 7.0 on it can be ${mode}`),
              ...fault(bus.mode === "own", `none with bus.mode ${bus.mode}, and so on a swarm, ${atOnce}`),
              ...fault(blobs.mode === "files", `none with storage.blobs.mode ${blobs.mode}, ${atOnce}`),
          ];
}
