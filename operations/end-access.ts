/**
 * `npm run end-access -- <user> --stack <stack>`: ends everything by which a person gets in without signing in, because a phone was lost
 * or a laptop stolen. Whoever is also to stay out is disabled in the configuration; see docs/access.md.
 *
 * Neither server offers this. So both are stopped for some seconds, in which the edge lets requests wait, their data are changed, and
 * both are started again. It talks to Docker alone, and so serves with every backend of Pulumi.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parse } from "yaml";

import { AUTHELIA_DATABASE } from "../components/authelia/configuration";
import { OCIS_DATA } from "../components/ocis/configuration";
import { Failure, runMain } from "../system/failure";
import { ROOT } from "../system/folders";
import { attempt, run } from "../system/run";
import { EndedSessions, endSessions, hasSignedIn } from "./authelia-database";
import { PROJECT } from "./pulumi";

const USAGE = "npm run end-access -- <user> --stack <stack> [--second-factor]";

/** How long a server may take until it is ready again, seconds: it has run on these data before, and takes under 25. */
const READY_SECONDS = 120;

/** Where oCIS keeps app tokens. Source: oCIS 7.0.0 and 8.2.0, services/auth-app/pkg/revaconfig/config.go. */
const APP_TOKENS = `${OCIS_DATA}/appauth.json`;

/**
 * Where oCIS keeps the keys of signed URLs, all people's in one folder: in its message queue from 5.0 on, before in its service `store`.
 * It makes new ones when they are asked for. Source: services/proxy and services/ocs; run with oCIS 4.0.5 and 8.1.0.
 */
const SIGNING_KEYS = [`${OCIS_DATA}/nats/jetstream/*/streams/KV_proxy`, `${OCIS_DATA}/store/databases/proxy/signing-keys`];

/** App tokens as oCIS keeps them: by owner, by digest. */
type AppTokens = Readonly<Record<string, Readonly<Record<string, { readonly label: string }>>>>;

/** What was asked for on the command line. */
function request() {
    try {
        const { positionals, values } = parseArgs({
            options: { stack: { type: "string" }, "second-factor": { type: "boolean", default: false } },
            allowPositionals: true,
        });
        const [user, ...more] = positionals;
        if (user !== undefined && more.length === 0 && values.stack !== undefined) {
            return { user, stack: values.stack, secondFactor: values["second-factor"] };
        }
    } catch (error) {
        throw new Failure(`${(error as Error).message}\nHow it is called: ${USAGE}`);
    }
    throw new Failure(`It takes one user and the name of a stack: ${USAGE}`);
}

/** Options by which docker reaches the engine of a stack: the one that the stack's file names, else docker's own. */
function engineOf(stack: string): string[] {
    const file = join(ROOT, `Pulumi.${stack}.yaml`);
    const { config } = (existsSync(file) ? parse(readFileSync(file, "utf8")) : {}) as { config?: Record<string, string> };
    const host = config?.["docker:host"];
    return host === undefined ? [] : ["--host", host];
}

/** A server of a stack, as Docker has it. */
class Server {
    constructor(
        private readonly engine: readonly string[],
        private readonly container: string,
    ) {}

    private docker(args: readonly string[], input?: Uint8Array): Promise<string> {
        return run("docker", [...this.engine, ...args], { input });
    }

    private inspect(format: string): Promise<string> {
        return this.docker(["inspect", "--format", `{{${format}}}`, this.container]);
    }

    /** @throws Failure unless it is there and runs. */
    async expectRunning(): Promise<void> {
        const { code, stdout } = await attempt("docker", [
            ...this.engine,
            ...["inspect", "--format", "{{.State.Running}}", this.container],
        ]);
        if (code !== 0 || stdout.trim() !== "true") {
            throw new Failure(
                `No container ${this.container} runs on this Docker Engine. Check the name of the stack and the engine (docker ps), ` +
                    "or bring the stack up first.",
            );
        }
    }

    /** Runs a command in it; undefined where that fails. */
    async execute(...command: string[]): Promise<string | undefined> {
        const { code, stdout } = await attempt("docker", [...this.engine, "exec", this.container, ...command]);
        return code === 0 ? stdout : undefined;
    }

    stop(): Promise<string> {
        return this.docker(["stop", this.container]);
    }

    /** Starts it and waits until it is ready. */
    async start(): Promise<void> {
        await this.docker(["start", this.container]);
        for (const end = Date.now() + READY_SECONDS * 1000; (await this.inspect(".State.Health.Status")) !== "healthy";) {
            if (Date.now() > end) {
                throw new Failure(`It is not ready after ${READY_SECONDS} s; docker logs ${this.container} says why.`);
            }
            await pause(500);
        }
    }

    /** Copies a file to this machine. */
    async copy(path: string, to: string): Promise<void> {
        await this.docker(["cp", `${this.container}:${path}`, to]);
    }

