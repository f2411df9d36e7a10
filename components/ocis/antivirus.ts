/**
 * How oCIS has uploads scanned: its service `antivirus` hands each to ClamAV before anybody can read it. The service is a process of its own
 * in oCIS's container, because it ends where ClamAV closes a connection without an answer, and oCIS with it if it were a part of that.
 * Source: oCIS 7.0.0 and 8.2.0, services/antivirus/pkg and services/postprocessing/pkg; run with both
 * (tests/deployment/antivirus.test.ts). Pure.
 */
import { Antivirus } from "../../settings/antivirus";
import { asks, kept, LOOK } from "./beside";

/** ClamAV on the network that it shares with oCIS; the port is its own. */
export const CLAMAV = { host: "clamav", port: 3310 } as const;

/** The network, by which ClamAV fetches signatures too. */
export const CLAMAV_NETWORK = "clamav-network";

/** The step of oCIS's way of an upload, as oCIS calls it. */
const STEP = "virusscan";

/** Where the service says whether it serves, and whether it can work, which needs ClamAV; the port is its default. */
const [ALIVE, READY] = ["healthz", "readyz"].map((question) => `http://127.0.0.1:9277/${question}`) as [string, string];

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

/**
 * What keeps the service running, and has it scan what waits whenever it can work again. By itself oCIS tries an upload again after seconds, then
 * after twice as long each time, up to half a day, and not at all once it was started anew.
 */
export function antivirusScripts(antivirus: Antivirus): string[] {
    const resume = `
away=yes
while sleep ${LOOK}; do
    if ${asks(READY)}; then
        if test $away = yes; then ocis postprocessing resume -s ${STEP} && away=no; fi
    else
        away=yes
    fi
done &`;
    return antivirus.mode === "none" ? [] : [kept("antivirus", ALIVE), resume.trim()];
}
