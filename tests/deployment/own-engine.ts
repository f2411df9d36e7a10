/**
 * A Docker Engine of a test's own, which the test may kill: Debian's or Docker's, as installed here, in namespaces of its own for
 * processes, network and mounts. Nothing of it reaches the engine of the machine, and with its first process goes all of it:
 * containers, bridges, rules of the packet filter, mounts, whatever lay in /run. What is left, as on a disk, is one folder.
 *
 * A loss of power is shown by the end of that process. Not shown is what a kernel that ends with it has not yet written to its disk.
 */
import { ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, globSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { connect, createServer, Server } from "node:net";
import { delimiter, join } from "node:path";
import { pipeline } from "node:stream";

import { ROOT } from "../../system/folders";
import { attempt, run } from "../../system/run";
import { eventually } from "./waiting";

/** What it takes besides the engine: util-linux, iproute2, and the first process that the engine gives to containers too. */
const PROGRAMS = ["dockerd", "containerd", "docker-init", "unshare", "nsenter", "setpriv", "mount", "ip"];

/** Those of some programs that this machine has not. */
export function missingOf(programs: readonly string[]): string[] {
    return programs.filter((name) => !process.env.PATH!.split(delimiter).some((folder) => existsSync(join(folder, name))));
}

const missing = missingOf(PROGRAMS);

/** Why there can be no engine of one's own here; undefined where there can. */
export const NO_OWN_ENGINE =
    missing.length > 0 ? `needs ${missing.join(", ")}` : process.getuid?.() === 0 ? undefined : "needs root, for namespaces";

/** Passes connections to a socket in the file system on to a port, in the network that this runs in: socket and port are its arguments. */
const RELAY = `
    const { createServer, connect } = require("node:net");
    const [socket, port] = process.argv.slice(1);
    createServer((here) => require("node:stream").pipeline(here, connect(port, "127.0.0.1"), here, () => {})).listen(socket);`;

/** Seconds that an engine may take to answer. */
const START_SECONDS = 60;

/** The process that `parent`, which does nothing else, has started. */
function childOf(parent: number): number | undefined {
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").split(" ");
    return child === "" ? undefined : Number(child);
}

/** Waits until a process has ended. */
async function end(child: ChildProcess | undefined): Promise<void> {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        await new Promise((resolve) => child.once("exit", resolve));
    }
}

/** The other end of a cable to an engine: of which process it is the network, and what `ip` is told there of the device. */
export interface CableEnd {
    readonly process: number;
    readonly told: (device: string) => readonly string[];
}

/** Runs iproute2's `ip` in the network of a process. */
export function ip(process: number, ...args: readonly string[]): Promise<string> {
    return run("nsenter", ["--target", String(process), "--net", "ip", ...args]);
}

/** Waits until an engine answers that was started here. @param log File with what it says. */
export async function engineAnswers(host: string, daemon: ChildProcess, log: string): Promise<void> {
    await eventually("the engine answers", START_SECONDS, async () => {
        const { code, text } = await attempt("docker", ["--host", host, "version"]);
        if (daemon.exitCode !== null) {
            throw new Error(`dockerd ended:\n${readFileSync(log, "utf8")}${text}`);
        }
        return code === 0 || undefined;
    });
}

/** Gives an engine images of this machine's. */
export async function loadImages(host: string, images: readonly string[]): Promise<void> {
    const [save, load] = [`docker save ${images.join(" ")}`, `docker --host ${host} load`];
    await run("bash", ["-o", "pipefail", "-c", `${save} | ${load}`]);
}

export class OwnEngine {
    /** What is left of it while the power is off. */
    readonly folder: string;
    private readonly socket: string;
    private readonly cgroup: string;
    private machine?: ChildProcess;
    private daemon?: ChildProcess;
    private relay?: ChildProcess;
    private listener?: Server;
    private more: readonly string[] = [];

    /** @param name Of its folder, and of its control group. What an interrupted run has left there is removed. */
    constructor(private readonly name: string) {
        this.folder = join(ROOT, ".cache", "tests", name);
        this.socket = join(this.folder, "docker.sock");
        this.cgroup = `/${name}`;
        this.forget();
        mkdirSync(this.folder, { recursive: true });
    }

    /** Its address, for DOCKER_HOST. */
    get host(): string {
        return `unix://${this.socket}`;
    }

    /**
     * Starts everything: the first process with containerd, and the engine.
     *
     * @param more Options of dockerd, besides those of its own.
     */
    async powerOn(more: readonly string[] = []): Promise<void> {
        await this.boot();
        await this.startDaemon(more);
    }

