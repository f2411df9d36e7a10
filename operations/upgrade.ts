/**
 * `npm run upgrade -- --stack <stack>`: brings a stack's servers to newer releases, one line at a time, each looked at as a client does,
 * after a backup that is put back where one of them fails. With --plan it shows the way and does nothing. See docs/production.md.
 */
import { Failure } from "../system/failure";
import { AUTHELIA, CADDY_IMAGE, describeUnrun, imageOf, Line, OCIS, releaseOf, Releases, upgradePath } from "../versions";
import { backup } from "./backup";
import { Images } from "./backup/description";
import { RepositoryOptions, withRepository } from "./backup/restic";
import { conclude, Outcome, Say, stackCommand, StackOptions } from "./command-line";
import { agrees } from "./configuration-change";
import { printFindings } from "./finding";
import { askForKnownPassword } from "./password";
import { restore } from "./restore";
import { Stack } from "./stack";
import { verify } from "./verify";

/** The releases that are wanted, such as "8.2.0"; by default the newest that this program has for each server. */
export interface Wanted {
    readonly authelia?: string;
    readonly ocis?: string;
}

/** One image in the place of another. */
export interface Step {
    readonly key: keyof Images;
    readonly image: string;
    /** What a person should know of it. */
    readonly note?: string;
}

const SERVERS: readonly ["authelia" | "ocis", Releases<Line>][] = [
    ["authelia", AUTHELIA],
    ["ocis", OCIS],
];

/**
 * The way from the images that run to those that are wanted. Authelia goes first and at once, because the newest Authelia was run with
 * every oCIS; oCIS goes line by line. Where they come from stays: a registry of one's own, but not a digest, which is of one image. Pure.
 *
 * @throws Failure where no way leads there.
 */
export function planOf(current: Images, wanted: Wanted): Step[] {
    const steps = SERVERS.flatMap(([key, server]): Step[] => {
        const { version: before } = releaseOf(server, current[key], true);
        const newest = releaseOf(server, server.image).version;
        const asked = wanted[key];
        const path = upgradePath(server, before, asked ?? newest);
        if (path === undefined && asked !== undefined) {
            throw new Failure(
                `--${key} is ${asked}, and the data are of ${before}, which earlier releases cannot read. Nothing was changed.\n` +
                    'To go back, restore the backup of before the upgrade: docs/production.md, "Upgrades".',
            );
        }
        return (path ?? [])
            .filter((version) => version !== before)
            .map((version) => stepTo(key, server, current[key], version));
    });
    const caddy =
        current.caddy.startsWith("caddy:") && current.caddy !== CADDY_IMAGE
            ? [{ key: "caddy", image: CADDY_IMAGE } as const]
            : [];
    return [...steps, ...caddy];
}

function stepTo(key: "authelia" | "ocis", server: Releases<Line>, from: string, version: string): Step {
    const image = imageOf(from, version);
    try {
        const note = describeUnrun(server, releaseOf(server, image));
        return note === undefined ? { key, image } : { key, image, note };
    } catch (error) {
        throw new Failure(`--${key} is ${version}: ${(error as Error).message}. Nothing was changed.`);
    }
}

/** The way as a person reads it. */
function printPlan(stack: string, current: Images, steps: readonly Step[]): string {
    const runs = `The stack ${stack} runs ${Object.values(current).join(", ")}.`;
    const lines = steps.map(
        ({ image, note }, index) => `  ${index + 1}. ${image}${note === undefined ? "" : `\n     ${note}`}`,
    );
    return steps.length === 0
        ? `${runs} There is nothing newer that this program knows.`
        : `${runs} The way:\n${lines.join("\n")}\nWhat people notice of each step: docs/production.md, "Upgrades".`;
}

interface UpgradeOptions extends Wanted, Partial<RepositoryOptions> {
    /** Whether the way is only shown. */
    readonly plan: boolean;
    /** Whether nobody is asked. */
    readonly yes: boolean;
    /** Who signs in after each step; nobody by default. */
    readonly user?: string;
}

/**
 * Upgrades a stack.
 *
 * @throws Failure where it is refused, before anything is touched.
 */
