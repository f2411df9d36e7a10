/**
 * A stack on a swarm of three machines, with everything that matters outside: what people notice while servers are replaced and a machine is
 * cut off, and whether anything is lost when several processes work on the same files. `npm run test:swarm` runs it, and writes its figures
 * into docs/scaling.md. Where an aim is missed the table says so; a test fails where something is lost.
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { chownSync } from "node:fs";
import { Agent, request } from "node:https";
import { Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { DefaultHttpStack } from "tus-js-client";
import * as oidc from "openid-client";

import { Browser, tlsOptions } from "../../client/browser";
import { discover, Session, WEB } from "../../client/relying-party";
import { freePort } from "../../system/free-port";
import { attempt } from "../../system/run";
import { Cloud } from "./cloud";
import { noteSwarm } from "./drill";
import { NO_GO } from "./go-programs";
import { Nats } from "./nats";
import { share, shares } from "./ocs";
import { describeOn } from "./pairs";
import { NO_POSTGRES, Postgres } from "./postgres";
import { NO_REDIS, Redis } from "./redis";
import { NO_SLAPD, Slapd } from "./slapd";
import { docker } from "./stack";
import { Machine, NO_SWARM_MACHINES, OUTSIDE, SwarmMachines } from "./swarm-machines";
import { eventually } from "./waiting";
import { sendByTus } from "./webdav";

/** One for each sign-in, because a code serves once. */
const PEOPLE = ["alice", "bob", "carol"];

const SERVERS = ["authelia", "edge", "ocis"] as const;

const MIB = 1 << 20;

/** Requests a second, one of each kind after the other, each by a connection of its own. */
const RATE = 10;

/** How long one of them may take, milliseconds. */
const PATIENCE = 15_000;

const UPLOAD = 100 * MIB;
const OVERWRITES = 1_000;
const LINKS = 400;

/** How many are on their way at once. */
const AT_ONCE = 8;

const missing = NO_SWARM_MACHINES ?? NO_POSTGRES ?? NO_REDIS ?? NO_SLAPD ?? NO_GO;

/** For how long the upload may go on after the cut, milliseconds. */
const LONGEST = 180_000;

/** Connections that are given up where nothing comes, as apps do: a machine that was cut off does not say that it is gone. */
class Impatient extends Agent {
    override createConnection(...args: Parameters<Agent["createConnection"]>) {
        const socket = super.createConnection(...args) as Socket;
        socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`nothing for ${PATIENCE / 1000} s`)));
        return socket;
    }
}

/** What somebody saw who went on asking. */
interface Load {
    readonly asked: number;
    /** Milliseconds from the begin of each request that failed. */
    readonly failures: readonly { readonly at: number; readonly what: string }[];
}

