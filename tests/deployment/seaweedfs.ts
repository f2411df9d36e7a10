/**
 * A real S3 server for tests: SeaweedFS, built from its Go module, on the address of the Docker host that containers reach, over TLS with a
 * certificate of an authority of its own. It can be ended and started again with what it has stored.
 */
import { ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../system/folders";
import { freePort } from "../../system/free-port";
import { Authority } from "../authority";
import { goPrograms } from "./go-programs";
import { hostAddress, listening, stop } from "./stack";

/** Folder of the Go module that pins it. */
const MODULE = join(__dirname, "seaweedfs");

const PROGRAM = "github.com/seaweedfs/seaweedfs/weed";

export class SeaweedFs {
    readonly bucket = "cloud";
    readonly accessKey = `canary${randomBytes(8).toString("hex")}`;
    readonly secretKey = `canary${randomBytes(16).toString("hex")}`;
    private readonly certification = new Authority();
    private server?: ChildProcess;

    private constructor(
        private readonly program: string,
        private readonly folder: string,
        private readonly address: string,
        private readonly ports: Readonly<Record<"s3" | "master" | "volume" | "filer", readonly [number, number]>>,
    ) {}

    /**
     * Starts a server that has nothing.
     *
     * @param listen At which address; by default at that of this machine's engine.
     */
    static async start(listen?: string): Promise<SeaweedFs> {
        const program = join(await goPrograms("SeaweedFS", MODULE, [PROGRAM]), "weed");
        const cache = join(ROOT, ".cache", "tests", "seaweedfs");
        mkdirSync(cache, { recursive: true });
        const pair = async () => [await freePort(), await freePort()] as const;
        const ports = { s3: await pair(), master: await pair(), volume: await pair(), filer: await pair() };
        const server = new SeaweedFs(program, mkdtempSync(join(cache, "run-")), listen ?? (await hostAddress()), ports);
        const { certificate, key } = server.certification.issue(`IP:${server.address}`);
        const { accessKey, secretKey } = server;
        const identity = { name: "cloud", credentials: [{ accessKey, secretKey }], actions: ["Admin"] };
        const files = { "s3.pem": certificate, "s3.key": key, "s3.json": JSON.stringify({ identities: [identity] }) };
        for (const [name, content] of Object.entries(files)) {
            writeFileSync(join(server.folder, name), content, { mode: 0o600 });
        }
        await server.serve();
        return server;
    }

    /** What a stack is told of it. */
    get settings() {
        const { bucket, accessKey, secretKey } = this;
        const endpoint = `https://${this.address}:${this.ports.s3[0]}`;
        return { mode: "s3", endpoint, bucket, accessKey, secretKey, authority: this.certification.root };
    }

    /** Starts it with what it has. */
    async serve(): Promise<void> {
        const { folder, address, ports } = this;
        const listened = Object.entries(ports).flatMap(([name, [port, grpc]]) => [
            `-${name}.port=${port}`,
            `-${name}.port.grpc=${grpc}`,
        ]);
        const options = [
            `-dir=${folder}`,
            `-ip=${address}`,
            `-ip.bind=${address}`,
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=20",
            "-s3",
            `-s3.config=${folder}/s3.json`,
            `-s3.cert.file=${folder}/s3.pem`,
            `-s3.key.file=${folder}/s3.key`,
            ...listened,
        ];
        this.server = spawn(this.program, ["server", ...options], { cwd: folder, stdio: "ignore" });
        await listening(this.server, ports.s3[0], address);
    }

    /** Ends it without a word. */
    async kill(): Promise<void> {
        const ended = new Promise((resolve) => this.server!.once("exit", resolve));
        this.server!.kill("SIGKILL");
        await ended;
        this.server = undefined;
    }

    /** Stops it and deletes what it stored. */
    async stop(): Promise<void> {
        if (this.server !== undefined) {
            await stop(this.server);
        }
        this.certification.close();
        rmSync(this.folder, { recursive: true });
    }
}
