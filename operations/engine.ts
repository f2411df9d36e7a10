/**
 * Sees to a Docker Engine: the configured one if it answers; else, on Debian or Ubuntu and as root, Debian's package is
 * installed and the engine started; else a message says what to do.
 */
import { ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Failure } from "../system/failure";
import { CACHE } from "../system/folders";
import { attempt, run } from "../system/run";

/** Where an engine listens unless something else is configured; also what Pulumi's docker provider takes by default. */
const DEFAULT_HOST = "unix:///var/run/docker.sock";

/** What an engine that this file starts writes. */
const LOG = join(CACHE, "dockerd.log");

/** How long a started engine may take until it answers, in milliseconds; a loaded machine has needed 20 s. */
const START_TIMEOUT = 90_000;

/** How long an engine may take for one answer, in milliseconds. A host that does not exist would keep us for minutes. */
export const ANSWER_TIMEOUT = 20_000;

/** Asks the engine, or the docker command line, which must not keep us waiting. */
const docker = (...args: string[]) => attempt("docker", args, { timeout: ANSWER_TIMEOUT });

/** Whether there is a program of that name on PATH. */
function installed(program: string): boolean {
    return (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, program)));
}

/**
 * The engine that the docker command talks to: that of its options, else of DOCKER_HOST, else of the current context. Pulumi's docker
 * provider knows DOCKER_HOST but no current context, so whoever starts Pulumi passes this on to it.
 */
export async function engineHost(options: readonly string[] = []): Promise<string> {
    if (!installed("docker")) {
        return process.env.DOCKER_HOST ?? DEFAULT_HOST;
    }
    const { code, stdout, stderr } = await docker(...options, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}");
    if (code !== 0) {
        throw new Failure(
            `docker has no usable context: ${stderr.trim()}\nChoose one: docker context ls, docker context use NAME.`,
        );
    }
    return stdout.trim();
}

/** undefined if the engine answers, else why it does not. */
async function silence(): Promise<string | undefined> {
    const { code, stderr } = await docker("version", "--format", "{{.Server.Version}}");
    return code === 0 ? undefined : stderr.trim();
}

/** Whether this is Debian or Ubuntu. Source: os-release(5). */
function isDebian(): boolean {
    const file = "/etc/os-release";
    return existsSync(file) && /^ID=(debian|ubuntu)$/m.test(readFileSync(file, "utf8"));
}

async function install(say: (line: string) => void): Promise<void> {
    say("No Docker Engine here: installing Debian's package docker.io (apt-get update, apt-get install) …");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const args of [["update"], ["install", "--yes", "docker.io"]]) {
        const { code, stderr } = await attempt("apt-get", args, { env });
        if (code !== 0) {
            throw new Failure(
                `apt-get ${args.join(" ")} failed:\n${stderr.trim()}\nMend that, or install a Docker Engine yourself, and ` +
                    "run the command again.",
            );
        }
    }
}

/**
 * Starts the engine, so that it outlives this program: by systemd where that runs the machine, else directly.
 *
 * @returns The engine's process in the latter case.
 */
async function start(say: (line: string) => void): Promise<ChildProcess | undefined> {
    if (existsSync("/run/systemd/system")) {
        say("Starting the Docker Engine (systemctl start docker) …");
        await run("systemctl", ["start", "docker"]);
        return undefined;
    }
    say("Starting the Docker Engine (dockerd, its log is .cache/dockerd.log) …");
    mkdirSync(dirname(LOG), { recursive: true });
    const log = openSync(LOG, "w");
    const engine = spawn("dockerd", [], { detached: true, stdio: ["ignore", log, log] });
    await new Promise((resolve, reject) => engine.once("spawn", resolve).once("error", reject));
    engine.unref();
    return engine;
}

/** Waits until the engine answers. */
async function ready(engine: ChildProcess | undefined): Promise<void> {
    const end = Date.now() + START_TIMEOUT;
    for (;;) {
        const why = await silence();
        if (why === undefined) {
            return;
        }
        const ended = typeof engine?.exitCode === "number";
        if (ended || Date.now() > end) {
            const what = ended ? "ended at once" : `does not answer after ${START_TIMEOUT / 1000} s (${why})`;
            const log = engine ? readFileSync(LOG, "utf8").trimEnd().split("\n").slice(-20).join("\n") : "journalctl -u docker";
            throw new Failure(
                `The Docker Engine was started and ${what}. Its log:\n${log}\nMend that and run the command again.`,
            );
        }
        await sleep(500);
    }
}

/**
 * Sees to it that a Docker Engine answers.
 *
 * @param say Takes one line about what is done; nothing is said if the engine answers.
 * @throws Failure if there is none and none can be had here.
 */
export async function ensureEngine(say: (line: string) => void): Promise<void> {
    const why = await silence();
    if (why === undefined) {
        return;
    }
    const host = await engineHost();
    if (host !== DEFAULT_HOST) {
        throw new Failure(
            `The Docker Engine at ${host} does not answer: ${why}\nStart it, or choose another (docker context use, or the ` +
                "variable DOCKER_HOST).",
        );
    }
    if (/permission denied/i.test(why)) {
        throw new Failure(
            `The Docker Engine refuses this user: ${why}\nAdd the user to its group (sudo usermod --append --groups docker ` +
                "$USER), sign in anew, and run the command again.",
        );
    }
    if (!isDebian() || process.getuid?.() !== 0) {
        throw new Failure(
            `No Docker Engine answers at ${host}: ${why}\nInstall and start one: sudo apt-get install docker.io on Debian or ` +
                "Ubuntu, Docker Desktop on macOS and Windows. Then run the command again.",
        );
    }
    if (!installed("dockerd") || !installed("docker")) {
        await install(say);
    }
    // The package starts the engine by itself where systemd runs the machine.
    if ((await silence()) !== undefined) {
        await ready(await start(say));
    }
}
