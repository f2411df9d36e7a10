/**
 * `npm run status -- --stack <stack>`: what a stack runs, since when, what it takes, and when it was last backed up; with --drift also what
 * differs from its configuration; with --prometheus a file for node_exporter, which hands it to Prometheus.
 */
import { renameSync, writeFileSync } from "node:fs";

import { hostsOf } from "../hosts";
import { Failure } from "../system/failure";
import { certificateEnd } from "./certificate";
import { conclude, Outcome, Say, stackCommand, StackOptions } from "./command-line";
import { containerStates, dataSizes, memoryNow, printBytes } from "./containers";
import { lastBackup } from "./last-backup";
import { figures } from "./figures";
import { spacesOf } from "./spaces";
import { edgeAddresses, Stack } from "./stack";
import { printTable } from "./table";

/** What is looked at besides, and where figures are written to. */
interface Further {
    readonly drift: boolean;
    readonly people: boolean;
    readonly prometheus?: string;
}

async function status(name: string, { drift, people, prometheus }: Further, say: Say): Promise<Outcome> {
    const stack = await Stack.open(name, say);
    const silence = await stack.silence();
    if (silence !== undefined) {
        throw new Failure(
            `The Docker Engine of ${name} does not answer: ${silence}\nnpm run doctor -- --stack ${name} says more.`,
        );
    }
    const settings = await stack.settings();
    const { images, caCertificate } = await stack.outputs();
    const states = await containerStates(stack);
    const memory = await memoryNow(stack, states);
    const imageOf = { ...images, edge: images?.caddy };
    const containers = states.map((state) => ({ ...state, image: imageOf[state.server], memory: memory[state.container] }));
    const data = await dataSizes(stack, states);
    const ocisRuns = states.some(({ server, status }) => server === "ocis" && status === "running");
    const spaces = people && ocisRuns ? await spacesOf(stack.server("ocis")) : undefined;
    const backup = lastBackup(name);
    const { cloud } = hostsOf(settings);
    const { blobs } = settings.storage;
    const edgeRuns = states.some(({ server, status }) => server === "edge" && status === "running");
    const certificate =
        settings.tls.mode === "none" || !edgeRuns
            ? undefined
            : await certificateEnd({
                  name: cloud.name,
                  ca: caCertificate,
                  port: settings.httpsPort,
                  host: edgeAddresses(await stack.isRemote(), settings, cloud.name)[0],
              }).then(
                  (end) => end.toISOString(),
                  (error: Error) => `not to be trusted: ${error.message}`,
              );
    if (prometheus !== undefined) {
        // Under another name first, because whoever reads the file may do so at any time.
        writeFileSync(`${prometheus}.new`, figures({ stack: name, now: new Date(), data, backup, certificate }), {
            mode: 0o644,
        });
        renameSync(`${prometheus}.new`, prometheus);
    }
    const differs = drift ? await stack.attempt("preview", "--refresh", "--expect-no-changes") : undefined;
    const ok = states.every(({ status, health }) => status === "running" && health === "healthy");
    const text = [
        `${name}: ${cloud.url}`,
        "",
        printTable(
            ["server", "image", "", "since", "restarts", "memory"],
            containers.map(({ server, image, status, health, since, restarts, memory: now }) => [
                server,
                image ?? "",
                health ?? status,
                since?.slice(0, 19).concat("Z") ?? "",
                String(restarts),
                now ?? "",
            ]),
        ),
        "",
        printTable(
            ["volume", "takes", "free"],
            data.map(({ volume, used, free }) => [volume, printBytes(used), printBytes(free)]),
        ),
        "",
        ...(spaces === undefined
            ? []
            : [
                  printTable(
                      ["space", "takes", "of its quota"],
                      spaces.map(({ space, used, counted = 0, quota }) => [
                          space,
                          printBytes(used),
                          quota === undefined ? "" : `${printBytes(counted)} of ${printBytes(quota)}`,
                      ]),
                  ),
                  ...(blobs.mode === "s3" ? [`without the contents of files, which are in the bucket ${blobs.bucket}`] : []),
                  "",
              ]),
        `last backup      ${backup === undefined ? "none is known on this machine" : `${backup.time}, ${backup.repository}`}`,
        `certificate end  ${certificate ?? (edgeRuns ? "the proxy in front has it" : "the edge does not run")}`,
        ...(differs === undefined
            ? []
            : [`configuration    ${differs.code === 0 ? "is what runs" : `differs from what runs:\n${differs.text.trim()}`}`]),
    ].join("\n");
    const outcome = {
        stack: name,
        url: cloud.url,
        containers,
        data,
        ...(spaces === undefined ? {} : { spaces }),
        lastBackup: backup ?? null,
        certificateEnd: certificate ?? null,
        ...(differs === undefined ? {} : { drift: differs.code !== 0 }),
    };
    return { data: outcome, text, ok: ok && (differs?.code ?? 0) === 0 };
}

void stackCommand("status", "What a stack runs, since when, and what it takes.")
    .option("--drift", "compare what runs with the configuration too, which takes some seconds", false)
    .option("--people", "say what each person's files and each shared space take, which reads every folder", false)
    .option("--prometheus <file>", "write what metrics do not say into a file for node_exporter's textfile collector")
    .action(({ stack, json, ...further }: StackOptions & Further) => conclude(json, (say) => status(stack, further, say)))
    .parseAsync();
