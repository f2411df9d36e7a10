/** The key `quotas`: how much people may store. */
import { z } from "zod";

import { text } from "./declaration";

/** Bytes of a unit. */
const UNITS: Readonly<Record<string, number>> = {
    B: 1,
    kB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
    TiB: 2 ** 40,
};

/** No limit. */
const UNLIMITED = "unlimited";

const SIZE = new RegExp(String.raw`^(\d+(?:\.\d{1,3})?) ?(${Object.keys(UNITS).join("|")})$`);

/** Bytes of what somebody writes; undefined where it is no size. Pure. */
export function bytesOf(size: string): number | undefined {
    const [, number, unit] = SIZE.exec(size) ?? [];
    const bytes = Math.round(Number(number) * (UNITS[unit ?? ""] ?? NaN));
    // 0 is oCIS's word for unlimited, which nobody means by "0 GB".
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** How a size is written, as the end of the sentence "a number …". */
export const SIZE_IN_WORDS = `with one of ${Object.keys(UNITS).join(", ")}`;

const allowed =
    `a number above 0 ${SIZE_IN_WORDS}, such as "10 GB" (10,000,000,000 bytes) or "500 MiB", up to 9000 TB; ` +
    `or "${UNLIMITED}"`;

/** Bytes, of which 0 are oCIS's word for unlimited. */
function size(description: string, example: string) {
    return text(allowed, (value) => value === UNLIMITED || bytesOf(value) !== undefined)
        .transform((value) => bytesOf(value) ?? 0)
        .optional()
        .meta({ description, example });
}

const roles = z
    .strictObject({
        administrators: size("Of those who administer ownCloud.", "unlimited"),
        spaceAdministrators: size("Of those to whom an administrator has given oCIS's role Space Admin.", "100 GB"),
        users: size("Of everybody else.", "10 GB"),
    })
    .prefault({})
    .meta({
        description: "The same for those who have a role in oCIS when they first sign in, in the place of `quotas.personal`.",
    });

export const quotas = z
    .strictObject({
        personal: size(
            "What each person's own files may take, such as `10 GB`: of whoever first signs in from then on. Without it there is no limit.",
            "10 GB",
        ),
        roles,
        projects: size(
            "What a space that several people share may take that is made from then on; oCIS's own is 1 GB.",
            "50 GB",
        ),
    })
    .prefault({})
    .meta({ description: "How much people may store. A space keeps what it was made with. See docs/quotas.md." });

export type Quotas = z.output<typeof quotas>;
