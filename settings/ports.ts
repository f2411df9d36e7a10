/** The keys `address`, `httpsPort` and `httpPort`: where the edge is reached. */
import { isIP } from "node:net";
import { z } from "zod";

import { text } from "./declaration";
import { Fault } from "./fault";

export const address = text("an IP address of the Docker host", (value) => isIP(value) !== 0)
    .default("0.0.0.0")
    .meta({
        description: "IP address of the Docker host on which the edge publishes its ports. 127.0.0.1 keeps it on the machine.",
        example: "0.0.0.0",
    });

/** A port, by default `standard`. */
export function port(least: number, standard: number, description: string, example = standard) {
    const allowed = `a whole number from ${least} to 65535`;
    return z.int(allowed).min(least, allowed).max(65535, allowed).default(standard).meta({ description, example });
}

/** The port of a server outside the stack. */
export const portOf = (standard: number, description: string) => port(1, standard, description);

export const httpsPort = port(
    1,
    443,
    "Port for HTTPS, part of both URLs when it is not 443: the edge's, or with tls.mode \"none\" the proxy's.",
);

export const httpPort = port(
    0,
    80,
    "Port of the edge for plain HTTP, which answers ACME challenges and redirects to HTTPS. 0 leaves it closed. With tls.mode " +
        '"none": the port to which the proxy in front hands requests.',
);

/** One port cannot serve both. */
export function checkPorts({ httpsPort: https, httpPort: http }: { httpsPort: number; httpPort: number }): Fault[] {
    const path = ["httpPort"];
    const allowed = "a port other than httpsPort, or 0";
    return http === https ? [{ path, value: http, allowed, cures: [{ set: path, to: 0 }] }] : [];
}
