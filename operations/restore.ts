/**
 * `npm run restore -- --stack <stack> --repository <where> --password-file <file>`: puts a stack back as it was backed up, on this machine
 * or another; with --rehearse beside the one that runs, where somebody signs in, and then it goes again. See docs/backup.md.
 */
import { existsSync, renameSync } from "node:fs";

import { OCIS_DATA } from "../components/ocis/configuration";
import { Failure } from "../system/failure";
import { engineConfiguration } from "../system/docker-engine";
import { stackFile } from "../system/folders";
import { freePort } from "../system/free-port";
import { backup, hostOf, notBackedUp, presentVolumes, TAGS, volumesOf } from "./backup";
import { Changes, Description, FORMAT, givenIn } from "./backup/description";
import { configure } from "./backup/configure";
import { DATA, DESCRIPTION, RepositoryOptions, Restic, Snapshot, withRepository } from "./backup/restic";
import { conclude, Outcome, Say, stackCommand, StackOptions } from "./command-line";
import { agrees } from "./configuration-change";
import { containerStates } from "./containers";
import { printFindings } from "./finding";
import { digestOf, generatePassword } from "./password";
import { storage, volumeOptions } from "../settings/storage";
import { User } from "../settings/users";
import { Stack } from "./stack";
import { SERVERS, StackOnEngine } from "./stack-on-engine";
import { verify } from "./verify";

/** Which backup is restored. */
export interface SnapshotOptions extends RepositoryOptions {
    /** The newest complete one by default. */
    readonly snapshot?: string;
}

export interface RestoreOptions extends SnapshotOptions {
    /** Whether nobody is asked. */
    readonly yes: boolean;
    /** Whether what is there now is lost, and not backed up first. */
    readonly discard: boolean;
    /** Engine of a stack that is not there yet, as docker's option --host takes it; docker's own by default. */
    readonly dockerHost?: string;
    /** Where its files are to lie, as the key storage.files says it; as in the backup by default. */
    readonly files?: string;
}

interface Found {
    readonly snapshot: Snapshot;
    readonly description: Description;
}

/** The backup that is meant, and what it says of its stack. */
async function find(stack: StackOnEngine, { snapshot: id = "latest", ...options }: SnapshotOptions, say: Say): Promise<Found> {
    const restic = await Restic.open(stack, options, {}, "read", say);
    try {
        const which = id === "latest" ? ["--host", hostOf(stack), "--tag", TAGS.complete] : [];
        const [snapshot] = JSON.parse(await restic.ask("snapshots", "--json", ...which, id)) as Snapshot[];
        if (snapshot === undefined) {
            throw new Failure(`There is no complete backup of a stack ${stack.name} at ${options.repository}.`);
        }
        const description = JSON.parse(await restic.ask("dump", snapshot.id, DESCRIPTION.file)) as { format: number };
        if (description.format !== FORMAT) {
            throw new Failure(
                `This backup has form ${description.format}, and this release reads ${FORMAT}: use the release that made it.`,
            );
        }
        return { snapshot, description: description as Description };
    } finally {
        await restic.close();
    }
}

/** Whether the files in oCIS's data belong together; undefined where that release cannot say. */
async function isConsistent(stack: Stack): Promise<boolean | undefined> {
    const { blobs } = (await stack.settings()).storage;
    const where = ["-p", `${OCIS_DATA}/storage/users`, "-b", blobs.mode === "s3" ? "s3ng" : "ocis"];
    const { text } = await stack.server("ocis").attempt("ocis", "backup", "consistency", ...where);
    return /No inconsistency found/.test(text) ? true : /🚨/u.test(text) ? false : undefined;
}

/** What is said of that. */
const consistency = (consistent: boolean | undefined) =>
    consistent === undefined
        ? "oCIS does not say whether its files belong together: there are none yet, or its release has no such check."
        : `oCIS says that its files ${consistent ? "" : "do not "}belong together${consistent ? "" : " (ocis backup consistency)"}.`;

/** Puts a backup into a stack that is in the state, and brings that up. What was in its volumes goes. */
async function putBack(
    stack: Stack,
    { snapshot, description }: Found,
    changes: Changes,
    isPassing: boolean,
    options: RepositoryOptions & Pick<RestoreOptions, "files">,
    say: Say,
): Promise<boolean | undefined> {
    say("Restoring the configuration and the state …");
    // The images of then: a newer default would upgrade what was just restored. The engine of now: that of then may be in use.
    const { images } = description;
    const kept = { ...(images && { images }), ...engineConfiguration(stack.engine) };
    await configure(stack, description, { ...kept, ...changes }, isPassing);
    if (options.files !== undefined) {
        await stack.set(["storage", "files"], options.files);
    }
    const place = volumeOptions((await stack.settings()).storage.files);
    if (place !== undefined) {
        const options = Object.entries(place).flatMap(([name, value]) => ["--opt", `${name}=${value}`]);
        await stack.docker("volume", "create", ...options, stack.volume("ocis")); // else Docker makes one in its own place
    }
    say("Restoring the data …");
    const volumes = volumesOf(stack);
    const restic = await Restic.open(stack, options, volumes, "write", say);
    try {
        for (const name of Object.keys(volumes)) {
            const folder = `${DATA}/${name}`;
            // What is not in the snapshot goes, and what was written is read again and compared.
            await restic.show("restore", `${snapshot.id}:${folder}`, "--target", folder, "--delete", "--verify");
        }
    } finally {
        await restic.close();
    }
    say("Bringing it up …");
    const { code, text } = await stack.attempt("up", "--yes", "--skip-preview");
    if (code !== 0) {
        throw new Failure(`The data are restored, but the stack is not up:\n${text.trim()}`);
    }
    return isConsistent(stack);
}

