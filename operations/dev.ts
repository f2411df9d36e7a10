/**
 * `npm run dev`: brings up the dev stack on this machine and says how to sign in. Sees to what is missing first: a Docker
 * Engine, the Pulumi command line interface, the images. Run again, it changes nothing and says the same.
 */
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import * as qrcode from "qrcode";

import { ensureEngine } from "./engine";
import { chooseImages, describeImages, Images, rememberedImages, rememberImages } from "./images";
import { Cure, pulumiCommand, PulumiCommand, withStackFile } from "./pulumi";

/** The stack, and the demo user of its file. */
const STACK = "dev";
const USER = "demo";

const say = (line: string) => console.log(line);

/** Runs Pulumi with its output shown; ends this program where it fails, because Pulumi has said why. */
function show({ path, environment }: PulumiCommand, ...args: string[]): Promise<void> {
    return new Promise((resolve, reject) => {
        const child = spawn(path, args, { env: environment, stdio: "inherit" });
        child.on("error", reject);
        child.on("exit", (code) => (code === 0 ? resolve() : process.exit(code ?? 1)));
    });
}

/** What Pulumi prints. */
async function ask({ path, environment }: PulumiCommand, ...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(path, args, { env: environment });
    return stdout;
}

/** The images that the stack's file names, which nothing here overrides. */
async function configuredImages(pulumi: PulumiCommand): Promise<Partial<Images>> {
    const config = JSON.parse(await ask(pulumi, "config", "--json", "--stack", STACK)) as Record<string, { value?: string }>;
    return JSON.parse(config["ocis-authelia:images"]?.value ?? "{}") as Partial<Images>;
}

/**
 * The demo user's second factor as a URI for authenticator apps, enrolled by Authelia's own command unless it is already.
 */
async function enrol(): Promise<string> {
    const authelia = async (...args: string[]) => {
        const command = ["exec", `ocis-authelia-${STACK}-authelia`, "authelia", "storage", "user", "totp", ...args];
        return (await promisify(execFile)("docker", command)).stdout;
    };
    const mine = new RegExp(`otpauth://totp/[^\\s:]+:${USER}\\?[^\\s']+`);
    // Without any enrolment the export fails, so ask by generating: an existing one is refused, and then exported.
    const generated = await authelia("generate", USER).catch(() => undefined);
    const [uri] = mine.exec(generated ?? (await authelia("export", "uri"))) ?? [];
    if (uri === undefined) {
        throw new Cure(`Authelia did not say the second factor of ${USER}; its log: docker logs ocis-authelia-${STACK}-authelia`);
    }
    return uri;
}

async function main(): Promise<void> {
    await ensureEngine(say);
    const command = await pulumiCommand(say);
    await withStackFile(STACK, async () => {
        const stacks = JSON.parse(await ask(command, "stack", "ls", "--json")) as { name: string }[];
        if (!stacks.some(({ name }) => name === STACK || name.endsWith(`/${STACK}`))) {
            await show(command, "stack", "init", STACK, "--non-interactive");
        }
        const configured = await configuredImages(command);
        const images = { ...((await rememberedImages(STACK)) ?? (await chooseImages(configured, say))), ...configured };
        await rememberImages(STACK, images);
        const running = `This stack runs ${describeImages(images)}.`;
        say(running);
        await show(await pulumiCommand(say), "up", "--stack", STACK, "--yes", "--skip-preview", "--non-interactive");

        const outputs = JSON.parse(await ask(command, "stack", "output", "--json", "--stack", STACK)) as Record<string, string>;
        const uri = await enrol();
        const cloud = new URL(outputs.cloudUrl!);
        say(`
  ownCloud        ${outputs.cloudUrl}
  Authelia        ${outputs.portalUrl}
  sign in as      ${USER}
  the password    npm run --silent pulumi -- stack output initialPasswords --show-secrets --stack ${STACK}
  the code        from an authenticator app that has scanned this:

${await qrcode.toString(uri, { type: "terminal", small: true })}
                  or that was given the secret ${new URL(uri).searchParams.get("secret")}

  Trust the certificates of this stack: import its root into your browser, or give it to a command:
    npm run --silent pulumi -- stack output caCertificate --stack ${STACK} > ca.pem
    curl --cacert ca.pem --resolve ${cloud.host}:127.0.0.1 ${outputs.cloudUrl}/.well-known/openid-configuration

  Take it down again, with its data:
    npm run dev:down
`);
        say(running);
    });
}

main().catch((error: unknown) => {
    console.error(error instanceof Cure ? error.message : error);
    process.exit(1);
});
