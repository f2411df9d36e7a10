/** What doctor finds on this machine, whatever stacks there are: nothing is installed, started or downloaded for it. */
import { statfsSync, existsSync } from "node:fs";
import { freemem } from "node:os";
import { dependencies, engines } from "../package.json";

import { ROOT } from "../system/folders";
import { attempt } from "../system/run";
import { printBytes } from "./containers";
import { ANSWER_TIMEOUT, engineHost } from "./engine";
import { Finding, look } from "./finding";
import { PulumiCommand } from "./pulumi";

/** Oldest Docker Engine that was run: it is the first that knows "host-gateway". Source: components/workload/containers.ts. */
const OLDEST_ENGINE = "20.10";

/** Free bytes below which a disk is about to be full, and is. An upgrade pulls an image of some hundred MiB. */
const DISK = { few: 5 * 1024 ** 3, fewest: 1024 ** 3 };

/** What three servers take after a few sign-ins, bytes. Source: README.md, run. */
const MEMORY = 400 * 1024 ** 2;

/** Seconds that a clock may be wrong until codes of second factors are refused: a code of the half minute before or after is taken. */
const CLOCK = { wrong: 30, doubtful: 5 };

/** A server whose clock is right, and that machines reach: certificates come from there. */
const CLOCK_SERVER = "https://acme-v02.api.letsencrypt.org/directory";

/** How long it may take, milliseconds. */
const TIMEOUT = 5000;

/** Whether a version is older than another, by its numbers. Pure. */
export function isOlder(version: string, than: string): boolean {
    return version.localeCompare(than, "en", { numeric: true }) < 0;
}

/** How a free disk is. Pure. */
export function diskFinding(free: number, cure: string): Omit<Finding, "what"> {
    const state = free < DISK.fewest ? "failed" : free < DISK.few ? "warning" : "ok";
    return { state, seen: `${printBytes(free)} free`, ...(state === "ok" ? {} : { cure }) };
}

/** How a clock is that differs by so many seconds. Pure. */
export function clockFinding(seconds: number): Omit<Finding, "what"> {
    const state = Math.abs(seconds) > CLOCK.wrong ? "failed" : Math.abs(seconds) > CLOCK.doubtful ? "warning" : "ok";
    const seen = `differs by ${Math.round(seconds)} s from that of ${new URL(CLOCK_SERVER).host}`;
    return { state, seen, ...(state === "ok" ? {} : { cure: "sudo timedatectl set-ntp true" }) };
}

function freeAt(folder: string): number {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
}

/** A request of a TLS server that has to answer at all; undefined where it is out of reach. */
async function clock(): Promise<Omit<Finding, "what">> {
    try {
        const { headers } = await fetch(CLOCK_SERVER, { method: "HEAD", signal: AbortSignal.timeout(TIMEOUT) });
        const there = Date.parse(headers.get("date") ?? "");
        return Number.isNaN(there)
            ? { state: "skipped", seen: `${CLOCK_SERVER} says no time` }
            : clockFinding((Date.now() - there) / 1000);
    } catch (error) {
        const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
        return cause?.code === "CERT_NOT_YET_VALID" || cause?.code === "CERT_HAS_EXPIRED"
            ? { state: "failed", seen: `far off: ${cause.message}`, cure: "sudo timedatectl set-ntp true" }
            : { state: "skipped", seen: `${CLOCK_SERVER} is out of reach: ${cause?.message ?? message}` };
    }
}

