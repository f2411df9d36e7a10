/** What the commands on a stack have in common: how they are called, what they print, how they end. */
import { Command } from "commander";

import { Failure } from "../system/failure";

/** Options of every such command. */
export interface StackOptions {
    /** Name of the stack. */
    readonly stack: string;
    /** Whether the outcome is printed as JSON. */
    readonly json: boolean;
}

/** How a command has ended. */
export interface Outcome {
    /** What a program reads; no secret that was not asked for. */
    readonly data: object;
    /** The same as a person reads it. */
    readonly text: string;
    /** Whether what was looked at is well, or what was asked for is done; true by default. Otherwise the exit status is 1. */
    readonly ok?: boolean;
}

/** Takes one line about what is being done. */
export type Say = (line: string) => void;

/** Progress, beside the outcome: npm run --silent status -- --stack prod --json > file. */
const say: Say = (line) => console.error(line);

/** The stack that a command is for. */
const STACK = ["--stack <name>", "the stack"] as const;

/** What every command has besides. `summary`: what it does, as its help begins. */
function described(command: Command, summary: string): Command {
    return command
        .description(summary)
        .option("--json", "print the outcome as JSON", false)
        .showHelpAfterError()
        .configureHelp({ helpWidth: 120 });
}

const named = (name: string) => new Command(`npm run ${name} --`);

/** A command as `npm run <name> -- … --stack <name> [--json]`, for arguments and further options to be added. */
export function stackCommand(name: string, summary: string): Command {
    return described(named(name).requiredOption(...STACK), summary);
}

/** The same for what looks at every stack where none is named. */
export function machineCommand(name: string, summary: string): Command {
    return described(named(name).option("--stack <name>", "this stack alone"), summary);
}

/** The same for what has subcommands, to which it is given. */
export function stackSubcommand(command: Command, name: string, summary: string): Command {
    return described(command.command(name).requiredOption(...STACK), summary);
}

/** Prints an outcome, or why there is none, and sets the exit status. */
export async function conclude(json: boolean, work: (say: Say) => Promise<Outcome>): Promise<void> {
    try {
        const { data, text, ok = true } = await work(say);
        console.log(json ? JSON.stringify(data, null, 4) : text);
        process.exitCode = ok ? 0 : 1;
    } catch (error) {
        if (!(error instanceof Failure)) {
            throw error;
        }
        console.error(error.message);
        if (json) {
            console.log(JSON.stringify({ error: error.message }, null, 4));
        }
        process.exitCode = 1;
    }
}
