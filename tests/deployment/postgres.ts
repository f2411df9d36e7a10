/**
 * A real PostgreSQL server for tests: Debian's, unpacked into the cache without being installed, on the address of the Docker host that
 * containers reach. It takes connections over TLS alone, with a certificate of an authority of its own.
 */
import { ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Authority } from "../authority";
import { ROOT } from "../../system/folders";
import { freePort } from "../../system/free-port";
import { run } from "../../system/run";
import { librariesBelow, unpack } from "./debian";
import { hostAddress, listening, stop } from "./stack";

/** Debian's packages with the server, its command line, and what few machines have of that with which both are linked. */
const PACKAGES = ["postgresql-15", "postgresql-client-15", "libpq5", "libxslt1.1"];

/** Why there can be no server here; undefined where there can. It refuses to be root, and only root becomes somebody else. */
export const NO_POSTGRES =
    existsSync("/usr/bin/apt-get") && process.getuid?.() === 0 ? undefined : "needs Debian's package postgresql-15, and root";

/** Whom it runs as: nobody. */
const UID = 65534;

const DATABASE = "authelia";

export class Postgres {
    readonly password = `canary-${randomBytes(12).toString("hex")}`;
    private readonly rootPassword = randomBytes(12).toString("hex");
    private readonly certification = new Authority();

    private constructor(
        private readonly folder: string,
        private readonly root: string,
        private readonly address: string,
        private readonly port: number,
    ) {}

    private server?: ChildProcess;

    /**
     * Starts a server that has an empty database.
     *
     * @param listen At which address; by default at that of this machine's engine.
     */
    static async start(listen?: string): Promise<Postgres> {
        const cache = join(ROOT, ".cache", "tests", "postgres");
        mkdirSync(cache, { recursive: true });
        const root = await unpack(PACKAGES, cache);
        const postgres = new Postgres(
            mkdtempSync(join(cache, "run-")),
            root,
            listen ?? (await hostAddress()),
            await freePort(),
        );
        await postgres.serve();
        await postgres.ask(`CREATE ROLE ${DATABASE} LOGIN PASSWORD '${postgres.password}'`, "postgres");
        await postgres.ask(`CREATE DATABASE ${DATABASE} OWNER ${DATABASE}`, "postgres");
        return postgres;
    }

    /** What a stack is told of it. */
    get settings() {
        const { address: host, port, password } = this;
        return { mode: "external-postgres", host, port, password, authority: this.certification.root };
    }

    private async serve(): Promise<void> {
        const { folder } = this;
        const { certificate, key } = this.certification.issue(`IP:${this.address}`);
        const files = {
            "server.pem": certificate,
            "server.key": key,
            "ca.pem": this.certification.root,
            password: this.rootPassword,
            "pg_hba.conf": "hostssl all all 0.0.0.0/0 scram-sha-256\n",
        };
        for (const [name, content] of Object.entries(files)) {
            writeFileSync(join(folder, name), content, { mode: 0o600 });
            chownSync(join(folder, name), UID, UID);
        }
        chownSync(folder, UID, UID);
        const asNobody = ["--reuid", String(UID), "--regid", String(UID), "--clear-groups"];
        const env = this.environment();
        const made = [
            "--pgdata",
            `${folder}/data`,
            "--username",
            "root",
            "--auth",
            "scram-sha-256",
            "--pwfile",
            `${folder}/password`,
        ];
        const plain = ["--encoding", "UTF8", "--no-locale", "--no-sync"];
        await run("setpriv", [...asNobody, this.program("initdb"), ...made, ...plain], { env });
        const options = {
            listen_addresses: this.address,
            port: this.port,
            unix_socket_directories: "",
            hba_file: `${folder}/pg_hba.conf`,
            ssl: "on",
            ssl_cert_file: `${folder}/server.pem`,
            ssl_key_file: `${folder}/server.key`,
        };
        const args = Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
        this.server = spawn("setpriv", [...asNobody, this.program("postgres"), "-D", `${folder}/data`, ...args], {
            env,
            stdio: "ignore",
        });
        await listening(this.server, this.port, this.address);
    }

    private program(name: string): string {
        return `${this.root}/usr/lib/postgresql/15/bin/${name}`;
    }

    private environment(): NodeJS.ProcessEnv {
        return {
            ...process.env,
            LD_LIBRARY_PATH: librariesBelow(this.root),
            PGPASSWORD: this.rootPassword,
            PGSSLMODE: "verify-full",
            PGSSLROOTCERT: join(this.folder, "ca.pem"),
        };
    }

    /** Runs statements, as the server's administrator, and returns what they say, a line a row. */
    ask(statements: string, database = DATABASE): Promise<string> {
        const where = ["--host", this.address, "--port", String(this.port), "--username", "root", "--dbname", database];
        const plainly = ["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set", "ON_ERROR_STOP=1"];
        return run(this.program("psql"), [...where, ...plainly], { env: this.environment(), input: statements });
    }

    /** Stops it and deletes what it stored. */
    async stop(): Promise<void> {
        if (this.server !== undefined) {
            // Otherwise it waits until its clients have gone, of which some may have been cut off.
            this.server.kill("SIGINT");
            await stop(this.server);
        }
        this.certification.close();
        rmSync(this.folder, { recursive: true });
    }
}
