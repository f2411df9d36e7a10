/** What doctor finds of one stack. */
import { lookup, Resolver } from "node:dns/promises";
import { connect } from "node:net";
import { isDeepStrictEqual } from "node:util";

import { allHosts, hostsOf } from "../hosts";
import { Settings } from "../settings";
import { AUTHELIA, flawsOf, newerThan, OCIS } from "../versions";
import { certificateEnd, RENEWAL_DAYS } from "./certificate";
import { ContainerState, containerStates, dataSizes, lastErrors } from "./containers";
import { diskFinding } from "./doctor-machine";
import { Finding, look } from "./finding";
import { LastBackup, lastBackup } from "./last-backup";
import { edgeAddresses, Outputs, Stack } from "./stack";
import { StackOnEngine } from "./stack-on-engine";

/** What the internet is asked by. */
const PUBLIC_RESOLVERS = ["1.1.1.1", "9.9.9.9"];

/** How long one question may take, milliseconds. */
const TIMEOUT = 5000;

/** Days after which a backup is old: one that is made each night was left out. */
const BACKUP_DAYS = 2;

const DAY = 24 * 60 * 60 * 1000;

/** How a container is. Pure. */
export function containerFinding(state: ContainerState, errors: readonly string[], stack: string): Finding {
    const { container, server, status, health, restarts, outOfMemory, exitCode } = state;
    const what = `container ${container}`;
    const up = `npm run pulumi -- up --refresh --stack ${stack}`;
    const log = errors.map((line) => `\n${line}`).join("");
    if (status === "missing") {
        return { what, state: "failed", seen: "there is none of that name", cure: up };
    }
    if (status === "paused") {
        return {
            what,
            state: "failed",
            seen: "it stands still, as while a backup copies its data",
            cure: `docker unpause ${container}`,
        };
    }
    if (status !== "running") {
        const why = outOfMemory ? "it has reached its limit of memory" : `exit code ${exitCode}`;
        return { what, state: "failed", seen: `${status} (${why})${log}`, cure: `docker start ${container}` };
    }
    if (health !== "healthy") {
        return {
            what,
            state: health === "starting" ? "warning" : "failed",
            seen: `runs and is ${health ?? "asked by nobody whether it is well"}${log}`,
            cure: `docker logs --tail 50 ${container}`,
        };
    }
    if (restarts > 0 || outOfMemory) {
        const seen = `runs, and was started again ${restarts} times by itself${outOfMemory ? ", at its limit of memory" : ""}${log}`;
        return { what, state: "warning", seen, cure: `docker logs --tail 50 ${container}` };
    }
    return { what, state: "ok", seen: `${server} runs and is healthy` };
}

/** How a backup is. Pure. */
export function backupFinding(backup: LastBackup | undefined, stack: string, now: Date): Finding {
    const cure = `npm run backup -- --stack ${stack}`;
    if (backup === undefined) {
        return { what: "last backup", state: "warning", seen: "none is known on this machine", cure };
    }
    const seen = `${backup.time}, ${backup.repository}`;
    const old = now.getTime() - Date.parse(backup.time) > BACKUP_DAYS * DAY;
    return { what: "last backup", state: old ? "warning" : "ok", seen, ...(old ? { cure } : {}) };
}

/** How the releases are. Pure. */
export function releaseFindings(versions: Readonly<Record<"authelia" | "ocis", string>>, stack: string): Finding[] {
    return (["authelia", "ocis"] as const).map((server): Finding => {
        const releases = server === "authelia" ? AUTHELIA : OCIS;
        const version = versions[server];
        const flaws = flawsOf(server, version);
        const newer = newerThan(releases, version);
        const seen = [
            `${releases.title} ${version}${newer === undefined ? "" : `; ${newer} is supported too`}`,
            ...flaws.map((flaw) => `has a known flaw: ${flaw}`),
        ].join("\n");
        const cure = `npm run upgrade -- --plan --stack ${stack}`;
        return { what: "release", state: flaws.length > 0 ? "warning" : "ok", seen, ...(newer === undefined ? {} : { cure }) };
    });
}

/** Whether somebody listens there. */
function listens(host: string, port: number): Promise<string | undefined> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: TIMEOUT });
        socket.once("connect", () => resolve(undefined));
        socket.once("timeout", () => resolve(`no answer within ${TIMEOUT / 1000} s`));
        socket.once("error", ({ message }) => resolve(message));
        socket.once("connect", () => socket.destroy()).once("timeout", () => socket.destroy());
    });
}

/** An address at which the edge is reached, and what tells it from the first one in a finding's title. */
interface Place {
    readonly host: string;
    readonly title: string;
}

/** Everywhere that the edge is reached. */
function placesOf(remote: boolean, settings: Settings, publicName: string): Place[] {
    const hosts = edgeAddresses(remote, settings, publicName);
    return hosts.map((host, index) => ({ host, title: index === 0 ? "" : ` at ${host}` }));
}

