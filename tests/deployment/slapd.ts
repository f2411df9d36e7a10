/**
 * A real OpenLDAP server for tests: Debian's slapd, unpacked into the cache without being installed, on the address of the
 * Docker host that containers reach, with a certificate of an authority of its own.
 */
import { ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Authority } from "../authority";
import { ROOT } from "../../system/folders";
import { run } from "../../system/run";
import { librariesBelow, unpack } from "./debian";
import { freePort } from "../../system/free-port";
import { hostAddress, listening, stop } from "./stack";

/** Debian's packages with the server, its command line, and what the server is linked with and few machines have. */
const PACKAGES = ["slapd", "ldap-utils", "libltdl7", "libodbc2", "libwrap0"];

/** Why there can be no server here; undefined where there can. */
export const NO_SLAPD = existsSync("/usr/bin/apt-get") ? undefined : "needs Debian's package slapd";

const BASE_DN = "dc=example,dc=com";

/** The account that may search, and nothing else. */
const READER_DN = `cn=reader,${BASE_DN}`;

/** A person in the directory. */
export interface Person {
    readonly uid: string;
    readonly password: string;
    /** Further attributes. */
    readonly more?: Readonly<Record<string, string>>;
}

export class Slapd {
    readonly readerPassword = randomBytes(12).toString("hex");
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
     * Starts a server that has nothing but the account that searches.
     *
     * @param listen At which address; by default at that of this machine's engine.
     */
    static async start(listen?: string): Promise<Slapd> {
        const cache = join(ROOT, ".cache", "tests", "slapd");
        mkdirSync(cache, { recursive: true });
        const root = await unpack(PACKAGES, cache);
        const address = listen ?? (await hostAddress());
        const slapd = new Slapd(mkdtempSync(join(cache, "run-")), root, address, await freePort());
        await slapd.serve();
        await slapd.add(`dn: ${BASE_DN}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n`);
        await slapd.add(
            `dn: ${READER_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n` +
                `userPassword: ${slapd.readerPassword}\n`,
        );
        return slapd;
    }

    private get url(): string {
        return `ldaps://${this.address}:${this.port}`;
    }

    /** What a stack is told of it; who is a "former" employee does not get in. */
    get settings() {
        return {
            mode: "ldap",
            preset: "openldap",
            url: this.url,
            authority: this.certification.root,
            baseDn: BASE_DN,
            bindDn: READER_DN,
            bindPassword: this.readerPassword,
            userFilter: "(!(employeeType=former))",
        };
    }

    private async serve(): Promise<void> {
        const { certificate, key } = this.certification.issue(`IP:${this.address}`);
        const files = { "server.pem": certificate, "server.key": key, "ca.pem": this.certification.root };
        for (const [name, content] of Object.entries(files)) {
            writeFileSync(join(this.folder, name), content, { mode: 0o600 });
        }
        mkdirSync(join(this.folder, "data"));
        const schemas = ["core", "cosine", "inetorgperson"];
        const lines = [
            ...schemas.map((schema) => `include ${this.root}/etc/ldap/schema/${schema}.schema`),
            `modulepath ${this.root}/usr/lib/ldap`,
            "moduleload back_mdb",
            `TLSCertificateFile ${this.folder}/server.pem`,
            `TLSCertificateKeyFile ${this.folder}/server.key`,
            "database mdb",
            `directory ${this.folder}/data`,
            `suffix ${BASE_DN}`,
            `rootdn cn=root,${BASE_DN}`,
            `rootpw ${this.rootPassword}`,
            "access to attrs=userPassword by anonymous auth by * none",
            `access to * by dn.exact=${READER_DN} read by * none`,
        ];
        writeFileSync(join(this.folder, "slapd.conf"), `${lines.join("\n")}\n`, { mode: 0o600 });
        // "-d none" keeps it in the foreground; what it says then is why it could not start.
        const args = ["-f", `${this.folder}/slapd.conf`, "-h", this.url, "-d", "none"];
        const server = spawn(`${this.root}/usr/sbin/slapd`, args, { env: this.environment(), stdio: "inherit" });
        this.server = server;
        await listening(server, this.port, this.address);
    }

    private environment(): NodeJS.ProcessEnv {
        return {
            ...process.env,
            LD_LIBRARY_PATH: librariesBelow(this.root),
            LDAPTLS_CACERT: join(this.folder, "ca.pem"),
        };
    }

    /** Runs one of the commands of ldap-utils as the directory's administrator. */
    private async command(name: string, args: readonly string[], input = ""): Promise<void> {
        const bind = ["-x", "-H", this.url, "-D", `cn=root,${BASE_DN}`, "-w", this.rootPassword];
        await run(`${this.root}/usr/bin/${name}`, [...bind, ...args], { input, env: this.environment() });
    }

    /** Adds an entry, LDIF. */
    private add(entry: string): Promise<void> {
        return this.command("ldapmodify", ["-a"], entry);
    }

    private dn(uid: string): string {
        return `uid=${uid},${BASE_DN}`;
    }

    addPerson({ uid, password, more = {} }: Person): Promise<void> {
        const attributes = {
            cn: `${uid} Example`,
            sn: "Example",
            displayName: `${uid} Example`,
            mail: `${uid}@example.com`,
            userPassword: password,
            ...more,
        };
        const lines = Object.entries(attributes).map(([name, value]) => `${name}: ${value}\n`);
        return this.add(`dn: ${this.dn(uid)}\nobjectClass: inetOrgPerson\nuid: ${uid}\n${lines.join("")}`);
    }

    addGroup(name: string, members: readonly string[]): Promise<void> {
        const lines = members.map((uid) => `member: ${this.dn(uid)}\n`);
        return this.add(`dn: cn=${name},${BASE_DN}\nobjectClass: groupOfNames\ncn: ${name}\n${lines.join("")}`);
    }

    /** Sets an attribute of a person. */
    change(uid: string, attribute: string, value: string): Promise<void> {
        return this.command("ldapmodify", [], `dn: ${this.dn(uid)}\nreplace: ${attribute}\n${attribute}: ${value}\n`);
    }

    removePerson(uid: string): Promise<void> {
        return this.command("ldapdelete", [this.dn(uid)]);
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
