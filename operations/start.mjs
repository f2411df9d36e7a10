// The entry of every npm script: `node operations/start.mjs <command> [arguments]`. It sees to what the commands
// themselves need before any of it can be imported: a Node.js that Pulumi supports, and the npm packages of
// package-lock.json. Then it runs operations/<command>.ts. Plain JavaScript without dependencies, for any Node.js >= 18.
//
// What it says goes to the standard error, so that `npm run --silent pulumi -- stack output --json > file` stays clean.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** What `npm run` offers, and what each does. The name is that of a file in this folder. */
const COMMANDS = {
    backup: "back a stack up by restic: npm run backup -- --stack prod --repository /mnt/backup --password-file restic-password",
    bench: "measure what people wait for beside what they would use instead, and write docs/benchmarks.md",
    dev: "bring up the dev stack on this machine and say how to sign in",
    "dev-down": "take the dev stack down again",
    doctor: "look at this machine and at every stack, and say how to mend what is wrong: npm run doctor -- --stack prod",
    drills: "break a stack in every way that docs/reliability.md names, and write its table",
    "end-access": "end everything by which a person gets in without signing in: npm run end-access -- alice --stack prod",
    generate: "write Pulumi.yaml's keys and docs/configuration.md from the declarations in settings/",
    pulumi: "run Pulumi's command line interface with the local state: npm run pulumi -- preview --stack dev",
    restore:
        "put a stack back as it was backed up, here or on a new machine, or rehearse that: npm run restore -- --rehearse --stack prod …",
    status: "say what a stack runs, and what it takes: npm run status -- --stack prod",
    test: "type check, format, lint, unit tests, graph tests and deployment tests; with --all on every pair whatever a server has a part in",
    "test-options": "run the tests of everything that a key switches on, and write the table of docs/options.md",
    "test-swarm": "bring a stack up on a swarm of three machines, made here, and write the table of docs/scaling.md",
    upgrade: "bring a stack's servers to newer releases, one line at a time: npm run upgrade -- --plan --stack prod",
    users: "list, add and remove people, set passwords and second factors: npm run users -- list --stack prod",
    verify: "check a stack as a client from outside does: npm run verify -- --stack prod --user alice",
};

/** The Node.js that is installed when the present one is too old: the long-term support line, from npm's node packages. */
const NODE_VERSION = "24.21.0";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Ends the run with one message: what is wrong, and what to do about it. */
class Cure extends Error {}

function say(message) {
    process.stderr.write(`${message}\n`);
}

/** Runs npm in the repository; its own output is shown only when it fails, as part of the message. */
function npm(args, env, cure) {
    const result = spawnSync("npm", [...args, "--loglevel=error", "--no-fund", "--no-audit"], {
        cwd: root,
        env,
        encoding: "utf8",
        shell: process.platform === "win32", // npm is a script there
    });
    if (result.error) {
        throw new Cure(`npm could not be started (${result.error.message}). It comes with Node.js: install Node.js 24.`);
    }
    if (result.signal) {
        throw new Cure(`npm ${args[0]} was ended by ${result.signal}. Run the command again.`);
    }
    if (result.status !== 0) {
        throw new Cure(`npm ${args.join(" ")} failed:\n${result.stderr.trim()}\n${cure}`);
    }
}

/** "22.19.0" -> [22, 19, 0], for comparison. */
function numbers(version) {
    return version.split(".").map(Number);
}

function older(version, minimum) {
    const [a, b] = [numbers(version), numbers(minimum)];
    const differs = b.findIndex((part, index) => (a[index] ?? 0) !== part);
    return differs >= 0 && (a[differs] ?? 0) < b[differs];
}

/**
 * The folder of a Node.js that satisfies `engines` of package.json: that of the running one, or of one installed under
 * .cache/node/<version>.
 */
function supportedNode() {
    const { engines } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    const minimum = engines.node.replace(/^>=\s*/, "");
    if (!older(process.versions.node, minimum)) {
        return path.dirname(process.execPath);
    }
    const name = `node-${process.platform}-${process.arch}`;
    const home = path.join(root, ".cache", "node", NODE_VERSION);
    const bin = path.join(home, "node_modules", name, "bin");
    if (!existsSync(home)) {
        say(`Node.js ${process.versions.node} is older than ${minimum}: installing ${NODE_VERSION} into .cache/ …`);
        // Made beside its place and then renamed, so that an interrupted installation leaves nothing half done.
        const unfinished = `${home}.${process.pid}`;
        mkdirSync(unfinished, { recursive: true });
        try {
            npm(
                ["install", "--prefix", unfinished, "--no-save", "--ignore-scripts", `${name}@${NODE_VERSION}`],
                process.env,
                `Install Node.js ${minimum} or newer yourself and run the command again.`,
            );
            renameSync(unfinished, home);
        } finally {
            rmSync(unfinished, { recursive: true, force: true });
        }
    }
    return bin;
}

/** Installs the packages of package-lock.json, unless those in node_modules are of this very lock file. */
function installPackages(env) {
    const modules = path.join(root, "node_modules");
    const record = path.join(modules, ".installed-lock-file");
    const lock = createHash("sha256")
        .update(readFileSync(path.join(root, "package-lock.json")))
        .digest("hex");
    if (existsSync(record) && readFileSync(record, "utf8") === lock) {
        return;
    }
    say("Installing the npm packages of package-lock.json …");
    npm(["ci"], env, "Check the connection to the npm registry (npm ping) and run the command again.");
    writeFileSync(record, lock);
}

/** Runs the command and takes over its exit code. Signals reach it as if it had been started directly. */
function run(command, args, env) {
    const script = path.join(root, "operations", `${command}.ts`);
    const child = spawn("node", ["--require", path.join(root, "system", "typescript.cjs"), script, ...args], {
        cwd: root,
        env,
        stdio: "inherit",
    });
    // A terminal sends Ctrl-C to every process of the foreground, so the child has it already. Passing it on would make
    // two of it, and at the second one Pulumi gives up at once and may leave resources that its state does not know.
    const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
    process.on("SIGINT", () => onTerminal || child.kill("SIGINT"));
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    process.on("SIGHUP", () => child.kill("SIGHUP"));
    child.on("error", (error) => fail(new Cure(`Node.js could not be started: ${error.message}`)));
    // 128 + n is what a shell reports of a process that signal n has ended.
    child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

function fail(error) {
    if (!(error instanceof Cure)) {
        throw error;
    }
    say(error.message);
    process.exit(1);
}

try {
    const [command, ...args] = process.argv.slice(2);
    if (!Object.hasOwn(COMMANDS, command ?? "")) {
        const list = Object.entries(COMMANDS).map(([name, does]) => `  ${name.padEnd(10)} ${does}`);
        const asked = command === undefined ? "No command was given." : `There is no command "${command}".`;
        throw new Cure([`${asked} node operations/start.mjs runs one of:`, ...list].join("\n"));
    }
    const bin = supportedNode();
    const env = { ...process.env, PATH: [bin, process.env.PATH].join(path.delimiter) };
    installPackages(env);
    run(command, args, env);
} catch (error) {
    fail(error);
}
