/**
 * Three real NATS servers for tests, one cluster with JetStream, built from their Go module, on the address of the Docker host that containers
 * reach, over TLS with a certificate of an authority of its own. Each can be ended and started again with what it has stored.
 */
import { ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../system/folders";
import { freePort } from "../../system/free-port";
import { attempt, run } from "../../system/run";
import { Authority } from "../authority";
import { goPrograms } from "./go-programs";
import { hostAddress, listening, stop } from "./stack";
import { eventually } from "./waiting";

/** Folder of the Go module that pins them. */
const MODULE = join(__dirname, "nats");

/** What a person reads of them. */
const DOCUMENT = join(ROOT, "docs", "bus.md");

const PROGRAMS = ["github.com/nats-io/nats-server/v2", "github.com/nats-io/natscli/nats"];

/** The stream of oCIS's events. Source: owncloud/reva, pkg/events; run with oCIS 8.2.0. */
export const EVENTS = "main-queue";

/** Seconds within which three servers have chosen a leader. */
const TOGETHER = 30;

/** Where a stream or a consumer of one is, as `nats stream info` and `nats consumer info` say. */
interface Placed {
    readonly cluster: { readonly leader?: string; readonly replicas?: { readonly current: boolean }[] };
}

/** A stream. */
interface StreamInfo extends Placed {
    readonly config: { readonly name: string };
}

interface ConsumerInfo extends Placed {
    readonly name: string;
}

/** Whether it is on all three servers, and none is behind. */
export const isOnAll = ({ cluster: { replicas = [] } }: Placed) =>
    replicas.length === 2 && replicas.every(({ current }) => current);

export class Nats {
    readonly password = `canary-${randomBytes(12).toString("hex")}`;
    private readonly certification = new Authority();
    private readonly servers: (ChildProcess | undefined)[] = [];

    private constructor(
        private readonly programs: string,
        private readonly folder: string,
        private readonly address: string,
        /** Of each: for clients, and for the others. */
        private readonly ports: readonly (readonly [number, number])[],
    ) {}

    /**
     * Starts three that have nothing.
     *
     * @param listen At which address; by default at that of this machine's engine.
     */
    static async start(listen?: string): Promise<Nats> {
        const programs = await goPrograms("NATS", MODULE, PROGRAMS);
        const cache = join(ROOT, ".cache", "tests", "nats");
        mkdirSync(cache, { recursive: true });
        const pair = async () => [await freePort(), await freePort()] as const;
        const ports = [await pair(), await pair(), await pair()];
        const nats = new Nats(programs, mkdtempSync(join(cache, "run-")), listen ?? (await hostAddress()), ports);
        const { certificate, key } = nats.certification.issue(`IP:${nats.address}`);
        const files = { "ca.pem": nats.certification.root, "nats.pem": certificate, "nats.key": key };
        for (const [name, content] of Object.entries(files)) {
            writeFileSync(join(nats.folder, name), content, { mode: 0o600 });
        }
        await Promise.all(ports.map((_, index) => nats.serve(index)));
        await eventually("NATS has a leader", TOGETHER, async () => {
            const { code } = await attempt("nats", ["account", "info"], { env: nats.environment });
            return code === 0 || undefined;
        });
        return nats;
    }

    /** What a stack is told of them. */
    get settings() {
        const servers = this.ports.map(([port]) => `${this.address}:${port}`);
        return { mode: "nats", servers, user: "ocis", password: this.password, authority: this.certification.root };
    }

    /** Name of a server, as `leaders` tells it. */
    private readonly nameOf = (index: number) => `nats-${index + 1}`;

    /** Starts one with what it has. */
    async serve(index: number): Promise<void> {
        const [port, cluster] = this.ports[index]!;
        const tls = {
            cert_file: `${this.folder}/nats.pem`,
            key_file: `${this.folder}/nats.key`,
            ca_file: `${this.folder}/ca.pem`,
        };
        const configuration = {
            server_name: this.nameOf(index),
            listen: `${this.address}:${port}`,
            tls,
            jetstream: { store_dir: `${this.folder}/${this.nameOf(index)}` },
            accounts: {
                // JetStream belongs to the account that asks for it.
                OCIS: { jetstream: true, users: [{ user: "ocis", password: this.password }] },
            },
            cluster: {
                name: "ocis-cluster",
                listen: `${this.address}:${cluster}`,
                tls: { ...tls, verify: true },
                routes: this.ports.map(([, other]) => `nats://${this.address}:${other}`),
            },
        };
        const file = join(this.folder, `${this.nameOf(index)}.conf`);
        writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 });
        const log = openSync(join(this.folder, `${this.nameOf(index)}.log`), "a");
        this.servers[index] = spawn(join(this.programs, "nats-server"), ["-c", file], { stdio: ["ignore", log, log] });
        closeSync(log);
        await listening(this.servers[index], port, this.address);
    }

    /** Ends one without a word. */
    async kill(index: number): Promise<void> {
        const server = this.servers[index]!;
        const ended = new Promise((resolve) => server.once("exit", resolve));
        server.kill("SIGKILL");
        await ended;
        this.servers[index] = undefined;
    }

    /** How the command line reaches them, in its own variables: nothing is on a command line. */
    get environment(): NodeJS.ProcessEnv {
        const urls = this.settings.servers.map((server) => `tls://${server}`).join(",");
        return {
            ...process.env,
            PATH: `${this.programs}:${process.env.PATH}`,
            NATS_URL: urls,
            NATS_USER: "ocis",
            NATS_PASSWORD: this.password,
            NATS_CA: join(this.folder, "ca.pem"),
        };
    }

    /** Runs shell commands with `nats` at hand. */
    shell(script: string): Promise<string> {
        return run("sh", ["-e", "-c", script], { env: this.environment });
    }

    /** What the command line says of everything that it lists. */
    private async all<T>(list: string, info: string): Promise<T[]> {
        const names = (await this.shell(`nats ${list} --names`)).split("\n").filter(Boolean);
        return Promise.all(names.map(async (name) => JSON.parse(await this.shell(`nats ${info} '${name}' --json`)) as T));
    }

    /** Every stream of oCIS's. */
    streams(): Promise<StreamInfo[]> {
        return this.all("stream ls", "stream info");
    }

    /**
     * Who reads the events: each of oCIS's services that is told of any, besides what every process has for open pages, which stays on the
     * server on which it was made.
     */
    async consumers(): Promise<Placed[]> {
        const all = await this.all<ConsumerInfo>(`consumer ls ${EVENTS}`, `consumer info ${EVENTS}`);
        return all.filter(({ name }) => !name.startsWith("sse-"));
    }

    /** Runs the commands of docs/bus.md that begin like this. */
    asDocumented(begin: string): Promise<string> {
        const [, commands] = new RegExp(`\`\`\`\n(${begin} [^]*?)\`\`\``).exec(readFileSync(DOCUMENT, "utf8"))!;
        return this.shell(commands!);
    }

    /** Has every stream kept by all three. */
    keepOnAll(): Promise<string> {
        return this.asDocumented("nats kv ls --names");
    }

    /** Which server leads most streams. */
    async leader(): Promise<number> {
        const leaders = (await this.streams()).map(({ cluster }) => cluster.leader);
        const led = this.ports.map((_, index) => leaders.filter((name) => name === this.nameOf(index)).length);
        return led.indexOf(Math.max(...led));
    }

    /** Stops them and deletes what they stored. */
    async stop(): Promise<void> {
        await Promise.all(this.servers.filter((server) => server !== undefined).map(stop));
        this.certification.close();
        rmSync(this.folder, { recursive: true });
    }
}
