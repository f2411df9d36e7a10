/** The stack's own page, of its template and what a stack knows of itself. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { stackReadme } from "../../readme";
import { ROOT } from "../../system/folders";

const template = readFileSync(join(ROOT, "Pulumi.README.md"), "utf8");

const outputs = {
    cloudUrl: "https://owncloud.example.com",
    portalUrl: "https://auth.example.com",
    versions: { authelia: "4.39.20", ocis: "8.2.0" },
    containers: { authelia: "cloud-prod-authelia", ocis: "cloud-prod-ocis" },
};

test("the page has the stack's URLs and commands, and nothing is left to fill in", () => {
    const page = stackReadme(template, { outputs, command: "npm run pulumi --", stack: "prod" });
    assert.match(page, /https:\/\/owncloud\.example\.com/);
    assert.match(page, /`npm run pulumi -- up --stack prod`/);
    assert.match(page, /docker exec cloud-prod-authelia authelia/);
    assert.ok(!page.includes("${"));
});

test("a name that the stack does not know is a fault of the template", () => {
    assert.throws(() => stackReadme("${outputs.nothing}", { outputs }), /there is no text outputs\.nothing/);
});
