/**
 * `npm run dev`: brings up the dev stack on this machine and says how to sign in. Sees to what is missing first: a Docker
 * Engine, the Pulumi command line interface, the images. Run again, it changes nothing and says the same.
 */
import { runMain } from "../system/failure";
import { run } from "../system/run";
import { ensureEngine } from "./engine";
import { chooseImages, describeImages, ImageNames, rememberedImages, rememberImages } from "./images";
import { PROJECT } from "./project";
import { DEV_STACK, PulumiCommand, pulumiCommand, runPulumi, withStackFile } from "./pulumi";
import { enrolled, printSecondFactor } from "./second-factor";
import { StackOnEngine } from "./stack-on-engine";

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
        const uri = await enrolled(new StackOnEngine(DEV_STACK).server("authelia"), USER);
        say(`
  ownCloud        ${outputs.cloudUrl}
  Authelia        ${outputs.portalUrl}
  sign in as      ${USER}
  the password    npm run --silent pulumi -- stack output initialPasswords --show-secrets --stack ${DEV_STACK}
  the code        from an authenticator app that has scanned this:

${await printSecondFactor(uri)}

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
