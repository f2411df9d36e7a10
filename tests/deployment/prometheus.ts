/**
 * A real Prometheus for tests, with node_exporter: Debian's, unpacked into the cache without being installed, on the loopback. It reads the
 * files of watching/, with the test's ports, and asks every second.
 */
import { ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../system/folders";
import { freePort } from "../../system/free-port";
import { run } from "../../system/run";
import { unpack } from "./debian";
import { listening, stop } from "./stack";

/** Debian's packages with the server, its tool, and what reads the file with figures. They are linked with nothing that is not at hand. */
const PACKAGES = ["prometheus", "prometheus-node-exporter"];

/** Why there can be none here; undefined where there can. */
export const NO_PROMETHEUS = existsSync("/usr/bin/apt-get") ? undefined : "needs Debian's package prometheus";

const WATCHING = join(ROOT, "watching");

/** Where the packages are unpacked. */
async function unpacked(): Promise<{ cache: string; root: string }> {
    const cache = join(ROOT, ".cache", "tests", "prometheus");
    mkdirSync(cache, { recursive: true });
    return { cache, root: await unpack(PACKAGES, cache) };
}

/** Runs Prometheus's own tool in watching/. */
export async function promtool(...args: string[]): Promise<string> {
    const { root } = await unpacked();
    return run(`${root}/usr/bin/promtool`, args, { cwd: WATCHING });
}

/** A series as an instant query finds it. */
export interface Series {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: number;
}

export class Prometheus {
    private readonly servers: ChildProcess[] = [];

    private constructor(
        private readonly folder: string,
        private readonly url: string,
    ) {}

    /** Starts one that watches a stack. */
    static async start(stack: string, metricsPort: number): Promise<Prometheus> {
        const { cache, root } = await unpacked();
        const folder = mkdtempSync(join(cache, "run-"));
        const [port, exporterPort] = [await freePort(), await freePort()];
        const text = readFileSync(join(WATCHING, "prometheus.yml"), "utf8");
        const configuration = text
            .replaceAll("9464", String(metricsPort))
            .replaceAll("9100", String(exporterPort))
            .replaceAll("prod", stack)
            .replaceAll("15s", "1s");
        writeFileSync(join(folder, "prometheus.yml"), configuration);
        // What has to be so for minutes has to be so for seconds.
        const rules = readFileSync(join(WATCHING, "alerts.yml"), "utf8").replaceAll(/for: (\d+)m/g, "for: $1s");
        writeFileSync(join(folder, "alerts.yml"), rules);
        const prometheus = new Prometheus(folder, `http://127.0.0.1:${port}`);
        const serve = async (name: string, address: number, ...args: string[]) => {
            const listen = `--web.listen-address=127.0.0.1:${address}`;
            const server = spawn(`${root}/usr/bin/${name}`, [listen, ...args], { stdio: "ignore" });
            prometheus.servers.push(server);
            await listening(server, address);
        };
        const textfiles = ["--collector.disable-defaults", "--collector.textfile", `--collector.textfile.directory=${folder}`];
        await serve("prometheus-node-exporter", exporterPort, ...textfiles);
        const data = `--storage.tsdb.path=${folder}/data`;
        await serve("prometheus", port, `--config.file=${folder}/prometheus.yml`, data);
        return prometheus;
    }

    /** Where node_exporter finds figures of others. */
    get textfile(): string {
        return join(this.folder, "stack.prom");
    }

    private async ask<T>(path: string): Promise<T> {
        const answer = await fetch(`${this.url}/api/v1/${path}`);
        const { data, error } = (await answer.json()) as { data: T; error?: string };
        if (error !== undefined) {
            throw new Error(`${path}: ${error}`);
        }
        return data;
    }

    /** What an expression is now. */
    async query(expression: string): Promise<Series[]> {
        const path = `query?query=${encodeURIComponent(expression)}`;
        const { result } = await this.ask<{ result: { metric: Series["metric"]; value: [number, string] }[] }>(path);
        return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    }

    /** Names of the alerts that fire, each with the job that it is about, if it is about one. */
    async firing(): Promise<string[]> {
        type Alert = { readonly state: string; readonly labels: Readonly<Record<string, string>> };
        const { alerts } = await this.ask<{ alerts: Alert[] }>("alerts");
        return alerts
            .filter(({ state }) => state === "firing")
            .map(({ labels: { alertname, job } }) => [alertname, job].filter((text) => text !== undefined).join(" "));
    }

    /** Stops all and deletes what was stored. */
    async stop(): Promise<void> {
        await Promise.all(this.servers.map(stop));
        rmSync(this.folder, { recursive: true });
    }
}
