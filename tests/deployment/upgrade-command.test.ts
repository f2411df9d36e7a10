/**
 * `npm run upgrade` on a stack with data: it shows the way, goes it one line at a time, looks at each step as a client does, and puts the
 * backup back where a release does not start. Real servers of exactly these releases.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { AUTHELIA, imageOf, OCIS } from "../../versions";
import { attempt } from "../../system/run";
import { DESKTOP, Session } from "../../client/relying-party";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { buildImage, docker } from "./stack";

const FIRST = { authelia: imageOf(AUTHELIA.image, "4.39.20"), ocis: imageOf(OCIS.image, "7.3.1") };
const LAST = { authelia: imageOf(AUTHELIA.image, "4.39.21"), ocis: imageOf(OCIS.image, "8.2.0") };
const BETWEEN = imageOf(OCIS.image, "8.0.0");
/** A patch that does not start. */
const BROKEN = imageOf(OCIS.image, "8.2.99");

const FILE = "/remote.php/webdav/letter.txt";

describeOn({ tier: "drill", real: true }, "npm run upgrade", ({ caddy }) => {
    const folder = mkdtempSync(join(tmpdir(), "upgrade-test-"));
    let missing: string | undefined;
    let cloud: Cloud;
    let desktop: Session;

    /** Runs the command, and returns what it printed. */
    async function upgrade(...args: string[]) {
        const { code, stdout, text } = await cloud.stack.command("upgrade", "--json", ...args);
        return {
            code,
            text,
            data: (stdout.startsWith("{") ? JSON.parse(stdout) : {}) as { steps?: { image: string }[]; fault?: string },
        };
    }
    const repository = () => ["--repository", join(folder, "repository"), "--password-file", join(folder, "password")];

    /** Whether a server runs an image, which a container names by its digest. */
    async function expectRunning(server: string, image: string) {
        const running = await docker("inspect", "--format", "{{.Image}}", `${cloud.stack.prefix}${server}`);
        assert.equal(running, await docker("image", "inspect", "--format", "{{.Id}}", image));
    }

    /** The file, the second factor and the apps' tokens are there. */
    async function expectEverything() {
        desktop = await desktop.refresh();
        assert.equal((await desktop.ask(FILE)).text, "of before");
        const bob = await cloud.signIn(cloud.credentials("bob"));
        assert.equal((await bob.me()).onPremisesSamAccountName, "bob");
    }

    before(async () => {
        for (const image of [...Object.values(FIRST), ...Object.values(LAST), BETWEEN]) {
            if ((await attempt("docker", ["image", "inspect", image])).code !== 0) {
                missing = `needs ${image}`;
                return;
            }
        }
        mkdirSync(join(folder, "repository"));
        writeFileSync(join(folder, "password"), "of the repository", { mode: 0o600 });
        cloud = await Cloud.up("test-upgrade-command", { images: { ...FIRST, caddy }, users: usersCalled(["alice", "bob"]) });
        await cloud.enrol(["alice", "bob"]);
        desktop = await cloud.signIn(cloud.credentials("alice"), DESKTOP);
        assert.equal((await desktop.ask(FILE, { method: "PUT", body: "of before" })).status, 201);
    });

    after(async () => {
        if (missing === undefined) {
            await cloud.down();
            await attempt("docker", ["image", "rm", "--force", BROKEN]);
        }
        rmSync(folder, { recursive: true });
    });

    const step = (name: string, work: () => Promise<void>) =>
        void test(name, (context) => (missing === undefined ? work() : context.skip(missing)));

    step("the way is shown, no line is left out, and nothing is touched", async () => {
        const { code, data, text } = await upgrade("--plan", "--authelia", "4.39.21", "--ocis", "8.2.0");
        assert.equal(code, 0, text);
        assert.deepEqual(
            data.steps?.map(({ image }) => image),
            [LAST.authelia, BETWEEN, LAST.ocis],
        );
        await expectRunning("ocis", FIRST.ocis);
    });

    step("a step back, a release that is not known and a missing repository are refused", async () => {
        for (const [args, expected] of [
            [["--ocis", "7.0.0"], /--ocis is 7\.0\.0, and the data are of 7\.3\.1.*Nothing was changed/],
            [["--ocis", "9.9.9"], /--ocis is 9\.9\.9: its tag .*must name a supported release/],
            [["--yes"], /--repository and --password-file are needed/],
        ] as const) {
            const { code, text } = await upgrade(...args);
            assert.equal(code, 1, text);
            assert.match(text, expected);
        }
        await expectRunning("ocis", FIRST.ocis);
    });

    step("it goes all the way, and everything is there", async () => {
        const wanted = ["--authelia", "4.39.21", "--ocis", "8.2.0", "--user", "alice"];
        assert.equal((await cloud.stack.command("backup", "--init", ...repository())).code, 0);
        const { code, text } = await upgrade("--yes", ...wanted, ...repository());
        assert.equal(code, 0, text);
        await expectRunning("authelia", LAST.authelia);
        await expectRunning("ocis", LAST.ocis);
        await expectEverything();
    });

    step("a release that does not start is taken back, and what was there before it is there again", async () => {
        await buildImage(BROKEN, `FROM ${LAST.ocis}\nENTRYPOINT ["/bin/false"]\nCMD []`);
        const { code, text, data } = await upgrade("--yes", "--authelia", "4.39.21", "--ocis", "8.2.99", ...repository());
        assert.equal(code, 1);
        assert.match(data.fault ?? "", /did not become ready: it ended/, text);
        await expectRunning("ocis", LAST.ocis);
        await expectEverything();
    });
});