    /** Starts the first process with containerd, and waits until it is there. */
    async boot(): Promise<void> {
        const prepare = "mount -t tmpfs tmpfs /run && ip link set lo up";
        const containerd = `exec docker-init -- containerd --root '${this.folder}/containerd'`;
        // Whatever ends this test takes it along.
        const unshare = [
            "--pdeathsig",
            "KILL",
            "unshare",
            "--fork",
            "--kill-child",
            "--pid",
            "--mount-proc",
            "--net",
            "--mount",
        ];
        this.machine = this.spawn("setpriv", [...unshare, "sh", "-c", `${prepare} && ${containerd}`], "containerd.log");
        await eventually("there is a first process", START_SECONDS, () => Promise.resolve(this.first()));
    }

    /**
     * Starts the engine beside what runs already, and waits until it answers.
     *
     * @param more Options besides those of its own; those of the last time by default.
     */
    async startDaemon(more = this.more): Promise<void> {
        this.more = more;
        const options = ["--host", this.host, "--data-root", join(this.folder, "docker")];
        // Neither systemd nor its groups are in here.
        const groups = ["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", this.cgroup];
        const daemon = (this.daemon = this.start("dockerd", [...options, ...groups, ...more], "dockerd.log"));
        await engineAnswers(this.host, daemon, join(this.folder, "dockerd.log"));
    }

    /** Starts a program in there, until the power is off. */
    start(program: string, args: readonly string[], log: string): ChildProcess {
        return this.spawn("nsenter", ["--target", String(this.first()), "--mount", "--net", "--pid", program, ...args], log);
    }

    /** Takes images from this machine's engine. */
    load(images: readonly string[]): Promise<void> {
        return loadImages(this.host, images);
    }

    /**
     * Lays a cable, until the power is off.
     *
     * @param address Of the end in here, with the length of its network.
     */
    async connect(address: string, { process, told }: CableEnd): Promise<void> {
        const device = this.name.slice(0, 15); // as long as Linux takes it
        const first = this.first()!;
        const peer = ["type", "veth", "peer", "name", "eth0", "netns", String(first)];
        await run("ip", ["link", "add", device, "netns", String(process), ...peer]);
        await ip(process, ...told(device));
        await ip(process, "link", "set", device, "up");
        await ip(first, "address", "add", address, "dev", "eth0");
        await ip(first, "link", "set", "eth0", "up");
    }

    /**
     * Takes the cable away: nobody hears from here any more, nor that nobody does. The kernel may keep the network of a swarm's
     * machine for minutes after its power is off, and a cable in it would be in the way of the next one.
     */
    async disconnect(): Promise<void> {
        await ip(this.first()!, "link", "delete", "eth0");
    }

    /** Ends the engine alone, by a signal. What it has started runs on, unless the engine ends it. */
    async endDaemon(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
        process.kill(childOf(this.daemon!.pid!)!, signal);
        await end(this.daemon);
    }

    /** Ends every process at once, without a word to any of them. */
    async powerOff(): Promise<void> {
        const first = this.first();
        if (first !== undefined) {
            process.kill(first, "SIGKILL");
        }
        this.relay?.kill();
        this.listener?.close();
        await Promise.all([this.machine, this.daemon, this.relay].map(end));
        this.machine = this.daemon = this.relay = this.listener = undefined;
    }

    /** Leads a port of this machine's loopback to the same port of the loopback in there, until the power is off. */
    async forward(port: number): Promise<void> {
        const socket = join(this.folder, "relay.sock");
        rmSync(socket, { force: true });
        const inside = ["--target", String(this.first()), "--net", process.execPath, "-e", RELAY, socket, String(port)];
        this.relay = this.spawn("nsenter", inside, "relay.log");
        await eventually("the relay listens", START_SECONDS, () => Promise.resolve(existsSync(socket) || undefined));
        this.listener = createServer((here) => pipeline(here, connect(socket), here, () => undefined));
        await new Promise<void>((resolve) => this.listener!.listen(port, "127.0.0.1", resolve));
    }

    /** Ends it and removes everything. */
    async remove(): Promise<void> {
        await this.powerOff();
        this.forget();
    }

    /** The first process, as this machine numbers it. */
    private first(): number | undefined {
        // setpriv has become unshare, whose child is the shell that becomes docker-init.
        return this.machine === undefined ? undefined : childOf(this.machine.pid!);
    }

    private spawn(program: string, args: readonly string[], log: string): ChildProcess {
        const output = openSync(join(this.folder, log), "a");
        const child = spawn(program, args, { stdio: ["ignore", output, output] });
        closeSync(output);
        return child;
    }

    /** Removes the folder, and the control groups, which are empty by now. */
    private forget(): void {
        rmSync(this.folder, { recursive: true, force: true });
        for (const top of globSync(`/sys/fs/cgroup/{,*/}${this.name}`)) {
            const entries = readdirSync(top, { recursive: true, withFileTypes: true });
            const below = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
            [...below.sort((a, b) => b.length - a.length), top].forEach((group) => rmdirSync(group));
        }
    }
}
