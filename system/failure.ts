/** How commands end when something is wrong. */

/** An error that a person can act on: its message names the cause and what to do, and is shown without a stack trace. */
export class Failure extends Error {}

/** Runs a command's main function; an error that it throws is shown and makes the exit code 1. */
export function runMain(main: () => Promise<void>): void {
    main().catch((error: unknown) => {
        console.error(error instanceof Failure ? error.message : error);
        process.exitCode = 1;
    });
}
