/** testssl.sh for tests: Debian's, unpacked into the cache without being installed. What it finds about TLS at one host. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

import { ROOT } from "../../system/folders";
import { attempt } from "../../system/run";
import { unpack } from "./debian";

/** Why it cannot run here; undefined where it can. */
export const NO_TESTSSL = existsSync("/usr/bin/apt-get") ? undefined : "needs Debian's package testssl.sh";

/** What it says about one thing that it has looked at. Source: testssl.sh 3.0.8, its flat JSON. */
export interface Finding {
    readonly url: string;
    readonly id: string;
    readonly severity: "OK" | "INFO" | "LOW" | "MEDIUM" | "HIGH" | "CRITICAL" | "WARN" | "DEBUG" | "FATAL";
    readonly finding: string;
}

/** Protocols, ciphers, forward secrecy, preferences, certificate, headers, known vulnerabilities. */
const CHECKS = ["-p", "-s", "-f", "-P", "-S", "-h", "-U"];

/** Looks at sites on the loopback, at all of them at once. @param ca The one authority to trust besides the public ones, PEM. */
export async function testssl(urls: readonly string[], ca: string): Promise<Finding[]> {
    const cache = join(ROOT, ".cache", "tests", "testssl");
    mkdirSync(cache, { recursive: true });
    // It wants a program that asks DNS, although it is told the address and to ask nothing.
    const root = await unpack(["testssl.sh", "bsdextrautils", "bind9-host"], cache);
    return (await Promise.all(urls.map((url) => look(url, ca, root, mkdtempSync(join(cache, "run-")))))).flat();
}

async function look(url: string, ca: string, root: string, folder: string): Promise<Finding[]> {
    writeFileSync(join(folder, "ca.pem"), ca);
    const where = ["--ip", "127.0.0.1", "--nodns", "none", "--add-ca", "ca.pem"];
    const how = ["--quiet", "--color", "0", "--warnings", "off", "--jsonfile", "findings.json"];
    const bin = join(root, "usr", "bin");
    const { text } = await attempt(join(bin, "testssl"), [...CHECKS, ...where, ...how, url], {
        cwd: folder,
        env: {
            ...process.env,
            PATH: `${bin}${delimiter}${process.env.PATH}`,
            TESTSSL_INSTALL_DIR: join(root, "etc", "testssl"),
        },
    });
    const findings = JSON.parse(readFileSync(join(folder, "findings.json"), "utf8")) as Omit<Finding, "url">[];
    rmSync(folder, { recursive: true });
    if (!findings.some(({ id }) => id === "scanTime")) {
        throw new Error(`testssl did not come to its end:\n${text}`);
    }
    return findings.map((finding) => ({ ...finding, url }));
}
