/**
 * Checks of what Pulumi's docker provider is told of its engine. Its keys are the provider's own; here stands what cannot be used with this
 * program, or would leave the engine, which is as good as root on its machine, to whoever is on the way.
 */
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";

import { engineKeys, TLS_FILES } from "../system/docker-engine";
import { Fault } from "./fault";
import { isLoopback } from "./tls";

/** Keys of the provider that the docker command has no equal of, which the program asks besides, and what serves in their place. */
const UNUSABLE: Readonly<Record<string, string>> = {
    "docker:sshOpts":
        "no such key here, because the docker command, which is asked too, reads ~/.ssh/config alone: put them there",
    ...Object.fromEntries(
        ["docker:caMaterial", "docker:certMaterial", "docker:keyMaterial"].map((key) => [
            key,
            "no such key here, because the docker command, which is asked too, reads files alone: give their folder as docker:certPath",
        ]),
    ),
};

/** Forms of an address that provider and command both know. */
const HOST = /^(?:unix:\/\/\/.+|npipe:\/\/.+|(ssh|tcp):\/\/(?:[^@/]+@)?(\[[^\]]+\]|[^:/]+)(?::\d+)?(?:\/.*)?)$/;

/**
 * What is wrong with an engine's keys.
 *
 * @param configuration Every text of the stack's configuration by key, "docker:host" among them.
 * @param environment With DOCKER_HOST and DOCKER_CERT_PATH, which hold where the keys are not given.
 */
export function engineFaults(
    configuration: Readonly<Record<string, unknown>>,
    environment: Readonly<Record<string, string | undefined>> = process.env,
): Fault[] {
    const unusable = Object.entries(UNUSABLE)
        .filter(([key]) => key in configuration)
        .map(([key, allowed]): Fault => ({ path: [key], value: "[not shown]", allowed, cures: [{ remove: [key] }] }));
    const { context, host = context === undefined ? environment.DOCKER_HOST : undefined, certPath } = engineKeys(configuration);
    const missing = certPath === undefined ? [] : Object.values(TLS_FILES).filter((file) => !existsSync(join(certPath, file)));
    const path = ["docker:certPath"];
    const certificates: Fault[] =
        missing.length === 0
            ? []
            : [
                  {
                      path,
                      value: certPath,
                      allowed: `a folder with ${Object.values(TLS_FILES).join(", ")}; there is no ${missing.join(", ")}`,
                      cures: [{ remove: path }],
                  },
              ];
    return [...unusable, ...certificates, ...(host ? hostFaults(host, certPath ?? environment.DOCKER_CERT_PATH) : [])];
}

/** Whether nobody is on the way to a name: as when ssh or a tunnel listens there. */
function isThisMachine(name: string): boolean {
    const address = name.replace(/^\[|\]$/g, "");
    return address === "localhost" || (isIP(address) !== 0 && isLoopback(address));
}

function hostFaults(host: string, certPath: string | undefined): Fault[] {
    const path = ["docker:host"];
    const [known, scheme, name] = HOST.exec(host) ?? [];
    const bySsh = { set: path, to: `ssh://root@${name ?? "cloud.example.com"}` } as const;
    if (known === undefined) {
        return [
            {
                path,
                value: host,
                allowed: "ssh://user@host, tcp://host:port with docker:certPath, unix:///path",
                cures: [bySsh],
            },
        ];
    }
    if (scheme !== "tcp" || certPath !== undefined || isThisMachine(name!)) {
        return [];
    }
    return [
        {
            path,
            value: host,
            allowed:
                "ssh://user@host, or tcp:// with docker:certPath, the folder with the certificates: without them whoever is on the way " +
                "is root on that machine",
            cures: [bySsh],
            otherwise: {
                when: "where the engine asks for certificates",
                cures: [{ set: ["docker:certPath"], to: `/home/me/.docker/${name}` }],
            },
        },
    ];
}
