/** What Docker says of a stack's servers and of the volumes with their data. */
import { AUTHELIA_DATA, POSTGRES_DATA } from "../components/authelia/state";
import { LLDAP_DATA } from "../components/lldap/configuration";
import { OCIS_DATA } from "../components/ocis/configuration";
import { ServerName, StackOnEngine } from "./stack-on-engine";

/** Where each server has its data, whose volume grows; the edge has certificates alone, and Redis what ends by itself. */
const DATA = { authelia: AUTHELIA_DATA, ocis: OCIS_DATA, postgres: POSTGRES_DATA, lldap: LLDAP_DATA } as const;

/** How a container is. */
export interface ContainerState {
    readonly server: ServerName;
    readonly container: string;
    /** "missing", or as Docker calls it: "running", "exited", "restarting", … */
    readonly status: string;
    /** "healthy", "unhealthy", "starting"; undefined where it does not run. */
    readonly health?: string;
    /** When it was started, in UTC as ISO 8601 writes it. */
    readonly since?: string;
    /** How often Docker has started it again by itself. */
    readonly restarts: number;
    /** Whether the kernel ended it because it reached its limit of memory. */
    readonly outOfMemory: boolean;
    /** Limit of memory, bytes. */
    readonly memoryLimit: number;
    /** Exit code of the last end. */
    readonly exitCode: number;
}

/** What is read of `docker inspect`. */
interface Inspected {
    readonly RestartCount: number;
    readonly State: {
        readonly Status: string;
        readonly StartedAt: string;
        readonly OOMKilled: boolean;
        readonly ExitCode: number;
        readonly Health?: { readonly Status: string };
    };
    readonly HostConfig: { readonly Memory: number };
}

/**
 * How a stack's servers are; the engine has to answer.
 *
 * @param servers Those that its configuration asks for by default.
 */
export function containerStates(
    stack: StackOnEngine,
    servers: readonly ServerName[] = stack.servers(),
): Promise<ContainerState[]> {
    return Promise.all(
        servers.map(async (server): Promise<ContainerState> => {
            const { container } = stack.server(server);
            const { code, stdout } = await stack.attemptDocker("container", "inspect", container);
            if (code !== 0) {
                return { server, container, status: "missing", restarts: 0, outOfMemory: false, memoryLimit: 0, exitCode: 0 };
            }
            const [{ RestartCount, State, HostConfig }] = JSON.parse(stdout) as [Inspected];
            return {
                server,
                container,
                status: State.Status,
                ...(State.Status === "running" ? { health: State.Health?.Status, since: State.StartedAt } : {}),
                restarts: RestartCount,
                outOfMemory: State.OOMKilled,
                memoryLimit: HostConfig.Memory,
                exitCode: State.ExitCode,
            };
        }),
    );
}

/** The last lines of a container's log that tell of an error. */
export async function lastErrors(stack: StackOnEngine, container: string, most = 3): Promise<string[]> {
    const { text } = await stack.attemptDocker("logs", "--tail", "200", container);
    const lines = text.split("\n").filter((line) => /\b(error|fatal|panic)\b/i.test(line));
    return lines.slice(-most).map((line) => (line.length > 300 ? `${line.slice(0, 300)} …` : line));
}

/** What a server's data take, and what is free where they lie, bytes. */
export interface DataSize {
    readonly server: keyof typeof DATA;
    readonly volume: string;
    readonly used: number;
    readonly free: number;
}

/**
 * By POSIX, in blocks of 1024 bytes: the first number of du, the fourth column of df. They are busybox's, see components/workload/args.ts, but
 * in images that have no busybox.
 */
export async function dataSizes(stack: StackOnEngine, running: readonly ContainerState[]): Promise<DataSize[]> {
    const servers = (Object.keys(DATA) as (keyof typeof DATA)[]).filter((name) =>
        running.some(({ server, status }) => server === name && status === "running"),
    );
    return Promise.all(
        servers.map(async (server) => {
            const command = `b=$(command -v busybox); $b du -sk ${DATA[server]} && $b df -kP ${DATA[server]}`;
            const said = await stack.docker("exec", stack.server(server).container, "/bin/sh", "-c", command);
            const lines = said.split("\n");
            const [used] = lines[0]!.split(/\s+/);
            const free = lines.at(-1)!.split(/\s+/)[3];
            return { server, volume: stack.volume(server), used: Number(used) * 1024, free: Number(free) * 1024 };
        }),
    );
}

/** Memory that running containers take now, by name, as Docker writes it: "85.3MiB / 512MiB". */
export async function memoryNow(stack: StackOnEngine, containers: readonly ContainerState[]): Promise<Record<string, string>> {
    const names = containers.filter(({ status }) => status === "running").map(({ container }) => container);
    if (names.length === 0) {
        return {};
    }
    const lines = (await stack.docker("stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}", ...names)).split("\n");
    return Object.fromEntries(lines.map((line) => line.split("\t") as [string, string]));
}

/** 1536 -> "1.5 KiB". */
export function printBytes(bytes: number): string {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    const power = Math.min(bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10), units.length - 1);
    const value = bytes / 1024 ** power;
    return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
