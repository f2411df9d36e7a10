/**
 * Real Redis servers for tests: Debian's, unpacked into the cache without being installed, on the address of the Docker host that containers
 * reach, over TLS alone and each with a password: one that serves, one that follows it, and a sentinel that watches over both.
 */
import { ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Authority } from "../authority";
import { ROOT } from "../../system/folders";
import { freePort } from "../../system/free-port";
import { run } from "../../system/run";
import { librariesBelow, unpack } from "./debian";
import { hostAddress, listening, stop } from "./stack";

/** Debian's packages with the server and its command line, and what few machines have of that with which both are linked. */
const PACKAGES = [
    "redis-server",
    "redis-tools",
    "liblzf1",
    "libjemalloc2",
    "liblua5.1-0",
    "lua-cjson",
    "lua-bitop",
    "libhiredis0.14",
];

/** Why there can be no servers here; undefined where there can. */
export const NO_REDIS = existsSync("/usr/bin/apt-get") ? undefined : "needs Debian's package redis-server";

const MASTER = "cloud";

/** How long the serving one may be away until the sentinel makes the other one serve, milliseconds. */
const AWAY = 2000;

export class Redis {
    readonly password = `canary-${randomBytes(12).toString("hex")}`;
    readonly sentinelPassword = `canary-${randomBytes(12).toString("hex")}`;
    private readonly certification = new Authority();
    private readonly servers: Record<string, ChildProcess> = {};

    private constructor(
        private readonly folder: string,
        private readonly root: string,
        private readonly address: string,
        private readonly ports: Readonly<Record<"first" | "second" | "sentinel", number>>,
    ) {}

    static async start(listen?: string): Promise<Redis> {
        const cache = join(ROOT, ".cache", "tests", "redis");
        mkdirSync(cache, { recursive: true });
        const root = await unpack(PACKAGES, cache);
        const ports = { first: await freePort(), second: await freePort(), sentinel: await freePort() };
        const redis = new Redis(mkdtempSync(join(cache, "run-")), root, listen ?? (await hostAddress()), ports);
        await redis.serveAll();
        return redis;
    }

    /** What a stack is told of the first one alone. */
    get settings() {
        return { mode: "external-redis", host: this.address, port: this.ports.first, ...this.account };
    }

    /** What it is told of all of them. */
    get sentinelSettings() {
        const nodes = [`${this.address}:${this.ports.sentinel}`];
        return { mode: "sentinel", masterName: MASTER, nodes, sentinelPassword: this.sentinelPassword, ...this.account };
    }

    private get account() {
        return { password: this.password, authority: this.certification.root };
    }

    private async serveAll(): Promise<void> {
        const { certificate, key } = this.certification.issue(`IP:${this.address}`);
        const files = { "server.pem": certificate, "server.key": key, "ca.pem": this.certification.root };
        for (const [name, content] of Object.entries(files)) {
            writeFileSync(join(this.folder, name), content, { mode: 0o600 });
        }
        const { first } = this.ports;
        const data = [`requirepass ${this.password}`, `masterauth ${this.password}`, "repl-diskless-sync-delay 0", 'save ""'];
        await this.serve("first", data);
        await this.serve("second", [...data, `replicaof ${this.address} ${first}`]);
        await this.serve("sentinel", [
            `requirepass ${this.sentinelPassword}`,
            `sentinel monitor ${MASTER} ${this.address} ${first} 1`,
            `sentinel auth-pass ${MASTER} ${this.password}`,
            `sentinel down-after-milliseconds ${MASTER} ${AWAY}`,
        ]);
    }

    private async serve(name: keyof Redis["ports"], lines: readonly string[]): Promise<void> {
        const port = this.ports[name];
        const data = join(this.folder, name);
        mkdirSync(data);
        const tls = ["cert-file server.pem", "key-file server.key", "ca-cert-file ca.pem"].map((line) => {
            const [option, file] = line.split(" ");
            return `tls-${option} ${this.folder}/${file}`;
        });
        const common = [
            `bind ${this.address}`,
            "port 0",
            `tls-port ${port}`,
            ...tls,
            "tls-auth-clients no",
            "tls-replication yes",
            `dir ${data}`,
            // Linux would take another one of its own addresses for connections to itself.
            ...(name === "sentinel" ? [] : [`replica-announce-ip ${this.address}`]),
        ];
        const file = join(this.folder, `${name}.conf`);
        writeFileSync(file, [...common, ...lines, ""].join("\n"), { mode: 0o600 });
        const as = name === "sentinel" ? ["--sentinel"] : [];
        const server = spawn(`${this.root}/usr/bin/redis-server`, [file, ...as], { env: this.environment(), stdio: "ignore" });
        this.servers[name] = server;
        await listening(server, port, this.address);
    }

    private environment(): NodeJS.ProcessEnv {
        return { ...process.env, LD_LIBRARY_PATH: librariesBelow(this.root) };
    }

    /** What one of the servers that keep data answers. */
    ask(server: "first" | "second", ...command: string[]): Promise<string> {
        const tls = ["--tls", "--cacert", join(this.folder, "ca.pem")];
        const where = ["-h", this.address, "-p", String(this.ports[server]), ...tls];
        const env = { ...this.environment(), REDISCLI_AUTH: this.password };
        return run(`${this.root}/usr/bin/redis-cli`, [...where, ...command], { env });
    }

    /** Ends the one that serves, without a word to it. */
    async killFirst(): Promise<void> {
        const { first } = this.servers;
        const ended = new Promise((resolve) => first!.once("exit", resolve));
        first!.kill("SIGKILL");
        await ended;
    }

    /** Stops all and deletes what they stored. */
    async stop(): Promise<void> {
        await Promise.all(
            Object.values(this.servers)
                .filter(({ signalCode }) => signalCode === null)
                .map(stop),
        );
        this.certification.close();
        rmSync(this.folder, { recursive: true });
    }
}
