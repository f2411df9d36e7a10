/**
 * `npm run users -- <list|add|remove|password|second-factor|lost-phone> … --stack <stack>`: the people of a stack. What they are stands in
 * its configuration, where users live there; their second factors are Authelia's in every mode. See docs/users.md.
 */
import { Command } from "commander";

import { Failure } from "../system/failure";
import { hasSignedIn, knownPeople } from "./authelia-database";
import { conclude, Outcome, Say, stackSubcommand, StackOptions } from "./command-line";
import { bringUp, expectUsable } from "./configuration-change";
import { databaseOf } from "./database";
import { endAccess } from "./end-access";
import { askForPassword, digestOf, generatePassword } from "./password";
import { listPeople, printPeople } from "./people";
import { DEV_STACK, withStackFile } from "./pulumi";
import { enrol, printSecondFactor } from "./second-factor";
import { Stack } from "./stack";

/** Where people are made, removed and given passwords instead, by the mode of the directory. */
const ELSEWHERE = {
    ocis: "an administrator does that in ownCloud's web interface, because users live in oCIS (directory.mode is ocis)",
    lldap: "an administrator does that on LLDAP's page, because users live there (directory.mode is lldap); see docs/directories.md",
    ldap: "that is done in the directory, because users live there (directory.mode is ldap)",
};

/** Users as they stand in a configuration. */
type GivenUsers = Readonly<Record<string, object>>;

/** @throws Failure where users do not live in the stack's configuration. */
async function usersOf(stack: Stack): Promise<GivenUsers> {
    const { directory, users = {} } = (await stack.given()) as {
        directory?: { mode?: keyof typeof ELSEWHERE };
        users?: GivenUsers;
    };
    const elsewhere = directory?.mode && ELSEWHERE[directory.mode];
    if (elsewhere !== undefined) {
        throw new Failure(`Nothing was changed: ${elsewhere}.`);
    }
    return users;
}

/** The users without one of them, who has to be there. */
function without(users: GivenUsers, name: string): GivenUsers {
    if (!(name in users)) {
        throw new Failure(
            `There is no user "${name}". There are: ${Object.keys(users).sort().join(", ")}. Nothing was changed.`,
        );
    }
    return Object.fromEntries(Object.entries(users).filter(([other]) => other !== name));
}

async function expectUsers(stack: Stack, users: GivenUsers): Promise<void> {
    expectUsable(stack.name, { ...(await stack.given()), users } as Parameters<typeof expectUsable>[1]);
}

async function list(stack: Stack): Promise<Outcome> {
    const { users, directory } = await stack.settings();
    await stack.server("authelia").expectRunning();
    const database = await databaseOf(stack);
    const people = listPeople(users, await database.read(knownPeople));
    return { data: { directory: directory.mode, people }, text: printPeople(directory.mode, people) };
}

interface Addition {
    readonly displayName: string;
    readonly email: string;
    readonly group: readonly string[];
    readonly samePerson: boolean;
    readonly yes: boolean;
}

async function add(
    stack: Stack,
    name: string,
    { displayName, email, group, samePerson, yes }: Addition,
    say: Say,
): Promise<Outcome> {
    const users = await usersOf(stack);
    if (name in users) {
        throw new Failure(`There is a user "${name}" already, who stays as it is. Nothing was changed.`);
    }
    await expectUsers(stack, { ...users, [name]: { displayName, email, groups: group, samePerson } });
    const path = ["users", name];
    const change = async (draft: Stack) => {
        await draft.set([...path, "displayName"], displayName);
        await draft.set([...path, "email"], email);
        for (const [index, one] of group.entries()) {
            await draft.set([...path, "groups", index], one);
        }
        if (samePerson) {
            await draft.set([...path, "samePerson"], "true", { type: "bool" });
        }
    };
    await bringUp(stack, change, yes, say);
    const { initialPasswords, cloudUrl } = await stack.outputs();
    const password = initialPasswords[name]!;
    const uri = await enrol(stack.server("authelia"), name, false);
    const code =
        uri === undefined
            ? `the one that ${name} has; npm run users -- second-factor ${name} --replace --stack ${stack.name} makes another`
            : `from an authenticator app that has scanned this:\n\n${await printSecondFactor(uri)}`;
    const text = `
${name} can sign in. This is shown once; let it reach ${name} by a way that you trust.

  ownCloud        ${cloudUrl}
  the password    ${password}
  the code        ${code}
`;
    return { data: { user: name, cloudUrl, password, ...(uri === undefined ? {} : { uri }) }, text };
}

async function remove(stack: Stack, name: string, yes: boolean, say: Say): Promise<Outcome> {
    await expectUsers(stack, without(await usersOf(stack), name));
    await bringUp(stack, (draft) => draft.unset(["users", name]), yes, say);
    const text =
        `${name} is out, whatever ${name} or the devices still hold. The files and shares stay in oCIS under the name, and so does the ` +
        `second factor.\nWhoever is to have them again: npm run users -- add ${name} --same-person … See docs/access.md.`;
    return { data: { user: name, removed: true }, text };
}