export async function upgrade(name: string, options: UpgradeOptions, say: Say): Promise<Outcome> {
    const stack = await Stack.open(name, say);
    const { images: current, initialPasswords } = await stack.outputs();
    if (current === undefined) {
        throw new Failure(`The stack ${name} is not up. Bring it up first: npm run pulumi -- up --stack ${name}`);
    }
    const steps = planOf(current, options);
    const plan = printPlan(name, current, steps);
    const planned = { from: current, steps };
    if (options.plan || steps.length === 0) {
        return { data: planned, text: plan };
    }
    const { database } = await stack.settings();
    const ofAuthelia = steps.find(({ key }) => key === "authelia");
    if (ofAuthelia !== undefined && database.mode === "external-postgres") {
        throw new Failure(
            `Authelia's database is on ${database.host}, of which no backup is made here, and what a newer release has changed in it no older ` +
                `one reads. Nothing was changed.\nDump it (pg_dump), and then:\n` +
                `    npm run pulumi -- config set --path images.authelia ${ofAuthelia.image} --stack ${name}\n` +
                `    npm run pulumi -- up --stack ${name}`,
        );
    }
    const { repository, passwordFile, user, yes } = options;
    if (repository === undefined || passwordFile === undefined) {
        throw new Failure(
            `A backup goes before: --repository and --password-file are needed (docs/backup.md). Nothing was changed.`,
        );
    }
    const where = { ...options, repository, passwordFile } as RepositoryOptions;
    const password = user === undefined ? undefined : (initialPasswords[user] ?? (await askForKnownPassword(user)));
    const look = async () => {
        const { ok, lines } = await verify(stack, { user, password }, () => undefined);
        return ok ? undefined : printFindings({ [`stack ${name}`]: lines.filter(({ state }) => state === "failed") });
    };

    say(plan);
    say("Looking at it as it is …");
    const unwell = await look();
    if (unwell !== undefined) {
        throw new Failure(`It is not well now. Nothing was changed; mend this first.\n\n${unwell}`);
    }
    if (!yes && !(await agrees("Back it up and go this way?"))) {
        throw new Failure("Nothing was changed.");
    }
    say("Backing it up …");
    const { snapshot } = await backup(stack, where, say);
    let images: Images = current;
    for (const { key, image } of steps) {
        say(`Going to ${image} …`);
        images = { ...images, [key]: image };
        for (const [each, value] of Object.entries(images)) {
            await stack.set(["images", each], value);
        }
        const { code, text } = await stack.attempt("up", "--yes", "--skip-preview");
        const fault = code === 0 ? await look() : text.trim();
        if (fault !== undefined) {
            say(`${image} failed:\n${fault}\n\nPutting the backup back …`);
            const { text: restored } = await restore(name, { ...where, snapshot, yes: true, discard: false }, say);
            return {
                data: { ...planned, snapshot, failed: image, fault },
                text: `${image} failed:\n${fault}\n\n${restored}\nWhat was stored meanwhile is in the snapshot that is tagged before-restore.`,
                ok: false,
            };
        }
    }
    const text = `The stack ${name} runs ${Object.values(images).join(", ")}, and was looked at after each step.`;
    return { data: { ...planned, snapshot }, text: `${text}\nThe backup of before is the snapshot ${snapshot.slice(0, 8)}.` };
}

if (require.main === module) {
    const command = stackCommand(
        "upgrade",
        "Bring a stack's servers to newer releases, one line at a time, with a backup before.",
    );
    void withRepository(command, false)
        .option("--plan", "show the way, and do nothing", false)
        .option("--authelia <version>", `release of Authelia; ${releaseOf(AUTHELIA, AUTHELIA.image).version} by default`)
        .option("--ocis <version>", `release of oCIS; ${releaseOf(OCIS, OCIS.image).version} by default`)
        .option("--user <user>", "sign in as this person before, and after each step")
        .option("--yes", "ask nobody", false)
        .action(({ stack, json, ...options }: StackOptions & UpgradeOptions) =>
            conclude(json, (say) => upgrade(stack, options, say)),
        )
        .parseAsync();
}
