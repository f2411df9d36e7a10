/**
 * The CIS Docker Benchmark 1.6, section 5 (container runtime), asked of a stack's running containers: each recommendation by its number,
 * what it asks for in our words, and what there has to be. Where the program does otherwise, the reason stands beside it, and what there is
 * instead is asserted all the same.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../system/folders";
import { Cloud } from "./cloud";
import { docker, dockerLines } from "./stack";

/** What `docker inspect` says of a container, as far as the recommendations ask for it. */
interface Inspected {
    readonly Name: string;
    readonly Image: string;
    readonly AppArmorProfile: string;
    readonly Config: { readonly Image: string; readonly User: string; readonly Labels: object | null };
    readonly State: { readonly Health?: { readonly Status: string } };
    readonly Mounts: readonly { readonly Type: string; readonly Source: string; readonly Propagation: string }[];
    readonly NetworkSettings: { readonly Networks: object };
    readonly HostConfig: {
        readonly CapAdd: readonly string[] | null;
        readonly CapDrop: readonly string[] | null;
        readonly CgroupParent: string;
        readonly CpuShares: number;
        readonly Devices: readonly unknown[] | null;
        readonly IpcMode: string;
        readonly Memory: number;
        readonly NetworkMode: string;
        readonly PidMode: string;
        readonly PidsLimit: number | null;
        readonly PortBindings: Readonly<
            Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>
        > | null;
        readonly Privileged: boolean;
        readonly ReadonlyRootfs: boolean;
        readonly RestartPolicy: { readonly Name: string; readonly MaximumRetryCount: number };
        readonly SecurityOpt: readonly string[] | null;
        readonly Ulimits: readonly unknown[] | null;
        readonly UsernsMode: string;
        readonly UTSMode: string;
    };
}

/** A recommendation, asked of one container. */
interface Recommendation {
    readonly number: string;
    readonly asks: string;
    /** What there is. */
    readonly shown: unknown;
    /** What there has to be. */
    readonly expected: unknown;
    /** Why it is not what the benchmark asks for. */
    readonly although?: string;
}

/** The commands of our documents that run something in a container with more rights than its process has. */
function privilegedCommands(): string[] {
    const documents = ["README.md", ...globSync("docs/*.md", { cwd: ROOT })];
    const lines = documents.flatMap((document) => readFileSync(join(ROOT, document), "utf8").split("\n"));
    return lines.filter((line) => /docker exec (-\S+ )*(--privileged|--user|-u)/.test(line));
}

/** The options of an engine's security modules that a container was given. */
const securityOptions = ({ HostConfig }: Inspected, module: string) =>
    (HostConfig.SecurityOpt ?? []).filter((option) => option.startsWith(module));

/** The ports that a container publishes, as `address:port`. */
const published = ({ HostConfig }: Inspected) =>
    Object.values(HostConfig.PortBindings ?? {}).flatMap((bindings) => bindings.map((at) => `${at.HostIp}:${at.HostPort}`));

