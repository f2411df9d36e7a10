/**
 * The official download of Pulumi's command line interface, from a server of this test in the place of Pulumi's: what was published is
 * taken, anything else is refused, and then the next way is gone. Each case runs in a copy of the repository in which nothing was
 * downloaded or built before, as its own process, which trusts the authority of this test. The real archives are not downloaded.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
    chmodSync,
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { createServer, Server } from "node:https";
import { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { version as sdkVersion } from "@pulumi/pulumi/package.json";

import { RELEASE } from "../../operations/pulumi";
import { ROOT } from "../../system/folders";
import { attempt, run } from "../../system/run";
import { Authority } from "../authority";

let folder: string;
let authority: Authority;
let server: Server;
let archive: Buffer;
let url: string;

before(async () => {
    folder = mkdtempSync(join(tmpdir(), "download-"));
    authority = new Authority();
    writeFileSync(join(folder, "root.pem"), authority.root);
    const program = join(folder, "pulumi", "pulumi");
    mkdirSync(dirname(program));
    writeFileSync(program, `#!/bin/sh\necho v${RELEASE.version}\n`);
    chmodSync(program, 0o755);
    await run("tar", ["-czf", "archive.tar.gz", "pulumi"], { cwd: folder });
    archive = readFileSync(join(folder, "archive.tar.gz"));
    const { certificate, key } = authority.issue("DNS:localhost");
    server = createServer({ cert: certificate, key }, (_, answer) => answer.end(archive));
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}/pulumi.tar.gz`;
});

after(() => {
    server.close();
    authority.close();
    rmSync(folder, { recursive: true });
});

/** Looks for a command line interface in a fresh copy of the repository, on a machine that has neither Pulumi nor Go. */
async function look(published: string) {
    const copy = mkdtempSync(join(folder, "copy-"));
    const files = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
    files.split("\n").forEach((file) => cpSync(join(ROOT, file), join(copy, file)));
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const bin = join(copy, "bin");
    mkdirSync(bin);
    for (const tool of ["tar", "gzip", "sh"]) {
        symlinkSync(await run("sh", ["-c", `command -v ${tool}`]), join(bin, tool));
    }
    const program =
        'require("./operations/pulumi").commandLine(console.log, JSON.parse(process.argv[1]))' +
        ".then(({ path }) => console.log(path), (error) => { console.log(error.message); process.exitCode = 1; })";
    const args = ["--require", "./system/typescript.cjs", "-e", program, JSON.stringify({ url, sha256: published })];
    const env = { PATH: bin, NODE_EXTRA_CA_CERTS: join(folder, "root.pem") };
    return { ...(await attempt(process.execPath, args, { cwd: copy, env })), downloads: join(copy, ".cache", "pulumi") };
}

test("the sums are those of the SDK's own release", () => assert.equal(RELEASE.version, sdkVersion));

test("what was published is taken", async () => {
    const { code, stdout, text, downloads } = await look(createHash("sha256").update(archive).digest("hex"));
    assert.equal(code, 0, text);
    assert.equal(stdout.trim().split("\n").at(-1), join(downloads, sdkVersion, "bin", "pulumi"));
});

test("anything else is refused, nothing is left of it, and the next way is gone: a build, which asks for Go", async () => {
    const { code, text, downloads } = await look(RELEASE.sums["linux-x64"]!);
    assert.equal(code, 1, text);
    assert.match(text, /not possible here: https:\/\/localhost:\d+\/pulumi\.tar\.gz is refused: its SHA-256 is [0-9a-f]{64}/);
    assert.match(text, /building it needs Go/);
    assert.equal(existsSync(downloads), false);
});

test("so is a server that does not identify itself", async () => {
    const trusted = url;
    url = url.replace("localhost", "127.0.0.1");
    const { code, text } = await look(createHash("sha256").update(archive).digest("hex")).finally(() => (url = trusted));
    assert.equal(code, 1, text);
    assert.match(text, /not possible here: https:\/\/127\.0\.0\.1:\d+\/pulumi\.tar\.gz: .*altnames/);
    assert.match(text, /building it needs Go/);
});
