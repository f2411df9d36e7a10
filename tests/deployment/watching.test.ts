/**
 * A stack that is watched: a real Prometheus reads the metrics of all servers where docs/watching.md says, with the files of watching/; alerts
 * fire for what has really happened, and every expression of the dashboard shows something. oCIS 4.0 counts less than later ones.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get, IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";

import { Session } from "../../client/relying-party";
import { ROOT } from "../../system/folders";
import { freePort } from "../../system/free-port";
import { attempt } from "../../system/run";
import { OCIS, releaseOf } from "../../versions";
import { Cloud, usersCalled } from "./cloud";
import { describeOn } from "./pairs";
import { NO_PROMETHEUS, Prometheus, promtool } from "./prometheus";
import { docker } from "./stack";
import { eventually } from "./waiting";
import { readText, tokenClient, uploadByTus } from "./webdav";

/** What is read of a line of a log, whichever server has written it. */
interface Line {
    readonly uuid?: string;
    readonly ts: number;
    readonly status?: number;
    readonly request?: { readonly uri: string; readonly client_ip: string };
    readonly "request-id"?: string;
    readonly path?: string;
    readonly remote_ip?: string;
    readonly msg?: string;
    readonly time: string;
}

/** Expressions anywhere in a dashboard. */
function expressionsIn(part: unknown): string[] {
    if (typeof part !== "object" || part === null) {
        return [];
    }
    const { expr } = part as { expr?: string };
    return [...(expr === undefined ? [] : [expr]), ...Object.values(part).flatMap(expressionsIn)];
}