/** Every recommendation of the section, of one container. */
async function recommendations(container: Inspected, { settings, stack }: Cloud): Promise<Recommendation[]> {
    const { Config, HostConfig, Mounts, NetworkSettings, State } = container;
    const server = container.Name.replace(`/${stack.prefix}`, "");
    const edge = server === "edge";
    const { address, httpsPort, httpPort } = settings as { address: string; httpsPort: number; httpPort: number };
    // HTTP/3 has the number of HTTPS.
    const ports = edge ? [httpPort, httpsPort, httpsPort].filter((port) => port !== 0).map((port) => `${address}:${port}`) : [];
    const processes = await dockerLines("top", container.Name.slice(1), "-eo", "pid,comm");
    return [
        {
            number: "5.1",
            asks: "no swarm where none is needed",
            shown: Object.keys(Config.Labels ?? {}).filter((label) => label.startsWith("com.docker.swarm")),
            expected: [],
        },
        {
            number: "5.2",
            asks: "AppArmor's profile, where the kernel has AppArmor",
            shown: [securityOptions(container, "apparmor"), ["", "docker-default"].includes(container.AppArmorProfile)],
            expected: [[], true],
        },
        {
            number: "5.3",
            asks: "SELinux's labels, where the kernel has SELinux",
            shown: securityOptions(container, "label"),
            expected: [],
        },
        {
            number: "5.4",
            asks: "few capabilities",
            shown: [HostConfig.CapDrop, HostConfig.CapAdd ?? []],
            // The official image's binary cannot be executed without it.
            expected: [["ALL"], edge ? ["CAP_NET_BIND_SERVICE"] : []],
        },
        { number: "5.5", asks: "no privileged container", shown: HostConfig.Privileged, expected: false },
        {
            number: "5.6",
            asks: "no folder of the host's system",
            shown: Mounts.filter(({ Type }) => Type !== "volume"),
            expected: [],
        },
        {
            number: "5.7",
            asks: "no SSH server",
            shown: processes.filter((line) => line.includes("ssh")),
            expected: [],
        },
        {
            number: "5.8",
            asks: "no port below 1024",
            shown: published(container).sort(),
            expected: ports.sort(),
            although: "443 and 80 are where browsers and ACME servers ask; httpsPort and httpPort choose others, as here",
        },
        { number: "5.9", asks: "no port that is not needed", shown: published(container).length, expected: ports.length },
        { number: "5.10", asks: "a network of its own", shown: HostConfig.NetworkMode === "host", expected: false },
        { number: "5.11", asks: "a memory limit", shown: HostConfig.Memory > 0, expected: true },
        {
            number: "5.12",
            asks: "CPU shares by importance",
            shown: HostConfig.CpuShares,
            expected: 0,
            although: "the three weigh alike: nobody signs in or reads a file without all of them",
        },
        { number: "5.13", asks: "a read-only root", shown: HostConfig.ReadonlyRootfs, expected: true },
        {
            number: "5.14",
            asks: "ports of one address of the host",
            shown: published(container).filter((at) => !at.startsWith(`${address}:`)),
            expected: [],
            although: "the key address names it, as here; by default the cloud is for everybody who reaches the host",
        },
        {
            number: "5.15",
            asks: "the restart policy on-failure, five times",
            shown: HostConfig.RestartPolicy,
            expected: { Name: "always", MaximumRetryCount: 0 },
            although: "such a container does not come back after a crash of the engine or of the host",
        },
        { number: "5.16", asks: "processes of its own", shown: HostConfig.PidMode, expected: "" },
        { number: "5.17", asks: "shared memory of its own", shown: HostConfig.IpcMode, expected: "private" },
        { number: "5.18", asks: "no device of the host", shown: HostConfig.Devices ?? [], expected: [] },
        {
            number: "5.19",
            asks: "the engine's limits, unless others are needed",
            shown: HostConfig.Ulimits ?? [],
            expected: [],
        },
        {
            number: "5.20",
            asks: "no mount that shows up on the host",
            shown: Mounts.filter(({ Propagation }) => Propagation.includes("shared")),
            expected: [],
        },
        { number: "5.21", asks: "a host name of its own", shown: HostConfig.UTSMode, expected: "" },
        {
            number: "5.22",
            asks: "the engine's filter of system calls",
            shown: securityOptions(container, "seccomp"),
            expected: [],
        },
        { number: "5.23", asks: "no docker exec --privileged, in our documents", shown: privilegedCommands(), expected: [] },
        { number: "5.24", asks: "no docker exec as root", shown: Config.User, expected: "1000:1000" },
        { number: "5.25", asks: "the engine's control group", shown: HostConfig.CgroupParent, expected: "" },
        {
            number: "5.26",
            asks: "no privileges gained later",
            shown: securityOptions(container, "no-new-privileges"),
            expected: ["no-new-privileges:true"],
        },
        { number: "5.27", asks: "a health check", shown: State.Health?.Status, expected: "healthy" },
        {
            number: "5.28",
            asks: "the latest image",
            shown: container.Image,
            expected: await docker("image", "inspect", "--format", "{{.Id}}", Config.Image),
            although: "it is the image that the configuration names; docs/production.md says how updates reach it",
        },
        {
            number: "5.29",
            asks: "a limit of processes",
            shown: HostConfig.PidsLimit ?? 0,
            expected: 0,
            although:
                "the provider has no argument for it (@pulumi/docker 5.2.0); the memory limit bounds what a fork bomb takes",
        },
        {
            number: "5.30",
            asks: "not the engine's default bridge",
            shown: Object.keys(NetworkSettings.Networks),
            expected: [`${stack.prefix}network`],
        },
        { number: "5.31", asks: "the engine's user namespaces", shown: HostConfig.UsernsMode, expected: "" },
        {
            number: "5.32",
            asks: "no socket of the engine",
            shown: Mounts.filter(({ Source }) => Source.includes("docker.sock")),
            expected: [],
        },
    ];
}

/** Asks every recommendation of every running container of a cloud that listens on one address, over HTTP/3 too. */
export async function expectBenchmark(cloud: Cloud): Promise<void> {
    const names = await dockerLines("ps", "--filter", `name=${cloud.stack.prefix}`, "--format", "{{.Names}}");
    assert.equal(names.length, 3);
    const containers = JSON.parse(await docker("inspect", ...names)) as Inspected[];
    for (const container of containers) {
        for (const { number, asks, shown, expected } of await recommendations(container, cloud)) {
            assert.deepEqual(shown, expected, `${number} of ${container.Name} (${asks}): ${JSON.stringify(shown)}`);
        }
    }
}
