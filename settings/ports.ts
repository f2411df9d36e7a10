/** The keys `address`, `secondAddress`, `httpsPort` and `httpPort`: where the edge is reached. */
import { isIP, SocketAddress } from "node:net";
import { z } from "zod";

import { text } from "./declaration";
import { Fault } from "./fault";

/** An address in its shortest form, as the engine tells it back, whatever form it was given. */
const shortest = (value: string) => new SocketAddress({ address: value, family: isIP(value) === 6 ? "ipv6" : "ipv4" }).address;

/** Any other form would read otherwise than it was written, and each preview see a change. Source: run with Docker Engine 20.10. */
const isAddress = (value: string) => isIP(value) !== 0 && shortest(value) === value && !/^::ffff:/.test(value);

const ADDRESS = "an IP address of the Docker host in its shortest form, such as 192.0.2.1 or 2001:db8::1";

export const address = text(ADDRESS, isAddress).default("0.0.0.0").meta({
    description: "IP address of the Docker host on which the edge publishes its ports. 127.0.0.1 keeps it on the machine.",
    example: "0.0.0.0",
});

export const secondAddress = text(`${ADDRESS}; or nothing`, (value) => value === "" || isAddress(value))
    .default("")
    .meta({
        description:
            "A further IP address of the Docker host on which the edge publishes the same ports: :: beside 0.0.0.0, for IPv6 and IPv4 " +
            "at once. Nothing by default. See docs/engines.md.",
        example: "::",
    });

/** Every address at which the edge publishes its ports. */
export function addressesOf(reached: { readonly address: string; readonly secondAddress: string }): [string, ...string[]] {
    const { address, secondAddress } = reached;
    return secondAddress === "" ? [address] : [address, secondAddress];
}

/** Every address of each kind. */
const EVERYWHERE = ["0.0.0.0", "::"];

/** The engine binds a port at an address once, and not beside every address of its kind. */
export function checkSecondAddress({ address, secondAddress }: { address: string; secondAddress: string }): Fault[] {
    const meet = address === secondAddress || [address, secondAddress].some((each) => EVERYWHERE.includes(each));
    if (isIP(address) !== isIP(secondAddress) || !meet) {
        return [];
    }
    const path = ["secondAddress"];
    const allowed = `an address apart from ${address}, which address is; 0.0.0.0 is every one of IPv4, and :: every one of IPv6`;
    return [{ path, value: secondAddress, allowed, cures: [{ remove: path }] }];
}

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
