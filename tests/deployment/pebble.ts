/**
 * A real ACME server for tests: Let's Encrypt's Pebble, built from its Go module, on the address of the Docker host that
 * containers reach. It validates names as the real one does, by connecting to them; a name server of its own leads each of
 * them to this machine.
 */
import { ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

import { Authority } from "../authority";
import { ROOT } from "../../system/folders";
import { run } from "../../system/run";
import { Browser } from "../../client/browser";
import { freePort } from "../../system/free-port";
import { hostAddress, listening, stop } from "./stack";

const MODULE = "github.com/letsencrypt/pebble/v2";
const VERSION = "v2.10.1";

/** Why there can be no server here; undefined where there can. */
export const NO_PEBBLE = process.env.PATH!.split(delimiter).some((folder) => existsSync(join(folder, "go")))
    ? undefined
    : "needs Go, to build Pebble";

export class Pebble {
    private constructor(
        private readonly folder: string,
        private readonly authority: Authority,
        private readonly servers: readonly ChildProcess[],
        /** URL of its ACME directory. */
        readonly directory: string,
        /** Roots to trust, PEM: of what it issues, made anew at each start, and of its own certificate. */
        readonly roots: string,
    ) {}

    /** Starts it; names are validated on these ports of the loopback, by IPv4 or IPv6. */
    static async start(
        { httpPort, httpsPort }: { httpPort: number; httpsPort: number },
        loopback: "127.0.0.1" | "::1" = "127.0.0.1",
    ): Promise<Pebble> {
        const cache = join(ROOT, ".cache", "tests", `pebble-${VERSION}`);
        mkdirSync(cache, { recursive: true });
        const commands = ["pebble", "pebble-challtestsrv"].map((name) => `${MODULE}/cmd/${name}@${VERSION}`);
        await run("go", ["install", ...commands], { env: { ...process.env, GOBIN: cache } });

        const folder = mkdtempSync(join(cache, "run-"));
        const address = await hostAddress();
        const authority = new Authority();
        const { certificate, key } = authority.issue(`IP:${address}`);
        const [port, managementPort, dnsPort] = [await freePort(), await freePort(), await freePort()];
        const configuration = {
            listenAddress: `${address}:${port}`,
            managementListenAddress: `${address}:${managementPort}`,
            certificate: join(folder, "certificate.pem"),
            privateKey: join(folder, "certificate.key"),
            httpPort,
            tlsPort: httpsPort,
        };
        writeFileSync(configuration.certificate, certificate);
        writeFileSync(configuration.privateKey, key, { mode: 0o600 });
        writeFileSync(join(folder, "pebble.json"), JSON.stringify({ pebble: configuration }));

        const dns = `127.0.0.1:${dnsPort}`;
        const closed = ["http01", "https01", "tlsalpn01", "doh", "management"].flatMap((name) => [`-${name}`, ""]);
        const [four, six] = loopback === "::1" ? ["", loopback] : [loopback, ""];
        const leading = ["-defaultIPv4", four, "-defaultIPv6", six];
        const stdio = "ignore";
        const names = spawn(join(cache, "pebble-challtestsrv"), ["-dnsserver", dns, ...closed, ...leading], { stdio });
        await listening(names, dnsPort);
        const args = ["-config", join(folder, "pebble.json"), "-dnsserver", dns, "-strict"];
        // Without the waits by which it finds clients that do not wait.
        const server = spawn(join(cache, "pebble"), args, { env: { ...process.env, PEBBLE_VA_NOSLEEP: "1" }, stdio });
        await listening(server, port, address);
        await listening(server, managementPort, address);

        const browser = new Browser(authority.root);
        const answer = await browser.request(`https://${address}:${managementPort}/roots/0`);
        const roots = `${await answer.text()}\n${authority.root}`;
        await browser.close();
        return new Pebble(folder, authority, [server, names], `https://${address}:${port}/dir`, roots);
    }

    /** Stops it and deletes its files. */
    async stop(): Promise<void> {
        await Promise.all(this.servers.map(stop));
        this.authority.close();
        rmSync(this.folder, { recursive: true });
    }
}
