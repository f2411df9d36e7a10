/**
 * `npm run end-access -- <user> --stack <stack>`: ends everything by which a person gets in without signing in, because a phone was lost
 * or a laptop stolen. Whoever is also to stay out is disabled in the configuration; see docs/access.md.
 *
 * Neither server offers this. So both are stopped for some seconds, in which the edge lets requests wait, their data are changed, and
 * both are started again. It talks to Docker alone, and so serves with every backend of Pulumi.
 */
import { BUS_PASSWORD_FILE } from "../components/ocis/bus";
import { OCIS_DATA } from "../components/ocis/configuration";
import { FILES_PATH } from "../components/workload";
import { Failure } from "../system/failure";
import { EndedSessions, endSessions, hasSignedIn } from "./authelia-database";
import { conclude, Outcome, Say, stackCommand, StackOptions } from "./command-line";
import { databaseOf } from "./database";
import { Server } from "./server";
import { StackOnEngine } from "./stack-on-engine";

/** Where oCIS keeps app tokens. Source: oCIS 7.0.0 and 8.2.0, services/auth-app/pkg/revaconfig/config.go. */
const APP_TOKENS = `${OCIS_DATA}/appauth.json`;

/**
 * Where oCIS keeps the keys of signed URLs, all people's in one folder: in its message queue from 5.0 on, before in its service `store`.
 * It makes new ones when they are asked for. Source: services/proxy and services/ocs; run with oCIS 4.0.5 and 8.1.0.
 */
const SIGNING_KEYS = [`${OCIS_DATA}/nats/jetstream/*/streams/KV_proxy`, `${OCIS_DATA}/store/databases/proxy/signing-keys`];

/** What is said of sessions that end neither with Authelia nor by person. */
const KEPT_SESSIONS =
    "NOT ENDED: they are in Redis (sessions.mode). A greater rotations.session and an up end everybody's: docs/state.md";

/** What is said of signed URLs where oCIS's bus is not in its data. */
const KEPT_SIGNED_URLS = "NOT ENDED: their keys are on NATS (bus.mode), from where docs/bus.md takes them";

/** App tokens as oCIS keeps them: by owner, by digest. */
type AppTokens = Readonly<Record<string, Readonly<Record<string, { readonly label: string }>>>>;

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

/** Whether Authelia keeps sessions at the portal where its own restart does not end them. */
async function keepsSessions(authelia: Server): Promise<boolean> {
    return (await authelia.execute("/bin/sh", "-c", `grep -q '^ *redis:' ${FILES_PATH}/configuration.yml`)) !== undefined;
}

/** Whether oCIS keeps the keys of signed URLs where this command does not reach them. */
async function keepsSigningKeys(ocis: Server): Promise<boolean> {
    return (await ocis.execute("/bin/sh", "-c", `test -e ${BUS_PASSWORD_FILE}`)) !== undefined;
}

/** Ends what a person has on a stack. */
export async function endAccess(name: string, user: string, secondFactor: boolean, say: Say): Promise<Outcome> {
    const stack = new StackOnEngine(name);
    const [authelia, ocis] = [stack.server("authelia"), stack.server("ocis")];
    await authelia.expectRunning();
    await ocis.expectRunning();
    const database = await databaseOf(stack);
    if (!(await database.read((open) => hasSignedIn(open, user)))) {
        throw new Failure(`Nobody called ${user} has ever signed in on the stack ${name}: check the name.`);
    }

    const webSessionsKept = await keepsSessions(authelia);
    const signedUrlsKept = await keepsSigningKeys(ocis);
    const before = await appTokens(ocis);
    const nobodyHasOne = Object.keys(before).length === 0;
    const owner = nobodyHasOne ? undefined : await ownerOfAppTokens(ocis, user, before);
    say("Stopping Authelia and oCIS for some seconds …");
    let ended: EndedSessions;
    let appTokensEnded = 0;
    try {
        await Promise.all([authelia.stop(), ocis.stop()]);
        ended = await database.change((open) => endSessions(open, user, secondFactor));
        if (owner !== undefined) {
            const { [owner]: theirs = {}, ...others } = JSON.parse(await ocis.change(`cat ${APP_TOKENS}`)) as AppTokens;
            await ocis.replace(APP_TOKENS, Buffer.from(JSON.stringify(others)));
            appTokensEnded = Object.keys(theirs).length - 1; // that of a minute was nobody's
        }
        await ocis.change(`rm -rf ${SIGNING_KEYS.join(" ")}`);
    } finally {
        await ocis.start(); // first, because Authelia may read people from its directory
        await authelia.start();
    }
    const unknown = owner === undefined && !nobodyHasOne;
    const kept = "kept: oCIS does not say which are theirs; it takes none of somebody who is disabled";
    const text = `
Ended on the stack ${name} for ${user}:
  web sessions      ${webSessionsKept ? KEPT_SESSIONS : "everybody's at Authelia, which asks for the password again"}
  refresh tokens    ${ended.refreshTokens}
  access tokens     ${ended.accessTokens}
  other grants      ${ended.others}
  app tokens        ${unknown ? kept : appTokensEnded}
  signed URLs       ${signedUrlsKept ? KEPT_SIGNED_URLS : "everybody's: oCIS makes new keys for them"}
  second factors    ${secondFactor ? ended.secondFactors : "kept; --second-factor ends them"}

${user} can sign in again, with the password and ${secondFactor ? "a new" : "the"} second factor. Who is to stay out: docs/access.md.`;
    return { text, data: { user, ...ended, webSessionsKept, signedUrlsKept, appTokens: unknown ? null : appTokensEnded } };
}

if (require.main === module) {
    void stackCommand(
        "end-access",
        "End everything by which a person gets in without signing in: a lost phone, a stolen laptop.",
    )
        .argument("<user>", "name of the person")
        .option("--second-factor", "end the second factors too", false)
        .action((user: string, { stack, json, secondFactor }: StackOptions & { secondFactor: boolean }) =>
            conclude(json, (say) => endAccess(stack, user, secondFactor, say)),
        )
        .parseAsync();
}
