/**
 * Another machine for tests: an engine of its own (own-engine.ts) at the end of a cable, with an address, Debian's OpenSSH server, and the
 * engine's own port, which asks for certificates. It has neither a disk nor a clock of its own, and the cable loses nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, Server } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";

import { run } from "../../system/run";
import { Authority } from "../authority";
import { librariesBelow, unpack } from "./debian";
import { NO_OWN_ENGINE, OwnEngine } from "./own-engine";
import { docker, listening } from "./stack";

/** Addresses at both ends, of a block that is set aside for tests between networks (RFC 2544). */
const HERE = "198.18.77.1";
const THERE = "198.18.77.2";

/** The engine's port with TLS; Docker's own choice. */
const TLS_PORT = 2376;

/** Debian's packages with both ends of ssh, and what the server is linked with and few machines have. */
const PACKAGES = ["openssh-server", "openssh-client", "libwrap0", "libfido2-1", "libcbor0.8"];

/** Why there can be no such machine here; undefined where there can. */
export const NO_REMOTE_MACHINE = NO_OWN_ENGINE;

export class RemoteMachine {
    readonly address = THERE;
    private readonly engine: OwnEngine;
    private readonly authority = new Authority();
    private readonly listeners: Server[] = [];

    private constructor(name: string) {
        this.engine = new OwnEngine(name);
    }

    /** Switches one on that has these images of this machine's engine, some of them under a further name. */
    static async on(
        name: string,
        images: readonly string[],
        further: Readonly<Record<string, string>> = {},
    ): Promise<RemoteMachine> {
        const machine = new RemoteMachine(name);
        await machine.switchOn();
        await machine.engine.load(images);
        for (const [image, tag] of Object.entries(further)) {
            await docker("--host", machine.engine.host, "tag", image, tag);
        }
        return machine;
    }

    /** For `docker:host`. */
    readonly bySsh = `ssh://root@${THERE}`;
    readonly byTls = `tcp://${THERE}:${TLS_PORT}`;

    /** For `docker:certPath`. */
    get certPath(): string {
        return join(this.engine.folder, "client");
    }

    /** Goes before PATH: its `ssh` has the key for the machine, and knows the machine's own. */
    get programs(): string {
        return join(this.engine.folder, "programs");
    }

    private async switchOn(): Promise<void> {
        const { folder } = this.engine;
        const [server, client] = [join(folder, "server"), this.certPath];
        for (const [place, { certificate, key }] of [
            [server, this.authority.issue(`IP:${THERE}`)],
            [client, this.authority.issue("DNS:operator.example.com")],
        ] as const) {
            mkdirSync(place);
            for (const [file, text] of Object.entries({
                "ca.pem": this.authority.root,
                "cert.pem": certificate,
                "key.pem": key,
            })) {
                writeFileSync(join(place, file), text, { mode: 0o600 });
            }
        }
        const tls = ["--tlsverify", "--tlscacert", "ca.pem", "--tlscert", "cert.pem", "--tlskey", "key.pem"];
        const inServer = tls.map((word) => (word.endsWith(".pem") ? join(server, word) : word));
        // The second is where `docker` looks by itself, as it does when ssh has started it.
        await this.engine.powerOn(["--host", `tcp://0.0.0.0:${TLS_PORT}`, "--host", "unix:///run/docker.sock", ...inServer]);
        const told = (device: string) => ["address", "add", `${HERE}/30`, "dev", device];
        await this.engine.connect(`${THERE}/30`, { process: process.pid, told });
        await this.serveSsh();
    }

    private async serveSsh(): Promise<void> {
        const { folder } = this.engine;
        const root = await unpack(PACKAGES, folder);
        const libraries = librariesBelow(root);
        mkdirSync(this.programs);
        for (const name of ["host", "user"]) {
            await run("sh", [
                "-c",
                `LD_LIBRARY_PATH=${libraries} ${root}/usr/bin/ssh-keygen -q -t ed25519 -N '' -f ${folder}/${name}`,
            ]);
        }
        writeFileSync(
            join(folder, "sshd_config"),
            [
                `ListenAddress ${THERE}`,
                `HostKey ${folder}/host`,
                `AuthorizedKeysFile ${folder}/user.pub`,
                "PasswordAuthentication no",
                "PidFile none",
                "StrictModes no", // the keys lie below the repository
                "",
            ].join("\n"),
        );
        // The server gives up root to an account that its package makes.
        const passwd = readFileSync("/etc/passwd", "utf8");
        writeFileSync(
            join(folder, "passwd"),
            /^sshd:/m.test(passwd) ? passwd : `${passwd}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`,
        );
        const serve = `mount --bind ${folder}/passwd /etc/passwd && mkdir -p /run/sshd && exec ${root}/usr/sbin/sshd -D -e -f ${folder}/sshd_config`;
        const server = this.engine.start("env", [`LD_LIBRARY_PATH=${libraries}`, "sh", "-c", serve], "sshd.log");
        await listening(server, 22, THERE);

        writeFileSync(join(folder, "known_hosts"), `${THERE} ${readFileSync(join(folder, "host.pub"), "utf8")}`);
        const known = `-o UserKnownHostsFile=${folder}/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes -i ${folder}/user`;
        const ssh = `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${root}/usr/bin/ssh ${known} "$@"\n`;
        writeFileSync(join(this.programs, "ssh"), ssh, { mode: 0o755 });
    }

    /** Leads a port of this machine's loopback there, as a name in the DNS would lead people. */
    async lead(port: number): Promise<void> {
        const listener = createServer((here) => pipeline(here, connect(port, THERE), here, () => undefined));
        this.listeners.push(listener);
        await new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
    }

    /** A folder of its own disk. */
    disk(name: string): string {
        const folder = join(this.engine.folder, "disk", name);
        mkdirSync(folder, { recursive: true });
        return folder;
    }

    /** Switches it off and removes everything. */
    async remove(): Promise<void> {
        this.listeners.forEach((listener) => listener.close());
        this.authority.close();
        await this.engine.remove();
    }
}