describeOn({ tier: "option", real: true, missing: NO_PROMETHEUS }, "a stack that is watched", (images) => {
    const NAMES = ["alice", "bob", "carol", "dave", "erin"];
    /** What oCIS 4.0 does not count, or under other names. */
    const LATER = /ocis_proxy_requests_total|reva_/;
    const counts = (expression: string) => releaseOf(OCIS, images.ocis).line.line !== "4.0" || !LATER.test(expression);
    const SERVERS = ["edge", "authelia", "ocis"];
    let cloud: Cloud;
    let prometheus: Prometheus;
    let port: number;
    let alice: Session;

    before(async () => {
        cloud = await Cloud.up("test-watching", { images, users: usersCalled(NAMES) });
        await cloud.enrol(["alice", "erin"]);
        alice = await cloud.signIn(cloud.credentials("alice"));
        await tokenClient(cloud, alice).putFileContents("/letter.txt", "Dear family");
        port = await freePort();
        await cloud.change({ metricsPort: port, requestLogs: true });
        prometheus = await Prometheus.start(cloud.stack.name, port);
    });

    after(async () => {
        await prometheus?.stop();
        await cloud?.down();
    });

    const read = async () => readText(tokenClient(cloud, await cloud.signIn(cloud.credentials("alice"))), "/letter.txt");

    /** Asks the port of metrics, by a name for this machine. */
    const metricsOf = async (server: string, name = "127.0.0.1") => {
        const [answer] = (await once(get({ port, path: `/${server}`, headers: { host: `${name}:${port}` } }), "response")) as [
            IncomingMessage,
        ];
        return text(answer);
    };

    /** What a server has logged since it was started, and of it what is JSON. */
    const logOf = async (server: string) => {
        const { text: whole } = await attempt("docker", ["logs", `${cloud.stack.prefix}${server}`]);
        const lines = whole.split("\n").filter((line) => line.startsWith("{"));
        return { whole, lines: lines.map((line) => JSON.parse(line) as Line) };
    };

    /** Waits until an expression is something. */
    const shown = (expression: string) =>
        eventually(`${expression} shows something`, 20, async () => {
            const found = await prometheus.query(expression);
            return found.length > 0 ? found : undefined;
        });

    const fires = (alert: string, seconds: number) =>
        eventually(`${alert} fires`, seconds, async () => ((await prometheus.firing()).includes(alert) ? true : undefined));

    test("Prometheus takes the rules, and finds each where it fires and where it does not", async () => {
        assert.match(await promtool("check", "config", "prometheus.yml"), /9 rules found/);
        await promtool("test", "rules", "alerts.test.yml");
    });

    test("every server answers, and has counted what a person did", async () => {
        assert.equal(await read(), "Dear family");
        const counters = [
            'authelia_authn{job="cloud-authelia", success="true"} >= 1',
            'authelia_authn_second_factor{job="cloud-authelia", success="true"} >= 1',
            'ocis_proxy_requests_total{job="cloud-ocis", method="GET"} >= 1',
            'caddy_http_request_duration_seconds_count{job="cloud-edge", server!~"health|metrics", code="200"} >= 1',
        ];
        await Promise.all(counters.filter(counts).map(shown));
        await Promise.all(["cloud-authelia", "cloud-edge", "cloud-ocis", "machine"].map((job) => shown(`up{job="${job}"}`)));
        const up = await prometheus.query("up");
        assert.deepEqual(up.map(({ metric, value }) => `${metric.job} ${value}`).sort(), [
            "cloud-authelia 1",
            "cloud-edge 1",
            "cloud-ocis 1",
            "machine 1",
        ]);
        // Each of them names where the process began, by which a restart is seen.
        assert.equal((await prometheus.query('process_start_time_seconds{job=~"cloud-.+"}')).length, 3);
    });

    test("metrics are on the loopback alone, and not at the public names", async () => {
        const bound = await docker(
            "inspect",
            "--format",
            `{{json (index .HostConfig.PortBindings "${port}/tcp")}}`,
            `${cloud.stack.prefix}edge`,
        );
        assert.deepEqual(JSON.parse(bound), [{ HostIp: "127.0.0.1", HostPort: String(port) }]);
        for (const server of ["authelia", "ocis"]) {
            const ports = await docker(
                "inspect",
                "--format",
                "{{json .HostConfig.PortBindings}}",
                `${cloud.stack.prefix}${server}`,
            );
            assert.match(ports, /^(null|\{\})$/, server);
        }
        const browser = cloud.open();
        for (const url of [cloud.url, cloud.issuer]) {
            for (const path of ["/metrics", ...SERVERS.map((server) => `/${server}`)]) {
                const answer = await browser.ask(`${url}${path}`);
                assert.doesNotMatch(answer.text, /process_start_time_seconds/, `${url}${path}`);
            }
        }
        // As a page comes there whose name somebody has made lead to the loopback.
        assert.equal(await metricsOf("ocis", new URL(cloud.url).hostname), "");
        assert.match(await metricsOf("ocis", "localhost"), /process_start_time_seconds/);
    });

    test("they tell no secret and name nobody; nor does what else oCIS says at its port", async () => {
        const said = await Promise.all(SERVERS.map((server) => metricsOf(server)));
        const inside = `${cloud.stack.prefix}edge`;
        const configuration = await docker("exec", inside, "busybox", "wget", "-q", "-O", "-", "http://ocis:9205/config");
        const all = [...said, configuration].join("\n");
        const secrets = (await cloud.stack.secrets()).filter(({ length }) => length > 8);
        assert.ok(secrets.length > 10);
        assert.deepEqual(
            secrets.filter((secret) => all.includes(secret)),
            [],
        );
        assert.doesNotMatch(all, /alice/);
    });

    test("status writes what metrics do not say, and node_exporter hands it out", async () => {
        const status = await cloud.stack.command("status", "--prometheus", prometheus.textfile);
        assert.equal(status.code, 0, status.text);
        const label = { stack: cloud.stack.name };
        const value = async (name: string, more: object = {}) => {
            const found = await shown(`ocis_authelia_${name}`);
            const labels = Object.entries({ ...label, ...more });
            return found.find(({ metric }) => labels.every(([key, wanted]) => metric[key] === wanted))!.value;
        };
        const now = Date.now() / 1000;
        assert.ok(Math.abs((await value("status_timestamp_seconds")) - now) < 60);
        assert.ok((await value("certificate_end_timestamp_seconds")) > now + 300 * 86400);
        assert.equal(await value("last_backup_timestamp_seconds"), 0);
        assert.ok((await value("data_used_bytes", { server: "ocis" })) > 10_000);
        assert.ok((await value("data_free_bytes", { server: "authelia" })) > 10_000);
    });

    test("a request is found by one id at edge and oCIS, and by time, address and path at Authelia", async () => {
        const erin = cloud.credentials("erin");
        const session = await cloud.signIn(erin);
        const headers = { "x-request-id": "canary-of-a-client" };
        const answer = await session.ask("/remote.php/webdav/letter.txt?canary-of-a-query", { headers });
        const id = answer.headers.get("x-request-id")!;
        const [edge, ocis] = [await logOf("edge"), await logOf("ocis")];
        const seen = edge.lines.filter(({ uuid }) => uuid === id);
        assert.deepEqual(
            seen.map(({ status, request }) => [status, request!.uri]),
            [[404, "/remote.php/webdav/letter.txt"]],
        );
        assert.equal(ocis.lines.find((line) => line["request-id"] === id)?.path, "/remote.php/webdav/letter.txt");

        const wrong = { ...erin, password: "not-the-password" };
        await assert.rejects(cloud.signIn(wrong), { step: "the password" });
        const authelia = await logOf("authelia");
        const refused = authelia.lines.find(({ msg }) => msg?.includes("1FA authentication attempt by user 'erin'"));
        assert.ok(refused, authelia.whole);
        const same = (await logOf("edge")).lines.filter(
            ({ request, status, ts }) =>
                status === 401 &&
                request?.uri === refused.path &&
                request?.client_ip === refused.remote_ip &&
                Math.abs(Date.parse(refused.time) / 1000 - ts) < 5,
        );
        assert.equal(same.length, 1);
    });

    test("no log has an authorization code, a query, or what a client claims as its id; the edge no token of an upload", async () => {
        const { browser, callback } = await cloud.authorize(cloud.credentials("erin"));
        await browser.ask(callback.href);
        const content = Buffer.from("in two requests. ".repeat(1000));
        await uploadByTus(cloud, alice, "/remote.php/webdav/", {
            name: "steps.txt",
            content,
            size: content.length,
            chunk: 10_000,
        });
        const logs = await Promise.all(SERVERS.map(logOf));
        const all = logs.map(({ whole }) => whole).join("\n");
        assert.match(all, /"uri":"\/oidc-callback\.html"/);
        const canaries = [callback.searchParams.get("code")!, callback.searchParams.get("state")!, "canary-of-a"];
        for (const canary of canaries) {
            assert.ok(!all.includes(canary), canary);
        }
        const edge = logs[0]!.whole;
        assert.match(edge, /"uri":"\/data\/"/);
        const more = /"(resp_)?headers"|"uri":"[^"]*(\?|\/data\/[^"])/.exec(edge);
        assert.equal(more, null);
    });

    test("a server away, and people who try passwords, are told of", async () => {
        assert.deepEqual(
            (await prometheus.firing()).filter((alert) => /ServerAway|FailedSignIns|ServerRestarts/.test(alert)),
            [],
        );
        // What has never happened has no counter yet, and its first time is none that it rises by.
        const right = cloud.credentials("bob");
        const fail = (username: string) =>
            assert.rejects(cloud.signIn({ ...right, username, password: "not-the-password" }), { step: "the password" });
        await fail("bob");
        await shown('authelia_authn{success="false"} >= 1');
        await Promise.all(["bob", "carol", "dave", "mallory"].flatMap((name) => [1, 2, 3, 4].map(() => fail(name))));
        await fires("FailedSignIns", 30);
        await docker("stop", `${cloud.stack.prefix}ocis`);
        const refused = cloud.open().ask(`${cloud.url}/oidc-callback.html?code=canary-of-an-error`);
        await fires("ServerAway cloud-ocis", 30);
        assert.equal((await refused).status, 502);
        const { whole } = await logOf("edge");
        assert.match(whole, /"http\.log\.error"[^\n]*"uri":"\/oidc-callback\.html"/);
        assert.doesNotMatch(whole, /canary-of-an-error/);
        assert.deepEqual(
            (await prometheus.firing()).filter((alert) => /ServerAway/.test(alert)),
            ["ServerAway cloud-ocis"],
        );
        await docker("start", `${cloud.stack.prefix}ocis`);
    });

    test("every expression of the dashboard shows something", async () => {
        const dashboard = JSON.parse(readFileSync(join(ROOT, "watching", "dashboard.json"), "utf8")) as object;
        const expressions = expressionsIn(dashboard);
        assert.ok(expressions.length > 15);
        for (const expression of expressions.filter(counts)) {
            await shown(expression.replaceAll("$stack", cloud.stack.name).replaceAll("$__rate_interval", "2m"));
        }
    });

    test("nothing changes at the next up; switched off, all is closed, and files and people are as before", async () => {
        await cloud.expectNoChange();
        await cloud.change({ metricsPort: 0, requestLogs: false });
        await assert.rejects(metricsOf("edge"));
        const environment = await docker("inspect", "--format", "{{json .Config.Env}}", `${cloud.stack.prefix}ocis`);
        assert.doesNotMatch(environment, /PROXY_(DEBUG|LOG)/);
        assert.equal(await read(), "Dear family");
    });
});