/** @throws Failure where a stack's files cannot come to that place. */
function checkPlace(files: string, isThere: boolean): void {
    if (isThere) {
        throw new Failure(
            "--files is for a stack of which nothing is there: a volume stays where it was made. Nothing was changed.\n" +
                'How files come to another place: docs/storage.md, "Another place".',
        );
    }
    const parsed = storage.safeParse({ files });
    if (!parsed.success) {
        throw new Failure(`--files is "${files}". Allowed: ${parsed.error.issues[0]!.message}. Nothing was changed.`);
    }
}

/**
 * Restores a stack under its own name.
 *
 * @throws Failure where it is refused or fails; then the same command can be run again.
 */
export async function restore(name: string, options: RestoreOptions, say: Say): Promise<Outcome> {
    const present = await Stack.find(name, say);
    if (present !== undefined && options.dockerHost !== undefined) {
        throw new Failure(
            `--docker-host is for a stack that is not there yet; ${name} is, and is restored on its engine. Nothing was changed.\n` +
                `To move it: npm run pulumi -- destroy --exclude-protected --stack ${name}, then npm run pulumi -- stack rm --force ${name}`,
        );
    }
    const engine =
        present ?? new StackOnEngine(name, options.dockerHost === undefined ? undefined : { host: options.dockerHost });
    const found = await find(engine, options, say);
    const { snapshot, description } = found;
    const containers = (await containerStates(engine, SERVERS))
        .filter(({ status }) => status !== "missing")
        .map(({ container }) => container);
    const volumes = Object.values(await presentVolumes(engine));
    if (present === undefined && (containers.length > 0 || (volumes.length > 0 && !options.discard))) {
        const cure =
            containers.length > 0
                ? `docker rm --force --volumes ${containers.join(" ")}`
                : "add --discard, and what is in them is lost";
        throw new Failure(
            `What a stack ${name} has (${[...containers, ...volumes].join(", ")}) is on this engine, but its state is not here, and so ` +
                `it cannot be backed up first. Nothing was changed.\nTo restore in its place: ${cure}`,
        );
    }
    if (options.files !== undefined) {
        checkPlace(options.files, present !== undefined || volumes.length > 0);
    }
    const isKept = present !== undefined && volumes.length > 0 && !options.discard;
    if (present !== undefined && !options.yes) {
        const fate = isKept ? "What is there now is backed up first." : "What is there now is lost.";
        if (!(await agrees(`Put ${name} back as it was at ${snapshot.time}? ${fate}`))) {
            throw new Failure("Nothing was changed.");
        }
    }
    if (isKept) {
        say("Backing up what is there now …");
        await backup(present, options, say, TAGS.beforeRestore).catch(({ message }: Error) => {
            throw new Failure(
                `What is there now cannot be backed up, and nothing was changed. To lose it: --discard.\n${message}`,
            );
        });
    }
    if (present !== undefined && containers.length > 0) {
        say("Taking down what runs now …");
        await present.pulumi("destroy", "--exclude-protected", "--yes", "--skip-preview");
    }
    const file = stackFile(name);
    if (present === undefined && existsSync(file)) {
        say(`Keeping ${file} as ${file}.before-restore …`);
        renameSync(file, `${file}.before-restore`);
    }
    const stack = present ?? (await Stack.create(engine, say));
    const consistent = await putBack(stack, found, {}, false, options, say);
    const text = [
        `Restored the stack ${name} as it was at ${snapshot.time}: ${(await stack.outputs()).cloudUrl}`,
        consistency(consistent),
        "It runs the images of then, which its configuration names now.",
        ...notBackedUp(await stack.settings()),
        `Whether people can sign in: npm run verify -- --stack ${name} --user …`,
    ].join("\n");
    const data = {
        snapshot: snapshot.id,
        time: snapshot.time,
        images: description.images ?? null,
        consistent: consistent ?? null,
    };
    return { data, text, ok: consistent !== false };
}

