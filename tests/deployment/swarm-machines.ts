/**
 * Three machines for tests that are one swarm, each of them one of its managers: engines of their own (own-engine.ts) at one switch, at which
 * this machine is too. Their kernel, clock and disk are this machine's: a folder has the same content and the same locks on all of them, as
 * one on NFS has, without what NFS keeps in memory and without its leases. The switch loses nothing, and nothing leads out of it.
 */
import { ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { connect, createServer, LookupFunction, Server } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";

import { ROOT } from "../../system/folders";
import { attempt, run } from "../../system/run";
import { ip, NO_OWN_ENGINE, OwnEngine } from "./own-engine";
import { docker, stop } from "./stack";
import { eventually } from "./waiting";

/** A block that is set aside for tests between networks (RFC 2544). */
const address = (last: number) => `198.18.78.${last}`;

/** Of this machine, where the services outside the swarm listen. */
export const OUTSIDE = address(1);

const LENGTH = 24;

/** The bridge, in a network of its own: this machine's packet filter has no part in what passes it. */
const SWITCH = "switch";

/** Seconds until all machines know of a change among them. */
const AGREED_SECONDS = 60;

/** Why there can be no such machines here; undefined where there can. */
export const NO_SWARM_MACHINES = NO_OWN_ENGINE;

/** One of them. */
export interface Machine {
    readonly address: string;
    /** Address of this machine's loopback that leads to that machine and to no other. */
    readonly loopback: string;
    /** For DOCKER_HOST. */
    readonly host: string;
    readonly engine: OwnEngine;
}

export class SwarmMachines {
    readonly machines: readonly [Machine, Machine, Machine];
    private readonly folder: string;
    private readonly listeners: Server[] = [];
    private switch?: ChildProcess;

    private constructor(private readonly name: string) {
        const machine = (number: number): Machine => {
            const engine = new OwnEngine(`${name}-${number}`);
            return { address: address(10 + number), loopback: `127.0.78.${number}`, host: engine.host, engine };
        };
        this.machines = [machine(1), machine(2), machine(3)];
        this.folder = join(ROOT, ".cache", "tests", name);
        rmSync(this.folder, { recursive: true, force: true });
    }

    /** Switches them on with these images of this machine's engine, and makes a swarm of them. */
    static async on(name: string, images: readonly string[]): Promise<SwarmMachines> {
        const swarm = new SwarmMachines(name);
        try {
            await swarm.plug();
            await Promise.all(swarm.machines.map((machine) => swarm.switchOn(machine)));
            await Promise.all(swarm.machines.map(({ engine }) => engine.load(images)));
            const [first, ...others] = swarm.machines;
            const where = (own: string) => ["--advertise-addr", own, "--listen-addr", own, "--data-path-addr", own];
            await docker("--host", first.host, "swarm", "init", ...where(first.address));
            const token = await docker("--host", first.host, "swarm", "join-token", "--quiet", "manager");
            for (const other of others) {
                const join = ["swarm", "join", ...where(other.address), "--token", token, `${first.address}:2377`];
                await docker("--host", other.host, ...join);
            }
            await swarm.agreed();
            return swarm;
        } catch (error) {
            await swarm.remove();
            throw error;
        }
    }

    /** A folder that is the same on all of them. */
    shared(name: string): string {
        const folder = join(this.folder, name);
        mkdirSync(folder, { recursive: true });
        return folder;
    }

    /**
     * Leads a port of this machine's loopback there, as a name does that has the addresses of all: every connection begins with another one,
     * and where that does not take it goes on with the next.
     */
    async lead(port: number): Promise<void> {
        let taken = 0;
        const all = this.machines.map(({ address }) => address);
        const rotated = () => {
            const begin = taken++ % all.length;
            return [...all.slice(begin), ...all.slice(0, begin)];
        };
        await this.listen("127.0.0.1", port, rotated);
        for (const { loopback, address } of this.machines) {
            await this.listen(loopback, port, () => [address]);
        }
    }

    /** Takes the power from a machine of which nobody hears any more, not even that its connections end. */
    async cut({ engine }: Machine): Promise<void> {
        await engine.disconnect();
        await engine.powerOff();
    }

    /** Switches a machine on again, and waits until the others have it back. */
    async bringBack(machine: Machine): Promise<void> {
        await this.switchOn(machine);
        await this.agreed();
    }

    /** Switches all off and removes everything. */
    async remove(): Promise<void> {
        this.listeners.forEach((listener) => listener.close());
        await Promise.all(this.machines.map(({ engine }) => engine.remove()));
        if (this.switch !== undefined) {
            await stop(this.switch);
        }
        rmSync(this.folder, { recursive: true, force: true });
    }

    /** Starts the switch, and connects this machine. */
    private async plug(): Promise<void> {
        const made = `ip link add ${SWITCH} type bridge && ip link set ${SWITCH} up && exec sleep infinity`;
        // Whatever ends this test takes it along, and the cables with it.
        this.switch = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", made], { stdio: "ignore" });
        const process = this.switch.pid!;
        await eventually("there is a switch", AGREED_SECONDS, () =>
            ip(process, "link", "show", "up", SWITCH).then(
                (shown) => shown !== "" || undefined,
                () => undefined,
            ),
        );
        await run("ip", ["link", "add", this.name, "type", "veth", "peer", "name", this.name, "netns", String(process)]);
        await ip(process, "link", "set", this.name, "up", "master", SWITCH);
        await run("ip", ["address", "add", `${OUTSIDE}/${LENGTH}`, "dev", this.name]);
        await run("ip", ["link", "set", this.name, "up"]);
    }

    private async switchOn({ engine, address }: Machine): Promise<void> {
        await engine.boot();
        const told = (device: string) => ["link", "set", device, "master", SWITCH];
        await engine.connect(`${address}/${LENGTH}`, { process: this.switch!.pid!, told });
        await engine.startDaemon(["--no-new-privileges"]);
    }

    /** Waits until the first one sees all as managers that are there. */
    private async agreed(): Promise<void> {
        const list = ["--host", this.machines[0].host, "node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}"];
        await eventually("all machines are there", AGREED_SECONDS, async () => {
            const { text } = await attempt("docker", list);
            return text.match(/^Ready (Leader|Reachable)$/gm)?.length === this.machines.length || undefined;
        });
    }

    private async listen(loopback: string, port: number, addresses: () => string[]): Promise<void> {
        // What Node.js does with the addresses of a name: one after the other, each for a quarter of a second.
        const lookup: LookupFunction = (_name, _options, found) =>
            found(
                null,
                addresses().map((one) => ({ address: one, family: 4 })),
            );
        const reach = { host: "machines", port, lookup, autoSelectFamily: true };
        const listener = createServer((here) => pipeline(here, connect(reach), here, () => undefined));
        this.listeners.push(listener);
        await new Promise<void>((resolve) => listener.listen(port, loopback, resolve));
    }
}