/** Who holds a port that the edge needs while it does not run. */
async function portFinding(stack: StackOnEngine, { host, title }: Place, port: number): Promise<Finding> {
    return look(`port ${port}${title}`, async () => {
        if ((await listens(host, port)) !== undefined) {
            return { state: "ok", seen: "free for the edge" };
        }
        const { stdout } = await stack.attemptDocker("ps", "--filter", `publish=${port}`, "--format", "{{.Names}}");
        const holder = stdout.trim();
        return {
            state: "failed",
            seen: `held by ${holder === "" ? "another program" : `the container ${holder}`}`,
            cure: holder === "" ? `sudo ss -ltnp 'sport = :${port}' names it` : `docker stop ${holder}`,
        };
    });
}

/** A name as this machine and as the internet see it. */
async function nameFinding(name: string, isPublic: boolean): Promise<Finding> {
    return look(`name ${name}`, async () => {
        if (name.endsWith(".localhost")) {
            return { state: "skipped", seen: "leads to this machine on every machine" };
        }
        const resolver = new Resolver({ timeout: TIMEOUT, tries: 1 });
        resolver.setServers(PUBLIC_RESOLVERS);
        let outOfReach: string | undefined;
        const publicly = (kind: "resolve4" | "resolve6") =>
            resolver[kind](name).catch(({ code }: NodeJS.ErrnoException) => {
                outOfReach ??= code === "ENODATA" || code === "ENOTFOUND" ? undefined : code;
                return [] as string[];
            });
        const here = (await lookup(name, { all: true }).catch(() => [])).map(({ address }) => address).sort();
        const there = [...(await publicly("resolve4")), ...(await publicly("resolve6"))].sort();
        const seen = `here ${here.join(", ") || "nothing"}`;
        if (outOfReach !== undefined) {
            return { state: "skipped", seen: `${seen}; ${PUBLIC_RESOLVERS.join(" and ")} are out of reach (${outOfReach})` };
        }
        const cure = `make an A record (and AAAA) for ${name} with the machine's public address at your DNS provider`;
        if (there.length === 0) {
            return { state: isPublic ? "failed" : "warning", seen: `${seen}, in the internet nothing`, cure };
        }
        const both = `${seen}, in the internet ${there.join(", ")}`;
        return isDeepStrictEqual(here, there) ? { state: "ok", seen: both } : { state: "warning", seen: both, cure };
    });
}

/** The ACME directory. */
function acmeFinding(tls: Settings["tls"]): Promise<Finding> {
    return look("ACME server", async () => {
        if (tls.mode !== "acme") {
            return { state: "skipped", seen: `none is asked (tls.mode is ${tls.mode})` };
        }
        const hosts = { production: "acme-v02", staging: "acme-staging-v02" };
        const url =
            tls.server instanceof URL ? tls.server : new URL(`https://${hosts[tls.server]}.api.letsencrypt.org/directory`);
        if (tls.authority !== undefined) {
            const end = await certificateEnd({
                name: url.hostname,
                host: url.hostname,
                port: Number(url.port || 443),
                ca: tls.authority,
            });
            return { state: "ok", seen: `${url.host} is in reach; its certificate lasts until ${end.toISOString()}` };
        }
        try {
            const { status } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT) });
            return { state: status === 200 ? "ok" : "failed", seen: `${url.href} answers ${status}` };
        } catch (error) {
            const { message, cause } = error as Error & { cause?: Error };
            return { state: "failed", seen: `${url.href}: ${cause?.message ?? message}`, cure: `curl -v ${url.href}` };
        }
    });
}

/** The mail server: its certificate where TLS is there from the first byte on, else whether it listens. */
function mailFinding(smtp: Settings["smtp"]): Promise<Finding> {
    return look("mail server", async () => {
        if (smtp === undefined) {
            return { state: "skipped", seen: "none is configured" };
        }
        const { host, port, encryption, authority } = smtp;
        const cure = `openssl s_client -connect ${host}:${port}${encryption === "starttls" ? " -starttls smtp" : ""}`;
        const why =
            encryption === "starttls"
                ? await listens(host, port)
                : await certificateEnd({ name: host, host, port, ca: authority }).then(
                      () => undefined,
                      ({ message }: Error) => message,
                  );
        const seen = `${host}:${port}`;
        return why === undefined
            ? { state: "ok", seen: `${seen} is in reach` }
            : { state: "failed", seen: `${seen}: ${why}`, cure };
    });
}

/**
 * Whether oCIS has found the office server: what speaks with it serves from then on. Nothing where none is configured. Source: oCIS 8.2.0,
 * services/collaboration/pkg/config/defaults, the debug address.
 */
export async function officeFindings(stack: StackOnEngine, office: Settings["office"]): Promise<Finding[]> {
    if (office.mode === "none") {
        return [];
    }
    const finding = await look("office server", async () => {
        const ocis = stack.server("ocis");
        const { code } = await ocis.attempt("busybox", "nc", "-w", "2", "127.0.0.1", "9304", "-e", "true");
        return code === 0
            ? { state: "ok", seen: `oCIS has found ${office.url}` }
            : {
                  state: "failed",
                  seen: `oCIS does not reach ${office.url}, or does not trust its certificate`,
                  cure: `docker logs --tail 50 ${ocis.container}`,
              };
    });
    return [finding];
}