/** What a rehearsal has otherwise: it meets nobody, sends nothing, and fetches nothing. */
async function apart(): Promise<Changes> {
    return {
        domain: "rehearsal.localhost",
        address: "127.0.0.1",
        secondAddress: undefined,
        httpsPort: await freePort(),
        httpPort: 0,
        metricsPort: 0,
        tls: { mode: "private-ca" },
        smtp: undefined,
        storage: undefined,
        antivirus: undefined,
        sessions: undefined,
        keepData: false,
    };
}

/** Takes a rehearsal down, whole or not. */
async function takeDown(stack: Stack, say: Say): Promise<void> {
    say("Taking the rehearsal down …");
    await stack.pulumi("destroy", "--yes", "--skip-preview");
    for (const volume of Object.values(volumesOf(stack, SERVERS))) {
        await stack.attemptDocker("volume", "rm", volume); // where Pulumi has not come to know it
    }
    await stack.remove();
}

/**
 * Restores a backup into a stack of its own beside the one that runs, signs in, looks at everything that a client sees, and takes it down.
 *
 * @param user Who signs in; where people live in the configuration one of them by default, with a password for the rehearsal alone.
 */
export async function rehearse(
    name: string,
    { user, ...options }: SnapshotOptions & { readonly user?: string },
    say: Say,
): Promise<Outcome> {
    const engine = new StackOnEngine(name);
    const found = await find(engine, options, say);
    if (await engine.isRemote()) {
        throw new Failure(
            "A rehearsal signs in by this machine's loopback, and the stack's engine is another machine's: run it there.",
        );
    }
    const modeOf = (given: unknown) => (given as { mode?: string } | undefined)?.mode;
    const { blobs } = (givenIn(found.description, "storage") ?? {}) as { blobs?: unknown };
    const shared = [
        ...(modeOf(givenIn(found.description, "database")) === "external-postgres"
            ? ["the very database (database.mode is external-postgres)"]
            : []),
        ...(modeOf(blobs) === "s3" ? ["the very bucket (storage.blobs.mode is s3)"] : []),
        // It would take what the cloud's services are to be told.
        ...(modeOf(givenIn(found.description, "bus")) === "nats" ? ["the very bus (bus.mode is nats)"] : []),
    ];
    if (shared.length > 0) {
        throw new Failure(
            `A rehearsal would work on ${shared.join(" and ")} on which the stack works. Restore a copy of it elsewhere, and this backup on ` +
                "another machine whose configuration names that.",
        );
    }
    const beside = new StackOnEngine(`${name}-rehearsal`, engine.engine);
    const left = await Stack.find(beside.name, say);
    if (left !== undefined) {
        await takeDown(left, say); // of a rehearsal that was killed
    }
    const stack = await Stack.create(beside, say);
    try {
        const consistent = await putBack(stack, found, await apart(), true, options, say);
        const { users, access } = await stack.settings();
        const { groups: members, administrators = [] } = access;
        const mayEnter = ({ disabled, groups }: User) =>
            !disabled && (members === undefined || groups.some((group) => [...members, ...administrators].includes(group)));
        const who = user ?? users.find(mayEnter)?.name;
        const password = users.some(({ name }) => name === who) ? generatePassword() : undefined;
        if (who !== undefined && password !== undefined) {
            await stack.set(["users", who, "passwordDigest"], await digestOf(password), { secret: true });
            await stack.pulumi("up", "--yes", "--skip-preview");
        }
        const report = await verify(stack, { user: who, password }, say);
        const ok = report.ok && consistent !== false;
        const text =
            `${printFindings({ [`rehearsal of ${name}, as it was at ${found.snapshot.time}`]: report.lines })}\n` +
            `${consistency(consistent)}\n` +
            (ok ? "This backup can be restored." : "Something is wrong with this backup, or with this release of the program.");
        return { data: { ...report, ok, snapshot: found.snapshot.id, consistent: consistent ?? null }, text, ok };
    } finally {
        await takeDown(stack, say);
    }
}

if (require.main === module) {
    type Given = StackOptions & RestoreOptions & { readonly rehearse: boolean; readonly user?: string };
    void withRepository(stackCommand("restore", "Put a stack back as it was backed up, here or on a new machine."))
        .option("--snapshot <id>", "which one; the newest complete one by default")
        .option("--rehearse", "restore beside the stack that runs, sign in, and take it down again", false)
        .option("--user <user>", "who signs in at a rehearsal; by default somebody, where people live in the configuration")
        .option(
            "--docker-host <host>",
            "engine of a stack that is not there yet, such as ssh://user@host; docker's own by default",
        )
        .option("--files <place>", "where the files of a stack are to lie of which nothing is there: docs/storage.md")
        .option("--discard", "lose what is there now, instead of backing it up first", false)
        .option("--yes", "ask nobody", false)
        .action(({ stack, json, rehearse: isRehearsal, ...options }: Given) =>
            conclude(json, (say) => (isRehearsal ? rehearse(stack, options, say) : restore(stack, options, say))),
        )
        .parseAsync();
}
