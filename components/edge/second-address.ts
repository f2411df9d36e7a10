/**
 * The second address of the Docker host at which the edge is published. Where one port of a container is published at two addresses, the
 * engine lists them in changing order, and every preview would see a change: so the second address leads to ports of its own in the
 * container, and Caddy serves the same on both. Pure.
 */
import { Settings } from "../../settings";

/** Where the search for ports of the container begins: below those that the kernel gives to outgoing connections, above HEALTH_ADDRESS. */
const FIRST = { https: 20443, http: 20080 };

/** Ports of the container to which the second address leads; none of them is known to people. */
export interface SecondPorts {
    readonly https: number;
    readonly http: number;
}

/** What the ports are chosen by. */
export type Published = Pick<Settings, "secondAddress" | "httpsPort" | "httpPort" | "metricsPort">;

/** The ports of the second address; undefined where there is none. The first address's are the same inside and outside, and any port. */
export function secondPorts({ secondAddress, httpsPort, httpPort, metricsPort }: Published): SecondPorts | undefined {
    if (secondAddress === "") {
        return undefined;
    }
    const taken = [httpsPort, httpPort, metricsPort];
    const free = (port: number): number => (taken.includes(port) ? free(port + 1) : port);
    // Three are taken, and so the two never meet.
    return { https: free(FIRST.https), http: free(FIRST.http) };
}
