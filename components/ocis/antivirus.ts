/**
 * How oCIS has uploads scanned: its service `antivirus` hands each to ClamAV before anybody can read it. The service is a process of its own
 * in oCIS's container, because it ends where ClamAV closes a connection without an answer, and oCIS with it if it were a part of that.
 * Source: oCIS 7.0.0 and 8.2.0, services/antivirus/pkg and services/postprocessing/pkg; run with both
 * (tests/deployment/antivirus.test.ts). Pure.
 */
import { Antivirus } from "../../settings/antivirus";
import { asks, LOOK } from "./beside";

/** ClamAV on the network that it shares with oCIS; the port is its own. */
export const CLAMAV = { host: "clamav", port: 3310 } as const;

/** The network, by which ClamAV fetches signatures too. */
export const CLAMAV_NETWORK = "clamav-network";

/** The step of oCIS's way of an upload, as oCIS calls it. */
const STEP = "virusscan";

/** Where the service says whether it can work, which needs oCIS and ClamAV; its default. */
const READY = "http://127.0.0.1:9277/readyz";

/**
 * Looks in a row without ClamAV after which uploads pass, where they are meant to: two minutes, in which it starts anew, or reads new
 * signatures and answers nobody.
 */
const AWAY = 24;

/**
 * How often oCIS tries one upload before it gives it up, while ClamAV is away. After 14 times, its own figure, a day has gone by; after these,
 * twice a lifetime, and one more is more than its clock can count. Source: services/postprocessing/pkg/postprocessing, BackoffDuration.
 */
const RETRIES = 30;

/**
 * oCIS's environment. A file with a virus is deleted: who has uploaded it is told, and an earlier version stays.
 *
 * @param dataGateway URL at which the service reads what was uploaded; by default it is oCIS's proxy by TLS, which ends at the edge here.
 */
export function antivirusEnvironment(antivirus: Antivirus, dataGateway: string): Record<string, string> {
    return antivirus.mode === "none"
        ? {}
        : {
              STORAGE_USERS_DATA_GATEWAY_URL: `${dataGateway}/data`,
              POSTPROCESSING_STEPS: STEP,
              POSTPROCESSING_MAX_RETRIES: String(RETRIES),
              ANTIVIRUS_SCANNER_TYPE: "clamav",
              ANTIVIRUS_CLAMAV_SOCKET: `tcp://${CLAMAV.host}:${CLAMAV.port}`,
              ANTIVIRUS_INFECTED_FILE_HANDLING: "delete",
              ANTIVIRUS_MAX_SCAN_SIZE: String(antivirus.maxScanSize),
          };
}

/** How the service is started, and what follows from a look at it, in a shell. */
interface Behaviour {
    readonly start: string;
    readonly whenHere: readonly string[];
    readonly whenAway: readonly string[];
}

/** Has oCIS scan what waits; once, until ClamAV goes away again. */
const RESUME = `test $resumed = yes || { ocis postprocessing resume -s ${STEP} && resumed=yes; }`;

/** Nothing passes while ClamAV is away. */
const HOLDING: Behaviour = {
    start: "ocis antivirus server &",
    whenHere: [RESUME],
    whenAway: ["resumed=no"],
};

/** Then the service is started so that every file is too large to be scanned, and comes through by that. */
const PASSING: Behaviour = {
    start: "if test $scans = yes; then ocis antivirus server & else ANTIVIRUS_MAX_SCAN_SIZE=1 ocis antivirus server & fi",
    whenHere: ["missed=0", "test $scans = yes || { scans=yes; break; }", RESUME],
    whenAway: [
        "missed=$((missed + 1))",
        `if test $scans = no; then ${RESUME}; else resumed=no; fi`,
        `test $scans = no || test $missed -lt ${AWAY} || { scans=no; break; }`,
    ],
};

/**
 * What keeps the service running, and has it scan what waits whenever it can work again. By itself oCIS tries an upload again after seconds, then
 * after twice as long each time, up to half a day, and not at all once it was started anew.
 */
export function antivirusScripts(antivirus: Antivirus): string[] {
    if (antivirus.mode === "none") {
        return [];
    }
    const { start, whenHere, whenAway } = antivirus.whenAway === "hold" ? HOLDING : PASSING;
    const indented = (lines: readonly string[]) => lines.map((line) => `                ${line}`).join("\n");
    const script = `
{
    scans=yes
    while sleep ${LOOK}; do
        ${start}
        missed=0 resumed=no
        while sleep ${LOOK} && kill -0 $! 2>/dev/null; do
            if ${asks(READY)}; then
${indented(whenHere)}
            else
${indented(whenAway)}
            fi
        done
        kill -9 $! 2>/dev/null
        wait $!
    done
} &`;
    return [script.trim()];
}
