/**
 * `npm run verify -- --stack <stack> [--user <user>]`: looks at a stack as a client from outside does, line by line. What takes somebody who
 * signs in needs --user: in mode "authelia" people are made by the configuration alone, and a check that changes it would restart what it checks.
 */
import { setTimeout as pause } from "node:timers/promises";

import { Browser, CODE_PERIOD } from "../client/browser";
import { conclude, Say, stackCommand, StackOptions } from "./command-line";
import { Finding, printFindings } from "./finding";
import { askForKnownPassword } from "./password";
import { Stack } from "./stack";
import { LINES, outsideChecks } from "./verify/outside";
import { Person, secondFactor, SecondFactor } from "./verify/person";
import { lookAt, VerifyReport } from "./verify/report";

/** By person, the half minute of the code that was shown last: Authelia takes no code twice. */
const shown: Record<string, number> = {};

const halfMinute = () => Math.floor(Date.now() / 1000 / CODE_PERIOD);

/**
 * Checks a stack.
 *
 * @param options.user Who signs in; nobody by default.
 * @param options.password Of that person; by default the initial one, else one that is asked for.
 * @throws Failure where the stack cannot be looked at.
 */
export async function verify(
    stack: Stack,
    { user, password: given }: { user?: string; password?: string },
    say: Say,
): Promise<VerifyReport> {
    const [settings, { caCertificate: ca, initialPasswords }] = [await stack.settings(), await stack.outputs()];
    const seen = { settings, ca, stack: stack.name };
    const cures = { stack: stack.name, prefix: stack.prefix };
    const browser = new Browser(ca, false);
    let factor: SecondFactor | undefined;
    try {
        const lines = await lookAt(outsideChecks(seen, browser), [], cures, say);
        const served = lines.some(({ what, state }) => what === LINES.relayed && state === "ok");
        if (user === undefined) {
            lines.push({ what: "signing in", state: "skipped", seen: "not checked: needs --user" });
        } else {
            const password = served ? (given ?? initialPasswords[user] ?? (await askForKnownPassword(user))) : "";
            factor = served ? await secondFactor(stack.server("authelia"), user) : undefined;
            while (shown[user] === halfMinute()) {
                await pause(500); // after an upgrade's step this person has signed in a moment ago
            }
            const person = new Person(
                seen,
                browser,
                user,
                () => password,
                () => {
                    shown[user] = halfMinute();
                    return factor!.secret;
                },
            );
            lines.push(...(await lookAt(person.checks(), lines, cures, say)));
        }
        return { ok: !lines.some(({ state }: Finding) => state === "failed"), lines };
    } finally {
        await factor?.remove();
        await browser.close();
    }
}

if (require.main === module) {
    void stackCommand("verify", "Check a stack as a client from outside does; exit status 1 where something fails.")
        .option("--user <user>", "sign in as this person too")
        .action(({ stack: name, json, user }: StackOptions & { user?: string }) =>
            conclude(json, async (say) => {
                const report = await verify(await Stack.open(name, say), { user }, say);
                return { data: report, text: printFindings({ [`stack ${name}`]: report.lines }), ok: report.ok };
            }),
        )
        .parseAsync();
}
