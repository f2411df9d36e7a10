/**
 * A Docker Engine without root for tests: Debian's or Docker's, by rootlesskit and slirp4netns, as Docker's documentation ("Rootless mode")
 * sets it up for an account that has subordinate ids. The account and the programs have to be there; root is needed to become the account.
 */
import { ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { engineAnswers, loadImages, missingOf } from "./own-engine";
import { stop } from "./stack";

const PROGRAMS = ["dockerd", "rootlesskit", "slirp4netns", "newuidmap", "setpriv"];

/** Where Docker's packages, and Debian's, have the script that starts one. */
const SCRIPT = ["/usr/bin/dockerd-rootless.sh", "/usr/share/docker.io/contrib/dockerd-rootless.sh"].find(existsSync);

/** Accounts with subordinate ids. */
const SUBORDINATE = "/etc/subuid";

/** The device that slirp4netns makes a network by. */
const TUN = "/dev/net/tun";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

interface Account {
    readonly name: string;
    readonly id: number;
    readonly home: string;
}

/** An account that may have such an engine, and is not root. */
function account(): Account | undefined {
    const names = existsSync(SUBORDINATE)
        ? readFileSync(SUBORDINATE, "utf8")
              .split("\n")
              .map((line) => line.split(":")[0])
        : [];
    const accounts = readFileSync("/etc/passwd", "utf8")
        .split("\n")
        .map((line) => line.split(":"));
    const [found] = accounts.filter(([name, , id]) => names.includes(name) && Number(id) > 0);
    return found && { name: found[0]!, id: Number(found[2]), home: found[5]! };
}

const missing = missingOf(PROGRAMS);

/** Why there can be no such engine here; undefined where there can. */
export const NO_ROOTLESS_ENGINE =
    process.getuid?.() !== 0
        ? "needs root, to become another account"
        : missing.length > 0 || SCRIPT === undefined
          ? `needs ${[...missing, ...(SCRIPT === undefined ? ["dockerd-rootless.sh"] : [])].join(", ")}`
          : account() === undefined
            ? `needs an account with subordinate ids in ${SUBORDINATE}`
            : undefined;

export class RootlessEngine {
    private readonly account = account()!;
    /** What the engine has in memory, and its socket. */
    private readonly runtime = `/run/ocis-authelia-test-${this.account.id}`;
    private readonly folder = join(this.account.home, "ocis-authelia-test");
    private daemon?: ChildProcess;

    /** For `docker:host`. */
    get host(): string {
        return `unix://${this.runtime}/docker.sock`;
    }

    /** Starts it with these images of this machine's engine. */
    static async with(images: readonly string[]): Promise<RootlessEngine> {
        const engine = new RootlessEngine();
        await engine.remove(); // what an interrupted run has left
        for (const folder of [engine.runtime, engine.folder]) {
            mkdirSync(folder, { mode: 0o700 });
            chownSync(folder, engine.account.id, engine.account.id);
        }
        chmodSync(TUN, 0o666); // as every distribution has it, containers excepted
        await engine.start();
        await loadImages(engine.host, images);
        return engine;
    }

    async start(): Promise<void> {
        const { id, home } = this.account;
        const output = openSync(join(this.runtime, "dockerd.log"), "a");
        const self = ["--reuid", String(id), "--regid", String(id), "--init-groups", "--pdeathsig", "TERM"];
        this.daemon = spawn("setpriv", [...self, SCRIPT!, "--data-root", join(this.folder, "data")], {
            env: { HOME: home, XDG_RUNTIME_DIR: this.runtime, PATH },
            stdio: ["ignore", output, output],
        });
        closeSync(output);
        await engineAnswers(this.host, this.daemon, join(this.runtime, "dockerd.log"));
    }

    /** Ends it as a shutdown does. */
    async stop(): Promise<void> {
        if (this.daemon !== undefined) {
            await stop(this.daemon);
        }
    }

    /** Ends it and removes everything, whose owners this machine knows by their subordinate ids alone. */
    async remove(): Promise<void> {
        await this.stop();
        rmSync(this.folder, { recursive: true, force: true });
        rmSync(this.runtime, { recursive: true, force: true });
    }
}