    /** Runs a shell command on its data while it is stopped, as its own user, in a container of its image that may do nothing else. */
    async change(command: string, input?: Uint8Array): Promise<string> {
        const bounds = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
        const user = await this.inspect(".Config.User");
        const image = await this.inspect(".Image");
        const container = ["run", "--rm", "--interactive", ...bounds, "--user", user, "--volumes-from", this.container];
        return this.docker([...container, "--entrypoint", "/bin/sh", image, "-c", command], input);
    }

    /** Replaces a file while it is stopped, wholly or not at all. */
    async replace(path: string, content: Uint8Array): Promise<void> {
        await this.change(`cat > ${path}.new && mv ${path}.new ${path}`, content);
    }
}

async function appTokens(ocis: Server): Promise<AppTokens> {
    return JSON.parse((await ocis.execute("cat", APP_TOKENS)) ?? "{}") as AppTokens;
}

/**
 * Under what oCIS keeps a person's app tokens; undefined where it does not say. It calls owners by identifiers, which no command tells:
 * so a token of a minute is made, which goes with the others.
 */
async function ownerOfAppTokens(ocis: Server, user: string, before: AppTokens): Promise<string | undefined> {
    if ((await ocis.execute("ocis", "auth-app", "create", `--user-name=${user}`, "--expiration=1m")) === undefined) {
        return undefined;
    }
    const isNew = (owner: string, [digest, { label }]: [string, { label: string }]) =>
        before[owner]?.[digest] === undefined && label.endsWith("CLI");
    const after = Object.entries(await appTokens(ocis));
    return after.find(([owner, tokens]) => Object.entries(tokens).some((token) => isNew(owner, token)))?.[0];
}

/** Does some work with a copy of Authelia's database on this machine. */
async function withDatabase<T>(authelia: Server, work: (file: string) => T | Promise<T>): Promise<T> {
    const folder = mkdtempSync(join(tmpdir(), "end-access-")); // readable for its owner alone
    try {
        const file = join(folder, "db.sqlite3");
        await authelia.copy(AUTHELIA_DATABASE, file);
        return await work(file);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** Ends what the stopped Authelia knows of a person: its database gives way to a changed copy. */
async function endAtAuthelia(authelia: Server, user: string, secondFactor: boolean): Promise<EndedSessions> {
    const journal = await authelia.change(`ls ${AUTHELIA_DATABASE}-* 2>/dev/null || true`);
    if (journal !== "") {
        throw new Failure(`Authelia has not closed its database (${journal}). It runs again: run the command again.`);
    }
    return withDatabase(authelia, async (file) => {
        const ended = endSessions(file, user, secondFactor);
        await authelia.replace(AUTHELIA_DATABASE, readFileSync(file));
        return ended;
    });
}

async function main(): Promise<void> {
    const { user, stack, secondFactor } = request();
    const engine = engineOf(stack);
    const [authelia, ocis] = ["authelia", "ocis"].map((server) => new Server(engine, `${PROJECT}-${stack}-${server}`));
    await authelia!.expectRunning();
    await ocis!.expectRunning();
    if (!(await withDatabase(authelia!, (file) => hasSignedIn(file, user)))) {
        throw new Failure(`Nobody called ${user} has ever signed in on the stack ${stack}: check the name.`);
    }

    const before = await appTokens(ocis!);
    const nobodyHasOne = Object.keys(before).length === 0;
    const owner = nobodyHasOne ? undefined : await ownerOfAppTokens(ocis!, user, before);
    console.log("Stopping Authelia and oCIS for some seconds …");
    let ended: EndedSessions;
    let appTokensEnded = 0;
    try {
        await Promise.all([authelia!.stop(), ocis!.stop()]);
        ended = await endAtAuthelia(authelia!, user, secondFactor);
        if (owner !== undefined) {
            const { [owner]: theirs = {}, ...others } = JSON.parse(await ocis!.change(`cat ${APP_TOKENS}`)) as AppTokens;
            await ocis!.replace(APP_TOKENS, Buffer.from(JSON.stringify(others)));
            appTokensEnded = Object.keys(theirs).length - 1; // that of a minute was nobody's
        }
        await ocis!.change(`rm -rf ${SIGNING_KEYS.join(" ")}`);
    } finally {
        await ocis!.start(); // first, because Authelia may read people from its directory
        await authelia!.start();
    }
    const unknown = `kept: oCIS does not say which are theirs; it takes none of somebody who is disabled`;
    console.log(`
Ended on the stack ${stack} for ${user}:
  web sessions      everybody's at Authelia, which asks for the password again
  refresh tokens    ${ended.refreshTokens}
  access tokens     ${ended.accessTokens}
  other grants      ${ended.others}
  app tokens        ${owner === undefined && !nobodyHasOne ? unknown : appTokensEnded}
  signed URLs       everybody's: oCIS makes new keys for them
  second factors    ${secondFactor ? ended.secondFactors : "kept; --second-factor ends them"}

${user} can sign in again, with the password and ${secondFactor ? "a new" : "the"} second factor. Who is to stay out: docs/access.md.`);
}

runMain(main);
