/**
 * `npm run backup -- --stack <stack> --repository <where> --password-file <file>`: everything that a stack is, by restic, encrypted and
 * incremental: the data of both servers and the edge, configuration, state with its secrets, images. See docs/backup.md.
 */
import { readFileSync } from "node:fs";
import { Command } from "commander";

import { Settings } from "../settings";
import { Failure } from "../system/failure";
import { stackFile } from "../system/folders";
import { Description, Exported, FORMAT, secretsOf } from "./backup/description";
import { DATA, DESCRIPTION, RepositoryOptions, Restic, withRepository } from "./backup/restic";
import { whileStandingStill } from "./backup/standstill";
import { conclude, Outcome, Say, stackCommand, StackOptions } from "./command-line";
import { noteBackup } from "./last-backup";
import { PROJECT } from "./project";
import { Stack } from "./stack";
import { ServerName, SERVERS, StackOnEngine, withData } from "./stack-on-engine";

/** What snapshots are tagged with. */
export const TAGS = {
    /** Made while the servers ran, so that little is left to copy while they stand still; gone with the end of the backup. */
    firstPass: "first-pass",
    complete: "complete",
    /** What was there before a restore took its place. */
    beforeRestore: "before-restore",
} as const;

/** Under which host a stack's snapshots are. */
export const hostOf = ({ name }: StackOnEngine) => `${PROJECT}-${name}`;

/** restic's own options of what is kept. */
const KEEP = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;

type Keep = Partial<Record<`keep${Capitalize<(typeof KEEP)[number]>}`, string>>;

export interface BackupOptions extends RepositoryOptions, Keep {
    /** Whether a repository is made where there is none. */
    readonly init?: boolean;
}

/**
 * What is in the volumes, by folder of a snapshot.
 *
 * @param servers Whose; those that the configuration asks for by default.
 */
export const volumesOf = (stack: StackOnEngine, servers: readonly ServerName[] = stack.servers()): Record<string, string> =>
    Object.fromEntries(withData(servers).map((server) => [server, stack.volume(server)]));

/** Those of every server that are on the engine. */
export async function presentVolumes(stack: StackOnEngine): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const [name, volume] of Object.entries(volumesOf(stack, SERVERS))) {
        if ((await stack.attemptDocker("volume", "inspect", volume)).code === 0) {
            found[name] = volume;
        }
    }
    return found;
}

async function describe(stack: Stack): Promise<Description> {
    const file = readFileSync(stackFile(stack.name), "utf8");
    return {
        format: FORMAT,
        project: PROJECT,
        stack: stack.name,
        file,
        secrets: secretsOf(file, PROJECT, await stack.texts()),
        state: await stack.export<Exported>("clear"),
        images: (await stack.outputs()).images,
    };
}

async function expectRepository(restic: Restic, { repository, init = false }: BackupOptions, say: Say): Promise<void> {
    const { code } = await restic.attempt("cat", "config");
    if (code === 10 && init) {
        say(`Making a repository at ${repository} …`);
        await restic.show("init");
    } else {
        await restic.ask("cat", "config"); // its failure has the cure
    }
    await restic.ask("unlock"); // of locks whose process is no more; others stay
}

/**
 * Backs a stack up.
 *
 * @param tag Of the snapshot. Only a complete one has to have every volume.
 * @returns What was made, and how long both servers stood still.
 * @throws Failure where there is no whole backup; the servers run on.
 */
export async function backup(stack: Stack, options: BackupOptions, say: Say, tag: string = TAGS.complete) {
    const volumes = await presentVolumes(stack);
    const missing = Object.entries(volumesOf(stack)).filter(([name]) => !(name in volumes));
    if (tag === TAGS.complete && missing.length > 0) {
        throw new Failure(`There is no volume ${missing[0]![1]} on the engine of ${stack.name}: bring the stack up first.`);
    }
    const host = hostOf(stack);
    const restic = await Restic.open(stack, options, volumes, "read", say);
    try {
        await expectRepository(restic, options, say);
        await restic.write(DESCRIPTION.file, JSON.stringify(await describe(stack)));
        const pass = (name: string) => ["backup", DATA, "--host", host, "--tag", name];
        say("First pass, while the servers run …");
        await restic.show(...pass(TAGS.firstPass)).catch((error: Error) => say(`  ${error.message}`)); // files come and go meanwhile
        say("Last pass, while they stand still …");
        const standstill = await whileStandingStill(stack, () => restic.show(...pass(tag)));
        const snapshot = (await restic.snapshots(host, [tag])).at(-1)!;
        const passed = (await restic.snapshots(host, [TAGS.firstPass])).map(({ id }) => id);
        if (passed.length > 0) {
            await restic.ask("forget", ...passed);
        }
        const keep = KEEP.flatMap((period) => {
            const count = options[`keep${period[0]!.toUpperCase()}${period.slice(1)}` as keyof Keep];
            return count === undefined ? [] : [`--keep-${period}`, count];
        });
        if (keep.length > 0) {
            say("Letting go of old snapshots …");
            await restic.show("forget", "--host", host, "--tag", TAGS.complete, "--group-by", "host", ...keep, "--prune");
        }
        say("Checking the repository …");
        await restic.show("check");
        const made = { time: snapshot.time, repository: options.repository, snapshot: snapshot.id };
        if (tag === TAGS.complete) {
            noteBackup(stack.name, made);
        }
        return { ...made, standstill };
    } finally {
        await restic.close();
    }
}

/** What of a stack no backup has, as sentences that say what to do. */
export function notBackedUp({ bus, database, storage: { blobs } }: Pick<Settings, "bus" | "database" | "storage">): string[] {
    return [
        ...(database.mode !== "external-postgres"
            ? []
            : [
                  `Authelia's database is not part of it: ${database.name} on ${database.host}. Dump it at the same time (pg_dump), and ` +
                      "restore both together.",
              ]),
        ...(blobs.mode === "files"
            ? []
            : [
                  `The contents of files are not part of it: the bucket ${blobs.bucket} at ${blobs.endpoint}. Copy it after this, or keep its ` +
                      "versions; what was deleted there since comes back with no backup of this.",
              ]),
        ...(bus.mode === "own"
            ? []
            : [
                  `What people were told of is not part of it: it is on NATS, ${bus.servers.map(({ host }) => host).join(", ")}. Files, shares ` +
                      "and accounts do without.",
              ]),
    ];
}

function withKeep(command: Command): Command {
    return KEEP.reduce(
        (to, period) =>
            to.option(
                `--keep-${period} <n>`,
                `keep ${period === "last" ? "the last" : `one ${period}, of the last`} n; others go`,
            ),
        command,
    );
}

if (require.main === module) {
    const command = stackCommand("backup", "Back up a stack: data, configuration, state with its secrets, images.");
    void withKeep(withRepository(command).option("--init", "make the repository where there is none", false))
        .action(({ stack: name, json, ...options }: StackOptions & BackupOptions) =>
            conclude(json, async (say): Promise<Outcome> => {
                const stack = await Stack.open(name, say);
                const missing = notBackedUp(await stack.settings());
                const made = await backup(stack, options, say);
                const { snapshot, repository, standstill } = made;
                const text = [
                    `Backed up the stack ${name}: snapshot ${snapshot.slice(0, 8)} at ${repository}.`,
                    `Both servers stood still for ${standstill.toFixed(1)} s. The repository was checked.`,
                    ...missing,
                    `Whether it can be restored: npm run restore -- --rehearse --stack ${name} --repository ${repository} …`,
                ].join("\n");
                return { data: { ...made, notBackedUp: missing }, text };
            }),
        )
        .parseAsync();
}
