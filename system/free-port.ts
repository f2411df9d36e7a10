/** A port for a server that is started now. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Ports of which a free one is chosen: below those that Linux gives to outgoing connections, which would take it meanwhile. */
const PORTS = { first: 20_000, last: 32_000 };

/** A port on the loopback that nothing listens on now. */
export function freePort(): Promise<number> {
    const port = randomInt(PORTS.first, PORTS.last);
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.on("error", ({ code }: NodeJS.ErrnoException) =>
            code === "EADDRINUSE" ? resolve(freePort()) : reject(new Error(`port ${port}: ${code}`)),
        );
        server.listen(port, "127.0.0.1", () => server.close(() => resolve(port)));
    });
}
