/**
 * The other side of the benchmark: the three servers of a stack of ours by Docker Compose (compose.yaml), with the same files,
 * environment and port, so that the same browsers and people can use either. Only one of the two is up at a time.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { FILES_PATH, SECRETS_PATH } from "../../components/workload";
import { composeCommand } from "../../offline/compose";
import { ImageNames } from "../../operations/images";
import { ROOT } from "../../system/folders";
import { run } from "../../system/run";
import { Cloud } from "../deployment/cloud";
import { dockerLines, Stack } from "../deployment/stack";

/** The servers, by the names of their services. */
export type Server = "authelia" | "ocis" | "edge";

const SERVERS: readonly Server[] = ["authelia", "ocis", "edge"];

/** By where our servers find their files: the folder of the service that is mounted there. */
const MOUNTED: Readonly<Record<string, string>> = { [FILES_PATH]: "configuration", [SECRETS_PATH]: "secrets" };

/** A line that a server reads, below the project's folder, in two forms that differ in nothing that is measured. */
interface Line {
    readonly file: string;
    readonly forms: readonly [string, string];
}

/** What {@link Compose.change} changes: from the form that stands in the file to the other one. */
const LINES: Readonly<Record<Server, Line>> = {
    authelia: { file: "files/authelia/configuration/configuration.yml", forms: ["format: text", "format: json"] },
    ocis: { file: "ocis.env", forms: ["OCIS_LOG_LEVEL='warn'", "OCIS_LOG_LEVEL='error'"] },
    edge: { file: "files/edge/configuration/Caddyfile", forms: ["grace_period 20s", "grace_period 19s"] },
};

/** What the state says of a container, as far as it is taken over. */
interface Container {
    readonly name: string;
    readonly envs?: readonly string[];
    readonly uploads?: readonly { readonly file: string; readonly content: string }[];
    readonly healthcheck: { readonly tests: readonly string[] };
}

/** A value of the state's export with its secrets in clear, in which each secret is an object of its own. */
function plain(value: unknown): unknown {
    if (typeof value !== "object" || value === null) {
        return value;
    }
    if (Array.isArray(value)) {
        return value.map(plain);
    }
    const { plaintext } = value as { plaintext?: string };
    return plaintext === undefined
        ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
        : plain(JSON.parse(plaintext));
}

/** The containers of a stack, by their names without its prefix. */
async function containersOf(stack: Stack): Promise<Map<string, Container>> {
    const { stdout } = await stack.succeed("stack", "export", "--show-secrets");
    const { deployment } = JSON.parse(stdout) as { deployment: { resources: { type: string; inputs: unknown }[] } };
    return new Map(
        deployment.resources
            .filter(({ type }) => type === "docker:index/container:Container")
            .map(({ inputs }) => plain(inputs) as Container)
            .map((container) => [container.name.replace(stack.prefix, ""), container]),
    );
}

/** Lines of an environment file, in which nothing stands for anything else. */
function environmentFile(entries: readonly (readonly [string, string])[]): string {
    return entries
        .map(([key, value]) => {
            if (/['\n]/.test(value)) {
                throw new Error(`${key} cannot be written between single quotes on one line: ${value}`);
            }
            return `${key}='${value}'\n`;
        })
        .join("");
}

/** Servers by Docker Compose, in a folder of their own below .cache/tests. */
export class Compose {
    private readonly folder: string;

    private constructor(
        /** That of the project. */
        readonly name: string,
        private readonly command: readonly string[],
    ) {
        this.folder = join(ROOT, ".cache", "tests", name);
    }

    /**
     * Takes over what a stack's servers read. They publish the stack's port, so it has to be down before they come up. What an
     * interrupted run has left under the name is removed first.
     *
     * @param name Of the project, and not the stack's.
     */
    static async like({ stack, settings, url, issuer }: Cloud, name: string): Promise<Compose> {
        const compose = new Compose(name, await composeCommand((line) => console.log(line)));
        rmSync(compose.folder, { recursive: true, force: true });
        mkdirSync(compose.folder, { recursive: true, mode: 0o700 });
        const containers = await containersOf(stack);
        const images = settings.images as ImageNames;
        const variables: [string, string][] = [
            ["AUTHELIA_IMAGE", images.authelia],
            ["OCIS_IMAGE", images.ocis],
            ["CADDY_IMAGE", images.caddy],
            ["AUTH_NAME", new URL(issuer).hostname],
            ["CLOUD_NAME", new URL(url).hostname],
            ["HTTPS_PORT", String(settings.httpsPort)],
        ];
        for (const server of SERVERS) {
            const { envs = [], healthcheck } = containers.get(server)!;
            variables.push([`${server.toUpperCase()}_READY`, healthcheck.tests[1]!]);
            const environment = envs.map((line) => /^([^=]+)=(.*)$/s.exec(line)!.slice(1) as [string, string]);
            compose.write(`${server}.env`, environmentFile(environment));
            const carried = ["files", "secrets"].flatMap((use) => containers.get(`${server}-${use}`)?.uploads ?? []);
            for (const { file, content } of carried) {
                compose.write(join("files", server, MOUNTED[dirname(file)]!, basename(file)), content);
            }
        }
        compose.write(".env", environmentFile(variables));
        await compose.lose();
        return compose;
    }

    /** Writes a file of the project. Nobody else gets into its folder; the group is the one that `ownership` gives to files. */
    private write(file: string, content: string): void {
        const path = join(this.folder, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content);
        chmodSync(path, 0o640);
    }

    private run(...args: string[]): Promise<string> {
        const [program, ...first] = this.command as [string, ...string[]];
        const project = ["--project-name", this.name, "--project-directory", this.folder];
        return run(program, [...first, ...project, "--file", join(__dirname, "compose.yaml"), ...args]);
    }

    /** Brings the servers up, and returns once all of them are healthy. */
    async up(): Promise<void> {
        await this.run("up", "--detach", "--wait");
    }

    /** Takes them down; their data stay. */
    async down(): Promise<void> {
        await this.run("down");
    }

    /** Takes them down with their data; `up` makes everything anew. */
    async lose(): Promise<void> {
        await this.run("down", "--volumes");
    }

    /** The same, and forgets what they have read. */
    async forget(): Promise<void> {
        await this.lose();
        rmSync(this.folder, { recursive: true });
    }

    /**
     * Changes a line that a server reads, and puts a new container with it in the place of the old one; returns once it is healthy.
     * Compose looks into no file that is mounted, so a person has to tell it.
     */
    async change(server: Server): Promise<void> {
        const { file, forms } = LINES[server];
        const path = join(this.folder, file);
        const text = readFileSync(path, "utf8");
        const [from, to] = text.includes(forms[0]) ? forms : [forms[1], forms[0]];
        const changed = text.replace(from, to);
        if (changed === text) {
            throw new Error(`${path} has neither of the lines: ${forms.join(", ")}`);
        }
        writeFileSync(path, changed);
        await this.run("up", "--detach", "--wait", "--force-recreate", server);
    }

    /** Whether all three are healthy. */
    async isUp(): Promise<boolean> {
        const healthy = ["--filter", `label=com.docker.compose.project=${this.name}`, "--filter", "health=healthy"];
        return (await dockerLines("ps", "--quiet", ...healthy)).length === SERVERS.length;
    }

    /** Name of a server's container on the Docker host. */
    containerName(server: Server): string {
        return `${this.name}-${server}-1`;
    }
}
