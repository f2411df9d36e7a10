/** The key `metricsPort`: where figures of the servers are read, by whoever watches them. */
import type { Engine } from "./engine";
import { Fault } from "./fault";
import { port } from "./ports";

/** The port of Prometheus's exporters for applications. Source: OpenTelemetry's specification, "Prometheus Exporter". */
const USUAL = 9464;

export const metricsPort = port(
    0,
    0,
    "Port on the loopback of the Docker host, and nowhere else, on which the edge serves metrics of all servers in the form of " +
        "Prometheus. 0 leaves it closed, and the servers then count nothing for others to read. See docs/watching.md.",
    USUAL,
);

/** The ports of the edge, and what places it. */
interface Published {
    readonly metricsPort: number;
    readonly httpsPort: number;
    readonly httpPort: number;
    readonly engine: Engine;
}

export function checkMetricsPort({ metricsPort: port, httpsPort, httpPort, engine }: Published): Fault[] {
    if (port === 0) {
        return [];
    }
    const path = ["metricsPort"];
    const fault = (allowed: string, to: number): Fault => ({ path, value: port, allowed, cures: [{ set: path, to }] });
    return [
        ...(port === httpsPort || port === httpPort
            ? [fault("a port other than httpsPort and httpPort, or 0", port === USUAL ? USUAL + 1 : USUAL)]
            : []),
        ...(engine.mode === "swarm"
            ? [fault("0 with engine.mode swarm, where the port of a service is open on every machine's every address", 0)]
            : []),
    ];
}
