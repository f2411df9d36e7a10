/**
 * Images as an operator names them who wants to know exactly what runs: by digest; and how an image that was built anew under its
 * old tag reaches a stack. They come from a registry of the test's own, Debian's docker-registry on the loopback.
 */
import assert from "node:assert/strict";
import { ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stringify } from "yaml";

import { ImageNames } from "../../operations/images";
import { ROOT } from "../../system/folders";
import { attempt } from "../../system/run";
import { Cloud, usersCalled } from "./cloud";
import { unpack } from "./debian";
import { describeOn } from "./pairs";
import { freePort } from "../../system/free-port";
import { buildImage, docker, dockerLines, listening, stop } from "./stack";

const FOLDER = join(ROOT, ".cache", "tests", "registry");

describeOn({ tier: "once" }, "images by digest", (images) => {
    let folder: string;
    let registry: ChildProcess;
    let host: string;
    let pinned: ImageNames;
    let cloud: Cloud;

    before(async () => {
        mkdirSync(FOLDER, { recursive: true });
        const root = await unpack(["docker-registry"], FOLDER);
        folder = mkdtempSync(join(FOLDER, "run-"));
        const port = await freePort();
        host = `127.0.0.1:${port}`;
        const configuration = {
            version: 0.1,
            storage: { filesystem: { rootdirectory: folder } },
            http: { addr: host },
        };
        const file = join(folder, "configuration.yml");
        writeFileSync(file, stringify(configuration));
        // Its log calls an error whatever is not there yet; what fails is said by the engine.
        registry = spawn(join(root, "usr", "bin", "docker-registry"), ["serve", file], { stdio: "ignore" });
        await listening(registry, port);
        const [authelia, ocis, caddy] = await Promise.all([images.authelia, images.ocis, images.caddy].map(publish));
        pinned = { authelia: authelia!.pinned, ocis: ocis!.pinned, caddy: caddy!.pinned };
        cloud = await Cloud.up("test-images", { images: pinned, users: usersCalled(["alice"]) });
    });

    after(async () => {
        await cloud.down();
        await stop(registry);
        for (const format of ["{{.Repository}}:{{.Tag}}", "{{.Repository}}@{{.Digest}}"]) {
            const names = await dockerLines("image", "ls", "--digests", "--filter", `reference=${host}/*`, "--format", format);
            await docker("image", "rm", ...names.filter((name) => !name.endsWith("<none>")));
        }
        rmSync(folder, { recursive: true });
    });

    /** Puts an image into the registry under its own tag. @returns Its name there, and with the digest. */
    const publish = async (image: string) => {
        const name = `${host}/${image.split("/").pop()}`;
        await docker("tag", image, name);
        await docker("push", "--quiet", name);
        const digests = JSON.parse(await docker("image", "inspect", name, "--format", "{{json .RepoDigests}}")) as string[];
        const digest = digests.find((each) => each.startsWith(`${host}/`))!.split("@")[1]!;
        return { name, pinned: `${name}@${digest}` };
    };

    const running = (container: string) => docker("inspect", `${cloud.stack.prefix}${container}`, "--format", "{{.Image}}");
    const idOf = (image: string) => docker("image", "inspect", image, "--format", "{{.Id}}");

    test("a cloud of three digests comes up, runs just those images, and changes nothing at the next run", async () => {
        assert.deepEqual(await cloud.stack.output("images"), pinned);
        await cloud.expectNoChange();
        assert.equal(await running("authelia"), await idOf(images.authelia));
        assert.equal(await running("ocis"), await idOf(images.ocis));
        assert.equal(await running("edge"), await idOf(images.caddy));
    });

    test("a digest that no registry has is refused with the cure, and everything goes on running", async () => {
        const before = await running("edge");
        const wrong = `${host}/caddy:2.11.9@sha256:${"0".repeat(64)}`;
        cloud.stack.configure({ ...cloud.settings, images: { ...images, caddy: wrong } });
        const { code, text } = await cloud.stack.operate("up", ["--target", "**edge**"]);
        assert.notEqual(code, 0);
        assert.match(text, new RegExp(`The image ${wrong} cannot be had`));
        assert.equal(await running("edge"), before);
    });

    test("an image that was built anew under its tag reaches the stack by docker pull and up --refresh", async () => {
        const { name } = await publish(images.caddy);
        await cloud.change({ images: { ...images, caddy: name } });
        await buildImage(name, `FROM ${images.caddy}\nLABEL rebuilt=true\n`);
        await docker("push", "--quiet", name);
        const rebuilt = await idOf(name);
        await docker("tag", images.caddy, name); // as on an engine that has not pulled since
        await cloud.expectNoChange();

        await docker("pull", "--quiet", name);
        const { code, text } = await cloud.stack.operate("up", ["--refresh"]);
        assert.equal(code, 0, text);
        assert.equal(await running("edge"), rebuilt);
        const { code: ended } = await attempt("docker", ["image", "inspect", name]);
        assert.equal(ended, 0, "an image is never taken from the engine");
        await cloud.expectNoChange();
    });
});
