/** The key `bus`: by what oCIS's services tell each other what has happened, and find each other. */
import { z } from "zod";

import { authority, secretMeta, secretText, servers, text, withMode } from "./declaration";
import { Fault } from "./fault";
import { Images } from "./images";

/** Where none is named. Source: NATS's documentation. */
const PORT = 4222;

const own = z.strictObject({
    mode: z.literal("own").meta({ description: "In oCIS's own process." }),
});

const nats = z.strictObject({
    mode: z.literal("nats").meta({ description: "NATS servers of your own with JetStream, over TLS; see docs/bus.md." }),
    servers: servers("NATS server", PORT).meta({
        description: "The servers, each a host with or without a port; three of one cluster, so that one may fail.",
        example: ["nats-1.example.com"],
    }),
    user: text("the account's name").meta({
        description: "The account, to which nobody else's streams belong.",
        example: "ocis",
    }),
    password: secretText("the password of user").meta(secretMeta("Of that account.")),
    authority: authority("Root certificates that the servers' have to descend from, if they are not a public authority's."),
});

export const bus = z
    .preprocess(withMode("own"), z.discriminatedUnion("mode", [own, nats], "own or nats"))
    .prefault({})
    .meta({ description: "What oCIS's services tell each other by. A stack keeps the mode with which it was made." });

export type Bus = z.output<typeof bus>;

/** Earlier releases were not run with it. */
export function checkBus({ bus: { mode } }: { bus: Bus }, { ocis }: Images): Fault[] {
    return mode === "own" || ocis.line.busOutside
        ? []
        : [
              {
                  path: ["bus", "mode"],
                  value: mode,
                  allowed: `own with oCIS ${ocis.version}; from 8.0 on it can be nats`,
                  cures: [{ remove: ["bus"] }],
              },
          ];
}