async function engine(): Promise<Finding[]> {
    const host = await engineHost();
    const { code, stdout, stderr } = await attempt("docker", ["version", "--format", "{{.Server.Version}}"], {
        timeout: ANSWER_TIMEOUT,
    });
    if (code !== 0) {
        const why = stderr.trim() || `no answer within ${ANSWER_TIMEOUT / 1000} s`;
        const seen = `the one at ${host} does not answer: ${why}`;
        return [
            {
                what: "Docker Engine",
                state: "failed",
                seen,
                cure: "sudo systemctl start docker, or choose another: docker context use",
            },
        ];
    }
    const version = stdout.trim();
    const seen = `${version} at ${host}`;
    const old = isOlder(version, OLDEST_ENGINE);
    const found: Finding = old
        ? {
              what: "Docker Engine",
              state: "failed",
              seen: `${seen}; ${OLDEST_ENGINE} is the oldest that serves`,
              cure: "upgrade it: docs.docker.com/engine/install",
          }
        : { what: "Docker Engine", state: "ok", seen };
    const { stdout: root } = await attempt("docker", ["info", "--format", "{{.DockerRootDir}}"], { timeout: ANSWER_TIMEOUT });
    const folder = root.trim();
    const disk = await look("disk of the Docker Engine", () =>
        Promise.resolve(
            existsSync(folder)
                ? diskFinding(
                      freeAt(folder),
                      "docker system df shows what takes it; docker image prune frees images that nothing uses",
                  )
                : { state: "skipped" as const, seen: `${folder} is not on this machine` },
        ),
    );
    return [found, disk];
}

/** Pulumi and the plugins that the program asks for. */
async function pulumi(command: PulumiCommand | undefined): Promise<Finding[]> {
    if (command === undefined) {
        const seen = "not on this machine, or older than the program needs";
        return [{ what: "Pulumi", state: "failed", seen, cure: "npm run pulumi -- version fetches it" }];
    }
    const ask = (...args: string[]) => attempt(command.path, args, { cwd: ROOT, env: command.environment });
    const version = await ask("version");
    const listed = await ask("plugin", "ls", "--json");
    const plugins = listed.code === 0 ? (JSON.parse(listed.stdout) as { name: string; version: string }[]) : [];
    const needed = (["docker", "random", "tls"] as const).map((name) => ({ name, version: dependencies[`@pulumi/${name}`] }));
    const missing = needed.filter((one) => !plugins.some(({ name, version }) => name === one.name && version === one.version));
    const seen = missing.map(({ name, version }) => `${name} ${version}`).join(", ");
    return [
        { what: "Pulumi", state: version.code === 0 ? "ok" : "failed", seen: `${version.text.trim()} (${command.path})` },
        missing.length === 0
            ? {
                  what: "Pulumi's plugins",
                  state: "ok",
                  seen: needed.map(({ name, version }) => `${name} ${version}`).join(", "),
              }
            : {
                  what: "Pulumi's plugins",
                  state: "warning",
                  seen: `missing: ${seen}; the next up downloads them`,
                  cure: "npm run pulumi -- install",
              },
    ];
}

/** @param command Pulumi, where it is here. */
export async function examineMachine(command: PulumiCommand | undefined): Promise<Finding[]> {
    const node = process.versions.node;
    const oldest = engines.node.replace(/^>=\s*/, "");
    const [ofEngine, ofPulumi, ofClock] = await Promise.all([
        engine().catch((error: Error): Finding[] => [{ what: "Docker Engine", state: "failed", seen: error.message }]),
        pulumi(command),
        look("clock", clock),
    ]);
    return [
        {
            what: "Node.js",
            state: isOlder(node, oldest) ? "failed" : "ok",
            seen: isOlder(node, oldest) ? `${node}; ${oldest} is the oldest that serves` : node,
        },
        ...ofPulumi,
        ...ofEngine,
        await look("disk of the repository", () =>
            Promise.resolve(diskFinding(freeAt(ROOT), "df -h . and du -sh .cache .state")),
        ),
        {
            what: "memory",
            state: freemem() < MEMORY ? "warning" : "ok",
            seen: `${printBytes(freemem())} are available; three servers take ${printBytes(MEMORY)}`,
            ...(freemem() < MEMORY ? { cure: "docker stats --no-stream shows what takes it" } : {}),
        },
        ofClock,
    ];
}
