/**
 * What a run of Pulumi leaves that was killed or lost its disk: the lock of a process that is no more, things on the Docker Engine that the
 * state has not come to know, operations whose end it does not know, a state that was cut short. The next run begins by mending that.
 * Only the state of this machine is looked at, see operations/pulumi.ts; other backends have their own means.
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";

import { CARRIERS, carrierName } from "../components/naming";
import { CLAMAV_NETWORK } from "../components/ocis/antivirus";
import { TIKA_NETWORK } from "../components/ocis/search";
import { Failure } from "../system/failure";
import { ROOT, STATE, stackFile } from "../system/folders";
import { run } from "../system/run";
import { PROJECT } from "./project";
import { SERVERS, StackOnEngine } from "./stack-on-engine";

/** Source: Pulumi's pkg/backend/diy, lock.go and store.go. */
const BOOKKEEPING = join(STATE, "backend", ".pulumi");
const LOCKS = join(BOOKKEEPING, "locks", "organization", PROJECT);
const STACKS = join(BOOKKEEPING, "stacks", PROJECT);

/** The files of a folder, without the attributes that stand beside some of them. */
function filesIn(folder: string): string[] {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names.filter((name) => name.endsWith(".json")).map((name) => join(folder, name));
}

/** Whether a process has ended, and only its parent has not asked how. Known on Linux alone. */
function isZombie(pid: number): boolean {
    const file = `/proc/${pid}/stat`;
    return existsSync(file) && / Z [^)]*$/.test(readFileSync(file, "utf8"));
}

/** Whether a lock is of a process of this machine that is no more. Another machine's may go on, for all that is known here. */
function isDead(lock: string): boolean {
    const { pid, hostname: host } = JSON.parse(readFileSync(lock, "utf8")) as { pid: number; hostname: string };
    if (host !== hostname()) {
        return false;
    }
    try {
        process.kill(pid, 0);
        return isZombie(pid);
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "ESRCH"; // not where it is somebody else's
    }
}

/** A state as Pulumi keeps it, as far as it is looked at; undefined where it is cut short. */
function readState(file: string): { checkpoint: { latest?: { pending_operations?: readonly unknown[] } } } | undefined {
    try {
        return JSON.parse(readFileSync(file, "utf8")) as ReturnType<typeof readState>;
    } catch (error) {
        if (error instanceof SyntaxError) {
            return undefined;
        }
        throw error;
    }
}

/** Puts Pulumi's copy of a state in the place of one that is cut short, which stays beside it. */
function replaceCutState(name: string, file: string, say: (line: string) => void): void {
    const copy = `${file}.bak`;
    if (!existsSync(copy) || readState(copy) === undefined) {
        throw new Failure(
            `The state of the stack ${name} is cut short (${file}), and so is Pulumi's copy of it. Nothing was changed.\n` +
                `Restore a backup: docs/backup.md.`,
        );
    }
    const aside = `${file}.cut-${Date.now()}`;
    say(
        `The state of the stack ${name} is cut short. It is kept as ${aside}, and the one of before the last change takes its place.`,
    );
    renameSync(file, aside);
    copyFileSync(copy, file);
}

/** Removes the containers and the networks of a stack that its state does not know, by their ids: the next run could not make them. */
async function removeUnknown(engine: StackOnEngine, state: string): Promise<void> {
    interface Exported {
        readonly deployment: { readonly resources?: readonly { readonly id?: string }[] };
    }
    const known = new Set(((JSON.parse(state) as Exported).deployment.resources ?? []).map(({ id }) => id));
    const containers = SERVERS.flatMap((server) => {
        const { container } = engine.server(server);
        return [container, ...CARRIERS.map((use) => carrierName(container, use))];
    });
    for (const [kind, names, options] of [
        ["container", containers, ["--force", "--volumes"]], // those without a name, of the files that it was given
        ["network", ["network", TIKA_NETWORK, CLAMAV_NETWORK].map((network) => engine.prefix + network), []],
    ] as const) {
        for (const name of names) {
            const { code, stdout } = await engine.attemptDocker(kind, "inspect", "--format", "{{.Id}}", name);
            if (code === 0 && !known.has(stdout.trim())) {
                await engine.docker(kind, "rm", ...options, name);
            }
        }
    }
}

/**
 * Mends every stack whose last run was killed; where there is none, it does nothing.
 *
 * @throws Failure where something has to be done first to a stack, of which nothing was changed then.
 */
export async function mendInterrupted(path: string, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<void> {
    for (const file of filesIn(STACKS)) {
        const name = basename(file, ".json");
        const locks = filesIn(join(LOCKS, name));
        if (!locks.every(isDead)) {
            continue; // somebody works at it, and may be writing its state
        }
        const state = readState(file);
        const pending = state?.checkpoint.latest?.pending_operations ?? [];
        if (state !== undefined && locks.length === 0 && pending.length === 0) {
            continue;
        }
        const engine = new StackOnEngine(name);
        const silence = await engine.silence();
        if (silence !== undefined) {
            throw new Failure(
                `The last run on the stack ${name} was killed, and the Docker Engine, which has to say what it left, does not answer:\n` +
                    `${silence}\nStart the engine, and run this again.`,
            );
        }
        if (state === undefined) {
            replaceCutState(name, file, say);
        }
        say(`The last run on the stack ${name} was killed. Mending what it has left …`);
        const pulumi = (...args: string[]) => run(path, [...args, "--stack", name, "--non-interactive"], { cwd: ROOT, env });
        await pulumi("cancel", "--yes");
        await removeUnknown(engine, await pulumi("stack", "export"));
        await pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--config-file", stackFile(name));
    }
}
