/**
 * Which images a stack on this machine runs: the default ones where they are here or can be pulled; else the newest supported
 * release that is here; else the stand-in. Caddy is real everywhere: without its image it is built from Go modules.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { ensureImage, images as made } from "../rehearsal";
import { AUTHELIA, CADDY_IMAGE, OCIS, releaseOf } from "../versions";

const docker = async (...args: string[]) => (await promisify(execFile)("docker", args, { maxBuffer: 1 << 24 })).stdout;

/** Images of one stack, as its configuration names them. */
export interface Images {
    readonly authelia: string;
    readonly ocis: string;
    readonly caddy: string;
}

/** The servers that have releases; Caddy is chosen by its image alone. */
const SERVERS = { authelia: AUTHELIA, ocis: OCIS };

/** Whether a name is that of a stand-in, which is no product. */
export function isStandIn(image: string): boolean {
    return image === made.authelia || image === made.ocis;
}

/** "Authelia 4.39.20, oCIS 7.0.0 and Caddy (caddy:2.11)", with stand-ins called so. */
export function describeImages({ authelia, ocis, caddy }: Images): string {
    const server = (name: keyof typeof SERVERS, image: string) => {
        const { title } = SERVERS[name];
        const { version } = releaseOf<(typeof SERVERS)[typeof name]["lines"][number]>(SERVERS[name], image);
        return isStandIn(image) ? `the stand-in for ${title} ${version}` : `${title} ${version} (${image})`;
    };
    return `${server("authelia", authelia)}, ${server("ocis", ocis)} and Caddy (${caddy})`;
}

/** Whether the engine has an image. */
export async function isLocal(image: string): Promise<boolean> {
    return (await docker("image", "ls", "--quiet", image)).trim() !== "";
}

/** Supported releases of a server that the engine has under the official name, newest first. */
export async function localReleases(name: keyof typeof SERVERS): Promise<string[]> {
    const server = SERVERS[name];
    const repository = server.image.split(":")[0]!;
    const tags = (await docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository)).split("\n");
    const supported = tags.filter((image) => {
        try {
            return releaseOf<(typeof server)["lines"][number]>(server, image) !== undefined;
        } catch {
            return false; // "latest", "<none>" or a release outside the table: not one that could be chosen
        }
    });
    return supported.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
}

/** Pulls an image; says why it cannot. */
async function pull(image: string, report: (line: string) => void): Promise<boolean> {
    report(`pulling ${image} …`);
    try {
        await docker("pull", "--quiet", image);
        return true;
    } catch (error) {
        report(`${image} cannot be pulled: ${((error as { stderr?: string }).stderr ?? String(error)).trim()}`);
        return false;
    }
}

async function chooseServer(name: keyof typeof SERVERS, report: (line: string) => void): Promise<string> {
    const { image } = SERVERS[name];
    if ((await isLocal(image)) || (await pull(image, report))) {
        return image;
    }
    const [newest] = await localReleases(name);
    if (newest !== undefined) {
        return newest;
    }
    await ensureImage(name, { report });
    return made[name];
}

/** Caddy's image: the official one, or the same program built from Go modules. */
export async function chooseCaddy(report: (line: string) => void): Promise<string> {
    if ((await isLocal(CADDY_IMAGE)) || (await isLocal(made.caddy)) === false && (await pull(CADDY_IMAGE, report))) {
        return CADDY_IMAGE;
    }
    await ensureImage("caddy", { report });
    return made.caddy;
}

/**
 * Chooses the images for a new stack, pulling or building what is missing.
 *
 * @param report Takes one line of progress.
 */
export async function chooseImages(report: (line: string) => void): Promise<Images> {
    return {
        authelia: await chooseServer("authelia", report),
        ocis: await chooseServer("ocis", report),
        caddy: await chooseCaddy(report),
    };
}
