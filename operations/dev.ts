/**
 * `npm run dev`: brings up the dev stack on this machine and says how to sign in. Sees to what is missing first: a Docker
 * Engine, the Pulumi command line interface, the images. Run again, it changes nothing and says the same.
 */
import * as qrcode from "qrcode";

import { Failure, runMain } from "../system/failure";
import { attempt, run } from "../system/run";
import { ensureEngine } from "./engine";
import { chooseImages, describeImages, ImageNames, rememberedImages, rememberImages } from "./images";
import { DEV_STACK, PROJECT, PulumiCommand, pulumiCommand, runPulumi, withStackFile } from "./pulumi";

/** The user in the dev stack's file. */
const USER = "demo";

const say = (line: string) => console.log(line);

/** What Pulumi prints, parsed. */
async function ask({ path, environment }: PulumiCommand, ...args: string[]): Promise<unknown> {
    return JSON.parse(await run(path, [...args, "--json"], { env: environment }));
}

/** Makes the stack unless it exists. */
async function ensureStack(command: PulumiCommand): Promise<void> {
    const stacks = (await ask(command, "stack", "ls")) as { name: string }[];
    if (!stacks.some(({ name }) => name === DEV_STACK)) {
        await mustSucceed(runPulumi(command, "stack", "init", DEV_STACK, "--non-interactive"));
    }
}

/** Ends this program where Pulumi has failed, with its exit code; it has said why. */
async function mustSucceed(ended: Promise<number>): Promise<void> {
    const code = await ended;
    if (code !== 0) {
        process.exit(code);
    }
}

/** The images of the stack: what its file names, what was chosen for it before, what is to be had. */
async function imagesOfStack(command: PulumiCommand): Promise<ImageNames> {
    const config = (await ask(command, "config", "--stack", DEV_STACK)) as Record<string, { value?: string }>;
    const configured = JSON.parse(config[`${PROJECT}:images`]?.value ?? "{}") as Partial<ImageNames>;
    const images = await chooseImages({ ...rememberedImages()[DEV_STACK], ...configured }, say);
    rememberImages(DEV_STACK, images);
    return images;
}

/** The demo user's second factor as a URI for authenticator apps, enrolled by Authelia's own command unless it is already. */
async function enrol(): Promise<string> {
    const container = `${PROJECT}-${DEV_STACK}-authelia`;
    const totp = ["exec", container, "authelia", "storage", "user", "totp"];
    // `generate` refuses to replace an enrolment, and `export` fails where nobody has one.
    const generated = await attempt("docker", [...totp, "generate", USER]);
    const said = generated.code === 0 ? generated.stdout : await run("docker", [...totp, "export", "uri"]);
    const [uri] = new RegExp(`otpauth://totp/[^\\s:]+:${USER}\\?[^\\s']+`).exec(said) ?? [];
    if (uri === undefined) {
        throw new Failure(`Authelia did not say the second factor of ${USER}. Its log: docker logs ${container}`);
    }
    return uri;
}

async function main(): Promise<void> {
    await ensureEngine(say);
    await withStackFile(DEV_STACK, async () => {
        const command = await pulumiCommand(say);
        await ensureStack(command);
        const running = `The stack ${DEV_STACK} runs ${describeImages(await imagesOfStack(command))}.`;
        say(running);
        // Asked for again, because the images just chosen are part of its environment.
        const up = ["up", "--stack", DEV_STACK, "--yes", "--skip-preview", "--non-interactive"];
        await mustSucceed(runPulumi(await pulumiCommand(say), ...up));

        const outputs = (await ask(command, "stack", "output", "--stack", DEV_STACK)) as Record<string, string>;
        const uri = await enrol();
        say(`
  ownCloud        ${outputs.cloudUrl}
  Authelia        ${outputs.portalUrl}
  sign in as      ${USER}
  the password    npm run --silent pulumi -- stack output initialPasswords --show-secrets --stack ${DEV_STACK}
  the code        from an authenticator app that has scanned this:

${await qrcode.toString(uri, { type: "terminal", small: true })}
                  or that was given the secret ${new URL(uri).searchParams.get("secret")}

  Trust the certificates of this stack: import its root into your browser, or give it to a command:
    npm run --silent pulumi -- stack output caCertificate --stack ${DEV_STACK} > ca.pem
    curl --cacert ca.pem --resolve ${new URL(outputs.cloudUrl!).host}:127.0.0.1 ${outputs.cloudUrl}/.well-known/openid-configuration

  Take it down again, with its data:
    npm run dev:down
`);
        say(running);
    });
}

runMain(main);
