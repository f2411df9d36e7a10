/** A real nginx for tests: Debian's, unpacked into the cache without being installed, on every address of this machine. */
import { ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";

import { Certified } from "../authority";
import { ROOT } from "../../system/folders";
import { unpack } from "./debian";
import { listening, stop } from "./stack";

/** Why there can be no server here; undefined where there can. */
export const NO_NGINX = existsSync("/usr/bin/apt-get") ? undefined : "needs Debian's package nginx";

export class Nginx {
    private constructor(
        private readonly folder: string,
        private readonly server: ChildProcess,
    ) {}

    /**
     * Starts it with server blocks whose certificate is `certificate.pem` and `certificate.key`.
     *
     * @param port One that the blocks listen on.
     */
    static async start(servers: string, { certificate, key }: Certified, port: number): Promise<Nginx> {
        const cache = join(ROOT, ".cache", "tests", "nginx");
        mkdirSync(cache, { recursive: true });
        const root = await unpack(["nginx"], cache);
        const folder = mkdtempSync(join(cache, "run-"));
        writeFileSync(join(folder, "certificate.pem"), certificate);
        writeFileSync(join(folder, "certificate.key"), key, { mode: 0o600 });
        const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
            (name) => `${name}_temp_path ${folder}/${name};`,
        );
        const http = ["access_log off;", ...paths, servers].join("\n");
        const global = `daemon off;\nuser ${userInfo().username};\npid ${folder}/pid;\nerror_log stderr error;\nevents {}\n`;
        writeFileSync(join(folder, "nginx.conf"), `${global}http {\n${http}\n}\n`);
        const args = ["-p", folder, "-e", "stderr", "-c", "nginx.conf"];
        const server = spawn(join(root, "usr", "sbin", "nginx"), args, { stdio: "inherit" });
        await listening(server, port);
        return new Nginx(folder, server);
    }

    /** Stops it and deletes its files. */
    async stop(): Promise<void> {
        await stop(this.server);
        rmSync(this.folder, { recursive: true });
    }
}