/** The certificate of a site, as its clients see it. */
function certificateFinding(
    stack: Stack,
    settings: Settings,
    name: string,
    { host, title }: Place,
    ca: string | undefined,
): Promise<Finding> {
    return look(`certificate of ${name}${title}`, async () => {
        if (settings.tls.mode === "none") {
            return { state: "skipped", seen: "the proxy in front has it" };
        }
        const cure = `npm run pulumi -- up --stack ${stack.name}, and docker logs --tail 50 ${stack.server("edge").container}`;
        try {
            const end = await certificateEnd({ name, ca, port: settings.httpsPort, host });
            const soon = end.getTime() - Date.now() < RENEWAL_DAYS * DAY;
            return { state: soon ? "warning" : "ok", seen: `lasts until ${end.toISOString()}`, ...(soon ? { cure } : {}) };
        } catch (error) {
            return { state: "failed", seen: (error as Error).message, cure };
        }
    });
}

/** Whether the engine keeps the limits of memory that it is told; nothing where it does. */
async function memoryLimits(stack: StackOnEngine): Promise<Finding[]> {
    const { stdout } = await stack.attemptDocker("info", "--format", "{{.MemoryLimit}}");
    const seen = "the engine keeps none, so that one server can take all of the machine's memory";
    const cure = 'docs/engines.md, "Without root", has what it takes';
    return stdout.trim() === "false" ? [{ what: "memory limits", state: "warning", seen, cure }] : [];
}

/** What Docker says of the stack; undefined where its engine does not answer. */
async function examineContainers(stack: StackOnEngine): Promise<{ findings: Finding[]; states?: ContainerState[] }> {
    const silence = await stack.silence();
    if (silence !== undefined) {
        const seen = `the Docker Engine does not answer: ${silence || "it takes too long"}`;
        return {
            findings: stack
                .servers()
                .map((name) => ({ what: `container ${stack.server(name).container}`, state: "skipped", seen })),
        };
    }
    const states = await containerStates(stack);
    const findings = await Promise.all(
        states.map(async (state) => {
            const isWell = state.status === "missing" || (state.health === "healthy" && state.restarts === 0);
            return containerFinding(state, isWell ? [] : await lastErrors(stack, state.container), stack.name);
        }),
    );
    const disks = await dataSizes(stack, states).then(
        (sizes) => sizes.map(({ volume, free }) => ({ what: `volume ${volume}`, ...diskFinding(free, "docker system df -v") })),
        (error: Error): Finding[] => [{ what: "volumes", state: "failed", seen: error.message }],
    );
    return { findings: [...findings, ...disks, ...(await memoryLimits(stack))], states };
}

/** Everything that is known of a stack without Pulumi. */
export async function examineOnEngine(name: string): Promise<Finding[]> {
    const { findings } = await examineContainers(new StackOnEngine(name));
    const seen = "Pulumi is not on this machine, and only it reads the configuration";
    return [
        ...findings,
        backupFinding(lastBackup(name), name, new Date()),
        { what: "configuration, names, ports, certificates, releases", state: "skipped", seen },
    ];
}

/** Everything that is known of a stack. */
export async function examineStack(stack: Stack): Promise<Finding[]> {
    const { findings, states } = await examineContainers(stack);
    const backup = backupFinding(lastBackup(stack.name), stack.name, new Date());
    let settings: Settings;
    let outputs: Partial<Outputs>;
    try {
        settings = await stack.settings();
        outputs = await stack.outputs();
    } catch (error) {
        return [...findings, backup, { what: "configuration", state: "failed", seen: (error as Error).message }];
    }
    const hosts = hostsOf(settings);
    const { cloud } = hosts;
    const names = allHosts(hosts).map(({ name }) => name);
    const edge = states?.find(({ server }) => server === "edge");
    const ports = [settings.tls.mode === "none" ? 0 : settings.httpsPort, settings.httpPort].filter((port) => port > 0);
    const remote = await stack.isRemote();
    const places = (name: string) => placesOf(remote, settings, name);
    return [
        ...findings,
        { what: "configuration", state: "ok", seen: "can be used" },
        ...(edge === undefined || edge.status === "running" || remote
            ? []
            : await Promise.all(places(cloud.name).flatMap((place) => ports.map((port) => portFinding(stack, place, port))))),
        ...(await Promise.all([
            ...names.map((name) => nameFinding(name, settings.tls.mode === "acme")),
            acmeFinding(settings.tls),
            mailFinding(settings.smtp),
            ...names.flatMap((name) =>
                places(name).map((place) => certificateFinding(stack, settings, name, place, outputs.caCertificate)),
            ),
        ])),
        ...(await officeFindings(stack, settings.office)),
        ...releaseFindings(
            outputs.versions ?? { authelia: settings.images.authelia.version, ocis: settings.images.ocis.version },
            stack.name,
        ),
        backup,
    ];
}
