/** The key `office`: the server in whose pages people edit documents. */
import { z } from "zod";

import type { Bus } from "./bus";
import { authority, text, withMode } from "./declaration";
import { Fault } from "./fault";
import { Images } from "./images";

/** A server without a path: its name goes into ownCloud's Content-Security-Policy, and what it serves has paths of its own. */
const URL_OF_SERVER = /^https:\/\/[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/i;

const none = z.strictObject({
    mode: z.literal("none").meta({ description: "Nowhere: documents are downloaded, or opened by the apps." }),
});

/** A server of one's own, by its product. */
function server<M extends string>(mode: M, description: string) {
    return z.strictObject({
        mode: z.literal(mode).meta({ description }),
        url: text(
            "https:// with the server's name, and a port unless it is 443; no path",
            (value) => URL_OF_SERVER.test(value) && URL.canParse(value),
        ).meta({
            description: "The server, as browsers and oCIS reach it: its certificate has to name this host.",
            example: "https://office.example.com",
        }),
        authority: authority(
            "Root certificates that the server's has to descend from, if it is not a public authority's: oCIS trusts them.",
        ),
    });
}

export const office = z
    .preprocess(
        withMode("none"),
        z.discriminatedUnion(
            "mode",
            [
                none,
                server("collabora", "A Collabora Online server of your own; see docs/office.md."),
                server("onlyoffice", "An ONLYOFFICE Docs server of your own; see docs/office.md."),
            ],
            "none, collabora or onlyoffice",
        ),
    )
    .prefault({})
    .meta({ description: "Where people edit documents in the browser. See docs/office.md." });

export type Office = z.output<typeof office>;

/** What of oCIS speaks with an office server is a process of its own, which the others find by oCIS's own bus. */
export function checkOffice({ office: { mode }, bus }: { office: Office; bus: Bus }, { ocis }: Images): Fault[] {
    const fault = (allowed: string): Fault => {
        return { path: ["office", "mode"], value: mode, allowed, cures: [{ remove: ["office"] }] };
    };
    if (mode === "none") {
        return [];
    }
    return [
        ...(ocis.line.collaboration ? [] : [fault(`none with oCIS ${ocis.version}; from 7.0 on it can be ${mode}`)]),
        ...(bus.mode === "own"
            ? []
            : [
                  fault(
                      `none with bus.mode ${bus.mode}, and so on a swarm: what speaks with the office server finds the rest of oCIS ` +
                          "by oCIS's own bus",
                  ),
              ]),
    ];
}
