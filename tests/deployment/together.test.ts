/**
 * Everything that a key switches on, at once on one stack, as far as images are at hand: it comes up, is the same at a second look, and each
 * part does what it is for. How each behaves in detail is in tests of their own. `npm run test:options` also compares it with a stack that has
 * none of it.
 */
import assert from "node:assert/strict";
import { get, IncomingMessage } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";

import { Session } from "../../client/relying-party";
import { DRILLS } from "../../operations/drills-table";
import { freePort } from "../../system/free-port";
import { VIRUS, withSignature } from "./clamav";
import { Cloud, usersCalled } from "./cloud";
import { noteOptions } from "./drill";
import { imageAtHand } from "./image-at-hand";
import { describeOn } from "./pairs";
import { docker, Stack } from "./stack";
import { eventually } from "./waiting";
import { readText, tokenClient } from "./webdav";

const NAME = "test-together";

/** How often people sign in at each of two stacks. */
const TURNS = 10;

/** By the key that names it. */
const AT_HAND = {
    lldap: imageAtHand("lldap/lldap"),
    postgres: imageAtHand("postgres"),
    redis: imageAtHand("redis"),
    tika: imageAtHand("apache/tika"),
    clamav: imageAtHand("clamav/clamav"),
};

/** Nobody waits for codes: what takes time here are the servers. */
const ACCESS = { policy: "one_factor" };

describeOn({ tier: "once", real: true }, "everything together", (images) => {
    const { clamav, lldap, postgres, redis, tika } = AT_HAND;
    const user = lldap === undefined ? "alice" : "admin";
    let cloud: Cloud;
    let session: Session;
    let metricsPort: number;

    before(async () => {
        metricsPort = await freePort();
        const further = Object.fromEntries(Object.entries(AT_HAND).filter(([, image]) => image !== undefined));
        const up = Cloud.up(NAME, {
            images: { ...images, ...further },
            ...(lldap === undefined ? { users: usersCalled([user]) } : { directory: { mode: "lldap" } }),
            ...(postgres === undefined ? {} : { database: { mode: "postgres" } }),
            ...(redis === undefined ? {} : { sessions: { mode: "redis" } }),
            access: ACCESS,
            ...(tika === undefined ? {} : { fullTextSearch: true }),
            ...(clamav === undefined ? {} : { antivirus: { mode: "clamav" } }),
            quotas: { personal: "100 MiB" },
            looks: { name: "Example Cloud" },
            secondFactors: { accountLink: true, passkeys: "alone" },
            appTokens: true,
            metricsPort,
            secondAddress: "127.0.0.2",
            requestLogs: true,
        });
        cloud = await (clamav === undefined ? up : withSignature(new Stack(NAME), up));
        session = await cloud.signIn(cloud.credentials(user));
    });

    after(() => cloud?.down());

    const json = async (url: string) =>
        JSON.parse((await cloud.open().ask(url)).text) as Record<string, Record<string, unknown>>;

    test("it comes up, and a preview sees no change", async () => {
        await tokenClient(cloud, session).putFileContents("/kept.txt", "kept");
        assert.equal(await readText(tokenClient(cloud, session), "/kept.txt"), "kept");
        await cloud.expectNoChange();
        const { code, text } = await cloud.stack.command("status");
        assert.equal(code, 0, text);
    });

    test("each part does what it is for", async () => {
        const drive = JSON.parse((await session.ask("/graph/v1.0/me/drive")).text) as { quota: { total: number } };
        assert.equal(drive.quota.total, 100 * 1024 * 1024);
        assert.equal((await json(`${cloud.url}/themes/owncloud/theme.json`)).common!.name, "Example Cloud");
        const { options } = await json(`${cloud.url}/config.json`);
        assert.match(JSON.stringify(options), /settings\/two-factor-authentication/);
        for (const server of ["edge", "authelia", "ocis"]) {
            const [answer] = (await once(get({ port: metricsPort, path: `/${server}` }), "response")) as [IncomingMessage];
            assert.match(await text(answer), /^process_start_time_seconds /m, server);
        }
        const container = (server: string) => `${cloud.stack.prefix}${server}`;
        if (postgres !== undefined) {
            const ask = ["psql", "-U", "authelia", "-tAc", "SELECT count(*) FROM user_opaque_identifier"];
            assert.equal(await docker("exec", container("postgres"), ...ask), "1");
        }
        if (clamav !== undefined) {
            const webdav = tokenClient(cloud, session);
            await webdav.putFileContents("/virus.txt", VIRUS);
            await eventually("a virus is gone", 60, async () => !(await webdav.exists("/virus.txt")) || undefined);
        }
        if (redis !== undefined) {
            assert.match(await docker("exec", container("redis"), "ls", "/sessions/appendonlydir"), /aof/);
        }
    });

    test(
        "what it takes, beside a stack without any of it",
        { skip: process.env[DRILLS] === undefined && "npm run test:options compares" },
        async () => {
            const plain = await Cloud.up("test-apart", { images, users: usersCalled(["alice"]), access: ACCESS });
            try {
                const seconds: [number[], number[]] = [[], []];
                for (let turn = 0; turn < TURNS; turn++) {
                    for (const [index, [stack, name]] of (
                        [
                            [plain, "alice"],
                            [cloud, user],
                        ] as const
                    ).entries()) {
                        const begin = Date.now();
                        await stack.signIn(stack.credentials(name));
                        seconds[index]!.push((Date.now() - begin) / 1000);
                    }
                }
                const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
                noteOptions(`a sign-in by password, median of ${TURNS}`, median(seconds[0]), median(seconds[1]), "s");
                const [before, now] = [await memoryOf(plain), await memoryOf(cloud)];
                for (const server of Object.keys(now)) {
                    noteOptions(`memory of ${server} afterwards`, before[server] ?? 0, now[server]!, "MiB");
                }
                const sum = (of: Record<string, number>) => Object.values(of).reduce((a, b) => a + b);
                noteOptions("memory of all servers", sum(before), sum(now), "MiB");
            } finally {
                await plain.down();
            }
        },
    );
});

/** What each server of a stack takes, MiB. */
async function memoryOf({ stack }: Cloud): Promise<Record<string, number>> {
    const said = await docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}");
    const lines = said.split("\n").filter((line) => line.startsWith(stack.prefix));
    return Object.fromEntries(
        lines.map((line): [string, number] => {
            const [, name, figure, unit] = /^(\S+) ([\d.]+)([KMG])iB/.exec(line)!;
            return [name!.slice(stack.prefix.length), Number(figure) * { K: 1 / 1024, M: 1, G: 1024 }[unit as "K" | "M" | "G"]];
        }),
    );
}
