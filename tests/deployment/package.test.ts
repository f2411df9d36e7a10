/**
 * The repository as a package, on a real engine: the example in TypeScript with its two clouds, and the plugin, which makes a cloud for
 * a program in any language.
 */
import assert from "node:assert/strict";
import { accessSync, constants, cpSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";

import schema from "../../plugin/schema.json";
import { pulumiCommand } from "../../operations/pulumi";
import { ROOT } from "../../system/folders";
import { Ended, run } from "../../system/run";
import { installedExample } from "../example";
import { Browser } from "../../client/browser";
import { describeOn } from "./pairs";
import { discover, WEB } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { Stack } from "./stack";

/** Planted as the digest of a password; must not be seen anywhere outside the files. */
const CANARY_DIGEST = "$argon2id$v=19$m=65536,t=3,p=4$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E";

/** Planted as a password that a program gives as a plain text. */
const CANARY_PASSWORD = "canary-of-the-mail-server";

function succeeded({ code, text }: Ended): void {
    assert.equal(code, 0, text);
}

/** That ownCloud and its issuer answer with certificates that `ca` certifies. */
async function answers(cloudUrl: string, ca: string): Promise<void> {
    const browser = new Browser(ca);
    try {
        const found = await discover(browser, cloudUrl, WEB);
        assert.equal(found.serverMetadata().issuer, cloudUrl.replace("owncloud.", "auth."));
    } finally {
        await browser.close();
    }
}

describeOn({ tier: "once" }, "the example in TypeScript", (images) => {
    let stack: Stack;

    before(async () => {
        stack = new Stack("test-package", (await installedExample("package-example")).program);
        await stack.create({ familyPort: await freePort(), clubPort: await freePort(), images });
    });

    after(() => stack.destroy());

    test("its two clouds come up in one stack, and each answers over verified TLS", async () => {
        await stack.up();
        const clouds = await stack.output<Record<string, { cloudUrl: string; caCertificate: string }>>("clouds");
        assert.deepEqual(Object.keys(clouds).sort(), ["club", "family"]);
        for (const { cloudUrl, caCertificate } of Object.values(clouds)) {
            await answers(cloudUrl, caCertificate);
        }
        assert.notEqual(clouds.club!.caCertificate, clouds.family!.caCertificate);
    });

    test("preview after up expects no change", async () => {
        succeeded(await stack.operate("preview", ["--expect-no-changes"]));
    });
});

describeOn({ tier: "once" }, "the plugin", (images) => {
    let stack: Stack;
    let args: Record<string, unknown>;

    before(async () => {
        await installedExample("package-plugin"); // compiles the plugin
        stack = new Stack("test-plugin", join(ROOT, "tests", "deployment", "remote-cloud"));
        args = {
            domain: "plugin.localhost",
            address: "127.0.0.1",
            httpsPort: await freePort(),
            httpPort: 0,
            tls: { mode: "private-ca" },
            keepData: false,
            lifespans: { accessToken: "1 day" },
            users: { alice: { displayName: "Alice", email: "alice@example.com" } },
            smtp: {
                address: "submissions://mail.example.com",
                sender: "cloud@example.com",
                user: "cloud",
                password: CANARY_PASSWORD,
            },
            images,
        };
        await stack.create({ args, digest: CANARY_DIGEST });
    });

    after(() => stack.destroy());

    /** By an executable around the plugin: a folder's npm packages the command would first install anew. */
    async function getSchema(): Promise<typeof schema> {
        const { path, environment } = await pulumiCommand(() => undefined);
        // Not in this repository's folder, which is a project and a package at once, and neither for `pulumi package`.
        const { program: folder } = await installedExample("package-schema");
        const executable = join(folder, "pulumi-resource-ocis-authelia");
        const runner = require.resolve("@pulumi/pulumi/cmd/run-plugin");
        writeFileSync(executable, `#!/bin/sh\nexec node ${runner} ${ROOT} "$@"\n`, { mode: 0o755 });
        const said = await run(path, ["package", "get-schema", executable], { cwd: folder, env: environment });
        return JSON.parse(said) as typeof schema;
    }

    test("the command line interface reads the schema from it, and finds nothing to object to", async () => {
        const found = await getSchema();
        const cloud = "ocis-authelia:index:Cloud";
        assert.deepEqual(Object.keys(found.resources), [cloud]);
        const keys = ({ resources }: typeof schema) => Object.keys(resources[cloud].inputProperties).sort();
        assert.deepEqual(keys(found), keys(schema));
    });

    test("a preview shows no secret", async () => {
        const { code, text } = await stack.operate("preview", ["--diff"]);
        assert.equal(code, 0, text);
        assert.match(text, /configuration\.yml/);
        assert.ok(!text.includes(CANARY_DIGEST) && !text.includes(CANARY_PASSWORD), text);
    });

    test("every wrong argument is named, by one run, with nothing about a command line", async () => {
        stack.configure({ args: { ...args, domain: "localhost", httpsPort: 0 }, digest: "canary" });
        const { code, text } = await stack.operate("preview");
        stack.configure({ args, digest: CANARY_DIGEST });
        assert.notEqual(code, 0);
        for (const path of ["domain", "httpsPort"]) {
            assert.match(text, new RegExp(`${path}: .* cannot be used\\. Allowed:`), text);
        }
        assert.doesNotMatch(text, /config set|canary/);
    });

    test("a cloud comes up and answers, its secrets are secrets in the state, and nothing changes after it", async () => {
        await stack.up();
        await answers(await stack.output("cloudUrl"), await stack.output("caCertificate"));
        assert.deepEqual(Object.keys(await stack.output<object>("initialPasswords")), ["alice"]);
        const { stdout: state } = await stack.succeed("stack", "export");
        assert.ok(!state.includes("Y2FuYXJ5") && !state.includes(CANARY_PASSWORD));
        succeeded(await stack.operate("preview", ["--expect-no-changes"]));
    });
});

/** Whether an executable is on PATH, as the command line interface has it. */
function isThere(name: string, path: string): boolean {
    return path.split(delimiter).some((folder) => {
        try {
            accessSync(join(folder, name), constants.X_OK);
            return true;
        } catch {
            return false;
        }
    });
}

for (const language of ["python", "go"]) {
    test(`pulumi package add, and a preview of the example in ${language}`, { timeout: 20 * 60_000 }, async (t) => {
        const { path, environment } = await pulumiCommand(() => undefined);
        const host = `pulumi-language-${language}`;
        if (!isThere(host, `${dirname(path)}${delimiter}${environment.PATH}`)) {
            t.skip(`${host} is neither on PATH nor beside Pulumi's command line interface`);
            return;
        }
        const folder = join(ROOT, ".cache", "tests", `package-${language}`);
        const [program, sources] = [join(folder, "program"), join(folder, "ocis-authelia")];
        rmSync(folder, { recursive: true, force: true });
        cpSync(join(ROOT, "examples", language), program, { recursive: true });
        // A copy, because Pulumi installs its npm packages without those for development.
        const own = /^(node_modules|bin|\.(cache|state|git))$/;
        cpSync(ROOT, sources, { recursive: true, filter: (file) => !own.test(relative(ROOT, file)) });
        const options = { cwd: program, env: environment };
        await run(path, ["package", "add", sources], options);
        await run(path, ["install"], options);
        const stack = new Stack(`test-${language}`, program);
        await stack.create({});
        succeeded(await stack.operate("preview"));
        await stack.destroy();
    });
}
