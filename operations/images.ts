/**
 * Which images a stack on this machine runs: the default ones where they are here or can be pulled; else the newest supported
 * release that is here; else the stand-in. Caddy is real everywhere: without its image it is built from Go modules. What was
 * chosen for a stack is remembered, so that a later run never swaps a server under its data.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { BUILT_IMAGES, BUILT_REPOSITORY, ensureImage } from "../offline/images";
import { STATE } from "../system/folders";
import { attempt, run } from "../system/run";
import { AUTHELIA, CADDY_IMAGE, Line, OCIS, releaseOf, Releases, RESTIC_IMAGE } from "../versions";

/** Names of the images of one stack, by the keys of its configuration. */
export interface ImageNames {
    readonly authelia: string;
    readonly ocis: string;
    readonly caddy: string;
}

/** The servers that have releases; Caddy is chosen by its image alone. */
const SERVERS: Readonly<Record<"authelia" | "ocis", Releases<Line>>> = { authelia: AUTHELIA, ocis: OCIS };

/** What was chosen, by stack. */
const RECORD = join(STATE, "images.json");

/** What was chosen for the stacks of this machine. */
export function rememberedImages(): Record<string, ImageNames> {
    return existsSync(RECORD) ? (JSON.parse(readFileSync(RECORD, "utf8")) as Record<string, ImageNames>) : {};
}

/** Remembers what was chosen for a stack. */
export function rememberImages(stack: string, images: ImageNames): void {
    mkdirSync(STATE, { recursive: true, mode: 0o700 });
    writeFileSync(RECORD, `${JSON.stringify({ ...rememberedImages(), [stack]: images }, null, 4)}\n`);
}

/** Forgets what was chosen for a stack that is no more. */
export function forgetImages(stack: string): void {
    const { [stack]: forgotten, ...others } = rememberedImages();
    if (forgotten !== undefined) {
        writeFileSync(RECORD, `${JSON.stringify(others, null, 4)}\n`);
    }
}

/** Whether a name is that of a stand-in, which is no product. */
export function isStandIn(image: string): boolean {
    return image.startsWith(`${BUILT_REPOSITORY}/`);
}

/** "Authelia 4.39.20 (authelia/authelia:4.39.20), the stand-in for oCIS 8.0.5 and Caddy (caddy:2.11)". */
export function describeImages({ authelia, ocis, caddy }: ImageNames): string {
    const server = (name: keyof typeof SERVERS, image: string) => {
        const { title } = SERVERS[name];
        const { version } = releaseOf(SERVERS[name], image);
        return isStandIn(image) ? `the stand-in for ${title} ${version}` : `${title} ${version} (${image})`;
    };
    return `${server("authelia", authelia)}, ${server("ocis", ocis)} and Caddy (${caddy})`;
}

/** Whether the engine has an image. */
async function isLocal(image: string): Promise<boolean> {
    return (await run("docker", ["image", "ls", "--quiet", image])) !== "";
}

/** Supported releases of a server that the engine has under the official name, newest first. */
export async function localReleases(name: keyof typeof SERVERS): Promise<string[]> {
    const server = SERVERS[name];
    const repository = server.image.split(":")[0]!;
    const tags = (await run("docker", ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository])).split("\n");
    const supported = tags.filter((image) => {
        try {
            return releaseOf(server, image) !== undefined;
        } catch {
            return false; // "latest", "<none>" or a release outside the table: not one that could be chosen
        }
    });
    return supported.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
}

/** Whether an image is here, or now is because it was pulled; says why it cannot be. */
export async function isAtHand(image: string, say: (line: string) => void): Promise<boolean> {
    if (await isLocal(image)) {
        return true;
    }
    say(`Pulling ${image} …`);
    const { code, stderr } = await attempt("docker", ["pull", "--quiet", image]);
    if (code !== 0) {
        say(`  not possible here: ${stderr.trim()}`);
    }
    return code === 0;
}

async function chooseServer(name: keyof typeof SERVERS, say: (line: string) => void): Promise<string> {
    const { image } = SERVERS[name];
    if (await isAtHand(image, say)) {
        return image;
    }
    const [newest] = await localReleases(name);
    if (newest !== undefined) {
        return newest;
    }
    await ensureImage(name, say);
    return BUILT_IMAGES[name];
}

/** What is real everywhere, by its official image. */
const REAL_EVERYWHERE = { caddy: CADDY_IMAGE, restic: RESTIC_IMAGE } as const;

/** The image of Caddy or restic: the official one, or the same program built from Go modules. */
export async function chooseReal(program: keyof typeof REAL_EVERYWHERE, say: (line: string) => void): Promise<string> {
    const official = REAL_EVERYWHERE[program];
    // Once it was built nothing is pulled any more, or a machine without a registry would wait for one at each run.
    if (!(await isLocal(BUILT_IMAGES[program])) && (await isAtHand(official, say))) {
        return official;
    }
    await ensureImage(program, say);
    return BUILT_IMAGES[program];
}

/** The pair of stand-ins, built where they are missing. */
export async function standIns(say: (line: string) => void): Promise<Pick<ImageNames, "authelia" | "ocis">> {
    await ensureImage("authelia", say);
    await ensureImage("ocis", say);
    return { authelia: BUILT_IMAGES.authelia, ocis: BUILT_IMAGES.ocis };
}

/**
 * Chooses the images for a new stack, pulling or building what is missing.
 *
 * @param configured What the stack's configuration names, which is taken as it is.
 * @param say Takes one line about what is done.
 */
export async function chooseImages(configured: Partial<ImageNames>, say: (line: string) => void): Promise<ImageNames> {
    return {
        authelia: configured.authelia ?? (await chooseServer("authelia", say)),
        ocis: configured.ocis ?? (await chooseServer("ocis", say)),
        caddy: configured.caddy ?? (await chooseReal("caddy", say)),
    };
}
