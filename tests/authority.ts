/** A certificate authority for tests, by OpenSSL's command line: a root, and the certificates that descend from it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../system/folders";

/** What documents and cures call logo.svg. */
const LOGO = '<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>\n';

/** A certificate and its key, PEM. */
export interface Certified {
    readonly certificate: string;
    readonly key: string;
}

export class Authority {
    private readonly folder: string;
    /** Its root certificate, PEM. */
    readonly root: string;

    constructor() {
        const parent = join(ROOT, ".cache", "tests", "authorities");
        mkdirSync(parent, { recursive: true });
        this.folder = mkdtempSync(join(parent, "run-"));
        this.root = this.request("root").certificate;
    }

    /** A certificate that is valid for two days. @param names Such as "DNS:example.com" or "IP:127.0.0.1". */
    issue(...names: string[]): Certified {
        const signed = ["-CA", "root.pem", "-CAkey", "root.key", "-addext", "basicConstraints=critical,CA:FALSE"];
        return this.request("server", ...signed, "-addext", `subjectAltName=${names.join(",")}`);
    }

    /**
     * A folder with what documents and cures read: a logo, its root, and a certificate for `hosts` with its key; in the folder `cloud` all of it as
     * Docker calls it. Goes with the authority.
     */
    folderOfFiles(...hosts: string[]): string {
        const folder = mkdtempSync(join(this.folder, "files-"));
        const { certificate, key } = this.issue(...hosts.map((host) => `DNS:${host}`));
        const docker = { "cloud/ca.pem": this.root, "cloud/cert.pem": certificate, "cloud/key.pem": key };
        const files = { "fullchain.pem": certificate, "privkey.pem": key, "root.pem": this.root, "logo.svg": LOGO, ...docker };
        mkdirSync(join(folder, "cloud"));
        Object.entries(files).forEach(([name, text]) => writeFileSync(join(folder, name), text));
        return folder;
    }

    private request(name: string, ...more: string[]): Certified {
        const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`];
        const args = ["req", "-x509", ...key, "-out", `${name}.pem`, "-subj", `/CN=test ${name}`, "-days", "2", ...more];
        execFileSync("openssl", args, { cwd: this.folder, stdio: "pipe" });
        const read = (end: string) => readFileSync(join(this.folder, `${name}.${end}`), "utf8");
        return { certificate: read("pem"), key: read("key") };
    }

    /** Deletes its keys. */
    close(): void {
        rmSync(this.folder, { recursive: true });
    }
}
