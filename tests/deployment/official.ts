/**
 * Images that hold what the official ones hold of what the program uses inside a container: a shell, busybox, the server. Where the
 * images at hand are the official ones they are taken as they are. Where they were built from sources, each is made over.
 *
 * Exact: which of the names on PATH are busybox's, a busybox that prefers a program on PATH to an applet of the same name, entry points,
 * users, environments, declared volumes; in Authelia's from 4.39 on (a chiselled Ubuntu) GNU wget in the place of busybox's, without a
 * library that it needs, as on ARM up to 4.39.27; in Caddy's the file capability of the binary.
 *
 * Not exact: busybox and glibc are Debian's, where Authelia's are Ubuntu's and those of 4.38, oCIS and Caddy are Alpine's, with musl;
 * GNU wget lacks another library than there; nothing is here of what the program does not use (su-exec, curl, bash, vips and more).
 *
 * Source: authelia/baseimage at 3a29f46, and the Dockerfiles of Authelia, of oCIS (ocis/docker) and of caddyserver/caddy-docker (2.11).
 */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ImageNames } from "../../operations/images";
import { ROOT } from "../../system/folders";
import { attempt, run } from "../../system/run";
import { unpack } from "./debian";
import { isEarlyAuthelia } from "./pairs";

/** Why there can be none here; undefined where there can. */
export const NO_OFFICIAL_IMAGES = existsSync("/usr/bin/apt-get") ? undefined : "needs Debian's packages of busybox and wget";

/** Whether an image names its distribution, which none that was built from sources alone does. */
async function isOfficial(image: string): Promise<boolean> {
    return (await attempt("docker", ["run", "--rm", "--entrypoint", "/bin/sh", image, "-c", "cat /etc/os-release"])).code === 0;
}

/** Lays Debian's packages over an image, and does `more`, unless it is the official one. */
async function makeOver(image: string, packages: readonly string[], ...more: readonly string[]): Promise<string> {
    if (await isOfficial(image)) {
        return image;
    }
    const name = image.replace(/^.*\/([^/]*)$/, "official-test/$1");
    const cache = join(ROOT, ".cache", "tests", "official", packages.join("-"));
    mkdirSync(cache, { recursive: true });
    const root = await unpack(packages, cache);
    rmSync(join(root, "usr", "share"), { recursive: true, force: true }); // documents
    const dockerfile = [`FROM ${image}`, "COPY . /", ...more].join("\n");
    await run("docker", ["build", "--quiet", "--tag", name, "--file", "-", root], { input: dockerfile });
    return name;
}

/** Images like the official ones, made of `images` on the engine that `docker` talks to. */
export async function officialImages(images: ImageNames): Promise<ImageNames> {
    const alpine = ["busybox", "libc6"];
    const chiselled = !isEarlyAuthelia(images);
    return {
        authelia: await makeOver(images.authelia, [...alpine, ...(chiselled ? ["wget"] : [])]),
        ocis: await makeOver(images.ocis, alpine),
        caddy: await makeOver(
            images.caddy,
            [...alpine, "libcap2", "libcap2-bin"],
            'RUN ["/sbin/setcap", "cap_net_bind_service=+ep", "/usr/bin/caddy"]',
        ),
    };
}