describeOn({ tier: "drill", real: true, missing }, "a swarm of three machines", (images) => {
    let machines: SwarmMachines;
    const outside: { stop: () => Promise<void> }[] = [];
    let passwords: string[];
    let cloud: Cloud;
    let alice: Session;

    before(async () => {
        machines = await SwarmMachines.on("test-swarm", [images.authelia, images.ocis, images.caddy]);
        const keep = <T extends { stop: () => Promise<void> }>(server: T) => (outside.push(server), server);
        const slapd = keep(await Slapd.start(OUTSIDE));
        const postgres = keep(await Postgres.start(OUTSIDE));
        const redis = keep(await Redis.start(OUTSIDE));
        const nats = keep(await Nats.start(OUTSIDE));
        const initial = Object.fromEntries(PEOPLE.map((uid) => [uid, `Aa1!${randomBytes(12).toString("hex")}`]));
        passwords = [slapd.readerPassword, postgres.password, redis.password, nats.password];
        for (const [uid, password] of Object.entries(initial)) {
            await slapd.addPerson({ uid, password });
        }
        const files = machines.shared("files");
        chownSync(files, 1000, 1000);
        const httpsPort = await freePort();
        await machines.lead(httpsPort);
        const start = Date.now();
        cloud = await Cloud.up("test-swarm-cloud", {
            images,
            httpsPort,
            address: "0.0.0.0",
            directory: slapd.settings,
            database: postgres.settings,
            sessions: redis.settings,
            bus: nats.settings,
            storage: { files },
            // This kernel has no IPsec.
            engine: { mode: "swarm", encryptedNetwork: false, replicas: { edge: 3 } },
            "docker:host": machines.machines[0].host,
        });
        const seconds = ((Date.now() - start) / 1000).toFixed(0);
        Object.assign(cloud.passwords, initial);
        await nats.keepOnAll();
        await cloud.enrol(PEOPLE, async (...command) => {
            const { machine, container } = await task("authelia");
            return docker("--host", machine.host, "exec", container, ...command);
        });
        alice = await cloud.signIn(cloud.credentials("alice"));
        await ask("PUT", at("load.txt"), "0");
        await ask("MKCOL", at("links"));
        await share(alice, "/links", { shareType: "3", password: "Aa1!public-link" });
        noteSwarm("the whole stack, with two replicas from the first start on", "comes up", `in ${seconds} s; ${await ends()}`);
    });

    after(async () => {
        await cloud?.down();
        await machines?.remove();
        await Promise.all(outside.map((server) => server.stop()));
    });

    const manager = () => machines.machines[0].host;
    const service = (name: string) => `${cloud.stack.prefix}${name}`;

    /** A process of a service, on a machine of those that are there. */
    async function task(name: string, among: readonly Machine[] = machines.machines) {
        for (const machine of among) {
            const filter = ["--filter", `name=${service(name)}.`, "--filter", "health=healthy"];
            const { stdout } = await attempt("docker", ["--host", machine.host, "ps", "--quiet", ...filter]);
            const [container] = stdout.trim().split("\n");
            if (container) {
                return { machine, container };
            }
        }
        throw new Error(`no process of ${name} runs`);
    }

    /** Processes that ended by themselves since they were made, by service. */
    async function ends(): Promise<string> {
        const counts = await Promise.all(
            SERVERS.map(async (name) => {
                const states = await docker(
                    "--host",
                    manager(),
                    "service",
                    "ps",
                    "--format",
                    "{{.CurrentState}}",
                    service(name),
                );
                return [name, states.match(/^(Failed|Rejected)/gm)?.length ?? 0] as const;
            }),
        );
        const ended = counts.filter(([, count]) => count > 0).map(([name, count]) => `${count} of ${name}`);
        return ended.length === 0 ? "no process had to be started twice" : `started again: ${ended.join(", ")}`;
    }

    /** One request by a connection of its own, which begins at the next machine. */
    function ask(method: string, path: string, body?: string): Promise<{ status: number; text: string; etag: string }> {
        const agent = new Agent({ ...tlsOptions(cloud.ca), keepAlive: false });
        const headers = { authorization: alice.authorization, ...(method === "PROPFIND" ? { depth: "1" } : {}) };
        return new Promise((resolve, reject) => {
            const asked = request(`${cloud.url}${path}`, { method, agent, headers, timeout: PATIENCE }, (answer) => {
                let text = "";
                answer.setEncoding("utf8").on("data", (part: string) => (text += part));
                answer.on("end", () => resolve({ status: answer.statusCode!, text, etag: answer.headers.etag ?? "" }));
                answer.on("error", reject);
            });
            asked.on("timeout", () => asked.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
            asked.on("error", reject);
            asked.end(body);
        });
    }

    const at = (name: string) => `/remote.php/webdav/${name}`;

    /** Asks while something goes on, and until everything is good again: for as long as nothing has failed for `calm` milliseconds. */
    async function underLoad(work: () => Promise<unknown>, calm = 0): Promise<Load> {
        const start = Date.now();
        const failures: { at: number; what: string }[] = [];
        const open: Promise<unknown>[] = [];
        let asked = 0;
        let done = false;
        const worked = work().finally(() => (done = true));
        const last = () => failures.at(-1)?.at ?? 0;
        while (!done || Date.now() - start - last() < calm) {
            const [method, path, body] = (
                [
                    ["PROPFIND", "", undefined],
                    ["PUT", `load-${asked % 20}.txt`, String(asked)],
                    ["GET", "load.txt", undefined],
                ] as const
            )[asked++ % 3]!;
            const begun = Date.now() - start;
            const fails = (what: string) => failures.push({ at: Date.now() - start, what: `${method} ${what} (${begun} ms)` });
            open.push(
                ask(method, at(path), body).then(
                    ({ status }) => status < 300 || fails(String(status)),
                    (error: Error) => fails(error.message),
                ),
            );
            await pause(1000 / RATE);
        }
        await Promise.all([worked, ...open]);
        if (failures.length > 0) {
            console.log(failures.map(({ at: when, what }) => `  ${when} ms: ${what}`).join("\n"));
        }
        return { asked, failures };
    }

    const failed = ({ asked, failures }: Load) => `${failures.length} of ${asked} requests failed`;

    /** Does it that many times, a few at once. */
    async function times(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
        let next = 0;
        const worker = async () => {
            while (next < count) {
                await work(next++);
            }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
    }

    test("a second up finds nothing to change", async () => {
        const { code, text } = await cloud.stack.operate("up", ["--expect-no-changes"]);
        assert.equal(code, 0, text);
        noteSwarm("a second `up`", "0 changes", "0 changes");
        const command = await cloud.stack.command("status");
        assert.notEqual(command.code, 0);
        assert.match(command.text, /the servers of test-swarm-cloud are services of a swarm/);
    });

    test("secrets are files of the swarm, and in no environment", async () => {
        const inspected = await docker("--host", manager(), "service", "inspect", ...SERVERS.map(service));
        // What the swarm is given of a file stands in base64.
        const known = (await cloud.stack.secrets()).flatMap((text) => [text, Buffer.from(text, "base64").toString("utf8")]);
        for (const password of passwords) {
            assert.ok(known.some((secret) => secret.includes(password)));
            assert.ok(!inspected.includes(password));
        }
        for (const name of SERVERS) {
            const { machine, container } = await task(name);
            const status = await docker(
                "--host",
                machine.host,
                "exec",
                container,
                "/bin/sh",
                "-c",
                "grep -E '^(CapEff|NoNewPrivs|Uid)' /proc/1/status",
            );
            assert.match(status, /Uid:\s+1000/);
            assert.match(status, /NoNewPrivs:\s+1/);
        }
    });

    test("somebody signs in through one machine, and the code is exchanged through another", async () => {
        const [a, b] = machines.machines.map(({ loopback }) => new Browser(cloud.ca, true, loopback));
        const { callback, checks } = await cloud.authorize(cloud.credentials("bob"), a);
        const configuration = await discover(b!, cloud.url, WEB);
        const tokens = await oidc.authorizationCodeGrant(configuration, callback, checks);
        const session = new Session(b!, cloud.url, configuration, tokens);
        assert.equal(await session.status(), 200);
        const { machine, container } = await task("authelia");
        await docker("--host", machine.host, "kill", container);
        assert.equal(await (await session.refresh()).status(), 200);
        noteSwarm("sign in through A, the code through B, refresh as an Authelia is killed", "works", "works");
        await Promise.all([a!.close(), b!.close()]);
    });

    test("what is written through one process is read through another", async () => {
        let stale = 0;
        for (let index = 0; index < OVERWRITES; index++) {
            const { status, etag } = await ask("PUT", at("overwritten.txt"), "x".repeat(index + 1));
            assert.ok(status < 300 && etag !== "", String(status));
            const { text, status: read } = await ask("PROPFIND", at("overwritten.txt"));
            assert.equal(read, 207);
            const [length, listed] = ["getcontentlength", "getetag"].map(
                (name) => new RegExp(`<d:${name}>([^<]*)<`).exec(text)?.[1],
            );
            if (length !== String(index + 1) || listed?.replaceAll(/&#34;|&quot;/g, '"') !== etag) {
                stale++;
            }
        }
        noteSwarm(`${OVERWRITES} overwrites through any process, each listed through any other`, "0 stale", `${stale} stale`);
        assert.equal(stale, 0);
    });

    test("links that are made at once are all there", async () => {
        let refused = 0;
        await times(LINKS, async () => {
            await share(alice, "/links", { shareType: "3", password: "Aa1!public-link" }).catch(() => refused++);
        });
        // Besides the first one.
        const kept = (await shares(alice, "/links")).length - 1;
        const seen = `${LINKS - refused - kept} lost, ${refused} refused and told so`;
        noteSwarm(`${LINKS} links of one folder, ${AT_ONCE} at once`, "0 lost", seen);
        assert.equal(kept, LINKS - refused);
    });

    /** By server: what a change of it alone is. */
    const CHANGES = [
        ["authelia", { lifespans: { accessToken: "1 day" } }, "0 failed"],
        ["ocis", { appTokens: true }, "0 failed"],
        ["edge", { http3: false }, "stated"],
    ] as const;
    for (const [server, change, aim] of CHANGES) {
        test(`${server} is replaced while people work`, async () => {
            Object.assign(cloud.settings, change);
            const load = await underLoad(() => cloud.change({}), 3_000);
            noteSwarm(`${server} is updated under ${RATE} requests a second`, aim, failed(load));
            const answer = await ask("GET", at("load.txt"));
            assert.equal(answer.status, 200);
        });
    }

    test("a machine is cut off while people work and a large file is on its way, and comes back", async () => {
        const content = randomBytes(UPLOAD);
        const digest = createHash("sha256").update(content).digest("hex");
        // One that has a part in it, and is not the one that Pulumi asks.
        const { machine: lost } = await task("ocis", machines.machines.slice(1));
        const drive = JSON.parse((await alice.ask("/graph/v1.0/me/drive")).text) as { id: string };
        const httpStack = new DefaultHttpStack({ agent: new Impatient({ ...tlsOptions(cloud.ca), keepAlive: false }) });
        let uploaded = "resumed, the same checksum";
        const load = await underLoad(async () => {
            const upload = sendByTus(`${cloud.url}/remote.php/dav/spaces/${drive.id}`, alice.authorization, httpStack, {
                name: "large.bin",
                content,
                size: UPLOAD,
                chunk: 5 * MIB,
                retryDelays: [500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000],
            }).catch((error: Error) => (uploaded = `failed: ${error.message}`));
            await pause(500);
            await machines.cut(lost);
            await Promise.race([
                upload,
                pause(LONGEST, undefined, { ref: false }).then(() => (uploaded = "not done when it was given up")),
            ]);
        }, 30_000);
        const good = load.failures.length === 0 ? 0 : load.failures.at(-1)!.at / 1000;
        noteSwarm(
            "one machine of three is cut off",
            "failures and seconds counted",
            `${failed(load)}; good again after ${good.toFixed(0)} s`,
        );
        if (uploaded.startsWith("resumed")) {
            const read = await eventually("the file is there", 60, async () => {
                const answer = await alice.request(at("large.bin"));
                return answer.ok ? Buffer.from(await answer.arrayBuffer()) : undefined;
            });
            assert.equal(createHash("sha256").update(read).digest("hex"), digest);
        }
        noteSwarm("a file of 100 MiB by tus through that", "same checksum", uploaded);
        await machines.bringBack(lost);
        await eventually("every service has its processes", 180, async () => {
            const replicas = await docker("--host", manager(), "service", "ls", "--format", "{{.Replicas}}");
            return replicas.split("\n").every((line) => /^(\d+)\/\1/.test(line)) || undefined;
        });
        assert.equal(await (await cloud.signIn(cloud.credentials("carol"))).status(), 200);
    });

    test("it goes back to one machine and on to the swarm again, as docs/swarm.md says, and nothing is lost", async () => {
        const links = (await shares(alice, "/links")).length;
        const all = [...SERVERS, "ocis-shares"].map((name) => `${service(name)}=0`);
        await docker("--host", manager(), "service", "scale", ...all);
        const { engine, ...others } = cloud.settings;
        delete cloud.settings.engine;
        await cloud.change({});
        await cloud.expectNoChange();
        assert.equal((await ask("GET", at("load.txt"))).text, "0");
        assert.equal((await shares(alice, "/links")).length, links);
        await docker("--host", manager(), "stop", ...SERVERS.map(service));
        Object.assign(cloud.settings, others, { engine });
        await cloud.change({});
        await cloud.expectNoChange();
        assert.equal((await ask("GET", at("load.txt"))).text, "0");
        assert.equal((await shares(alice, "/links")).length, links);
        assert.equal(await (await cloud.signIn(cloud.credentials("bob"))).status(), 200);
        noteSwarm(
            "from the swarm to one machine, and to the swarm again",
            "nothing lost",
            "files, links, second factors and sessions are there",
        );
    });

    test("oCIS's own check finds nothing wrong with the files", async () => {
        const { machine, container } = await task("ocis");
        const check = ["ocis", "backup", "consistency", "--basepath", "/var/lib/ocis/storage/users", "--blobstore", "ocis"];
        const { text } = await attempt("docker", ["--host", machine.host, "exec", container, ...check]);
        const found = /No inconsistency found/.test(text) ? "0 findings" : text.trim().split("\n").slice(-3).join(" ");
        noteSwarm("`ocis backup consistency` after all that", "0 findings", found);
        assert.match(text, /No inconsistency found/);
    });
});
