/** The policy pack, run by the real command line interface: what this program plans passes, and a softened plan is refused before anything is made. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { ROOT } from "../../system/folders";
import { usersCalled, withDefaults } from "./cloud";
import { NO_ENGINE, pairsOfThisRun } from "./pairs";
import { Stack } from "./stack";

const PACK = ["--policy-pack", join(ROOT, "policy")];

describe("policy pack", { skip: NO_ENGINE, timeout: 10 * 60_000 }, () => {
    const own = new Stack("test-policy");
    const softened = new Stack("test-softened", join(ROOT, "tests", "deployment", "softened-cloud"));

    before(async () => {
        const settings = await withDefaults({ images: pairsOfThisRun()[0]!, users: usersCalled(["alice"]) });
        await own.create({ ...settings, keepData: true });
        await softened.create({ args: settings });
    });
    after(async () => {
        await own.destroy();
        await softened.destroy();
    });

    test("what this program plans passes", async () => {
        const { code, text } = await own.operate("preview", PACK);
        assert.equal(code, 0, text);
        assert.match(text, /Policies:[^]*ocis-authelia/);
    });

    test("a softened container, a further published port, an image without a version and unprotected data are refused by name", async () => {
        const { code, text } = await softened.operate("preview", PACK);
        assert.notEqual(code, 0, text);
        for (const violation of [
            /cloud-ocis: capabilities\.drops lacks "ALL"/,
            /cloud-ocis: user is root/,
            /cloud-ocis publishes ports 9200/,
            /cloud-edge-image takes caddy:latest/,
            /cloud-authelia-data is not protected.*keepData: true/,
            /cloud-secrets-authelia-storage-encryption is not protected/,
        ]) {
            assert.match(text, violation);
        }
    });
});