async function password(stack: Stack, name: string, generate: boolean, yes: boolean, say: Say): Promise<Outcome> {
    without(await usersOf(stack), name);
    const given = generate ? generatePassword() : await askForPassword(name);
    const digest = await digestOf(given);
    await bringUp(stack, (draft) => draft.set(["users", name, "passwordDigest"], digest, { secret: true }), yes, say);
    const shown = generate ? `\n\n  the password    ${given}\n\nIt is shown once.` : "";
    return {
        data: { user: name, ...(generate ? { password: given } : {}) },
        text:
            `${name} signs in with the new password.${shown} Tokens of before go on; ` +
            `npm run end-access -- ${name} --stack ${stack.name} ends them.`,
    };
}

/** @throws Failure where users live in the configuration and the name is none of theirs. */
async function expectKnown(stack: Stack, name: string): Promise<void> {
    const { directory, users } = await stack.settings();
    if (directory.mode === "authelia") {
        without(Object.fromEntries(users.map((user) => [user.name, user])), name);
    }
    await stack.server("authelia").expectRunning();
}

async function secondFactor(stack: Stack, name: string, replace: boolean): Promise<Outcome> {
    await expectKnown(stack, name);
    const uri = await enrol(stack.server("authelia"), name, replace);
    if (uri === undefined) {
        throw new Failure(
            `${name} has an authenticator app already, which stays. --replace makes another in its place; ` +
                `for a lost phone: npm run users -- lost-phone ${name} --stack ${stack.name}`,
        );
    }
    return {
        data: { user: name, uri },
        text: `${name} signs in with an authenticator app that has scanned this:\n\n${await printSecondFactor(uri)}`,
    };
}

async function lostPhone(stack: Stack, name: string, say: Say): Promise<Outcome> {
    await expectKnown(stack, name);
    // Whoever has never signed in to ownCloud has nothing that could be ended but the second factor, which is replaced anyway.
    const database = await databaseOf(stack);
    const signedIn = await database.read((open) => hasSignedIn(open, name));
    const ended = signedIn ? await endAccess(stack.name, name, true, say) : undefined;
    const { data, text } = await secondFactor(stack, name, true);
    return { data: { ...ended?.data, ...data }, text: `${ended?.text ?? ""}\n${text}` };
}

/** Does the work on the stack of a command's options. The file of the dev stack is the repository's; see withStackFile. */
function on({ stack, json }: StackOptions, work: (stack: Stack, say: Say) => Promise<Outcome>): Promise<void> {
    return conclude(json, async (say) => withStackFile(DEV_STACK, async () => work(await Stack.open(stack, say), say)));
}

const users = new Command("npm run users --").description("The people of a stack.").showHelpAfterError();
const subcommand = (name: string, summary: string) => stackSubcommand(users, name, summary);
const oneOf = (name: string, summary: string) => subcommand(name, summary).argument("<name>", "user name of the person");
const changing = (command: Command) => command.option("--yes", "change the stack unasked", false);

type Yes = StackOptions & { readonly yes: boolean };

subcommand("list", "Who they are, their second factors, and when they last signed in.").action((options: StackOptions) =>
    on(options, list),
);

changing(oneOf("add", "Add a person, bring the stack up, and show the password and the second factor once."))
    .requiredOption("--display-name <name>", "the name that others see")
    .requiredOption("--email <address>", "where mail goes")
    .option("--group <name>", "a group; may be given several times", (one: string, before: string[]) => [...before, one], [])
    .option("--same-person", "the name was removed earlier, and this is the person of that time", false)
    .action((name: string, options: StackOptions & Addition) => on(options, (stack, say) => add(stack, name, options, say)));

changing(oneOf("remove", "Take a person out for good. The files stay.")).action((name: string, options: Yes) =>
    on(options, (stack, say) => remove(stack, name, options.yes, say)),
);

changing(oneOf("password", "Set a password, asked for twice at a terminal, else read from the standard input."))
    .option("--generate", "make one and show it once", false)
    .action((name: string, options: Yes & { generate: boolean }) =>
        on(options, (stack, say) => password(stack, name, options.generate, options.yes, say)),
    );

oneOf("second-factor", "Enrol an authenticator app and show its QR code.")
    .option("--replace", "in the place of the one that is enrolled", false)
    .action((name: string, options: StackOptions & { replace: boolean }) =>
        on(options, (stack) => secondFactor(stack, name, options.replace)),
    );

oneOf("lost-phone", "End everything by which a person gets in without signing in, and enrol another authenticator app.").action(
    (name: string, options: StackOptions) => on(options, (stack, say) => lostPhone(stack, name, say)),
);

void users.parseAsync();
