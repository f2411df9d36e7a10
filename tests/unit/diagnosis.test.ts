/** What a person reads when Docker refuses. The messages explained here are Docker's own, copied from real runs. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { explain, mask, menderFor } from "../../components/diagnosis";
import { publishedPorts } from "../../components/edge";
import { COMMAND_LINE, settingsOf } from "../configuration";

const CONTAINER = "docker:index/container:Container";
const IMAGE = "docker:index/remoteImage:RemoteImage";

/** What is said of an error of a workload that publishes the edge's ports. */
function explained(type: string, error: string, values: Record<string, unknown> = {}) {
    const imageCure = { set: ["images", "caddy"], to: "caddy:2" };
    return explain(
        { imageCure, ports: publishedPorts(settingsOf(values)), mender: menderFor(COMMAND_LINE) },
        "some/image:1",
        type,
        error,
    );
}

const allocated = (port: number) =>
    "Unable to start container: Error response from daemon: driver failed programming external connectivity on endpoint " +
    `x (abc): Bind for 127.0.0.1:${port} failed: port is already allocated`;

const listening = (protocol: string, port: number) =>
    `Unable to start container: Error starting userland proxy: listen ${protocol} 127.0.0.1:${port}: bind: address already in use`;

const PROXIED = { tls: { mode: "none" }, address: "127.0.0.1", httpPort: 8080 };

const BUSY: [what: string, error: string, values: Record<string, unknown>, said: RegExp][] = [
    [
        "the port for HTTPS",
        allocated(8443),
        { httpsPort: 8443 },
        /Port 8443 of 127\.0\.0\.1 [^]*config set httpsPort 9443 --stack test$/,
    ],
    [
        "the same by the engine's proxy",
        listening("tcp4", 8443),
        { httpsPort: 8443 },
        /Port 8443 of [^]*config set httpsPort 9443/,
    ],
    ["the port for plain HTTP", allocated(80), {}, /Port 80 of [^]*config set httpPort 0 --stack test$/],
    ["that of an edge behind a proxy", listening("tcp", 8080), PROXIED, /Port 8080 of [^]*config set httpPort 8081/],
    [
        "that of the second address, by the engine",
        allocated(443).replace("127.0.0.1", "::1"),
        { address: "127.0.0.1", secondAddress: "::1" },
        /Port 443 of ::1 [^]*config set httpsPort 9443 --stack test$/,
    ],
    [
        "that of the second address, by its proxy",
        listening("tcp6", 443).replace("127.0.0.1", "[::]"),
        { secondAddress: "::" },
        /Port 443 of :: is [^]*config set httpsPort 9443 --stack test$/,
    ],
    ["the port for HTTP/3", listening("udp4", 443), {}, /Port 443 \(UDP\) of [^]*config set http3 false --stack test$/],
];
for (const [what, error, values, said] of BUSY) {
    test(`a port in use is named with the key that owns it: ${what}`, () => {
        assert.match(explained(CONTAINER, error, values)!, said);
    });
}

test("a container of which the state knows nothing is named, with its removal", () => {
    const conflict =
        'Unable to create container: Error response from daemon: Conflict. The container name "/ocis-authelia-prod-edge" is already in use ' +
        'by container "abc". You have to remove (or rename) that container to be able to reuse that name.';
    assert.match(
        explained(CONTAINER, conflict)!,
        /knows nothing[^]*\n {4}docker rm --force --volumes ocis-authelia-prod-edge$/,
    );
});

test("in another program a cure names the argument", () => {
    assert.match(
        explain(
            {
                imageCure: { set: ["images", "caddy"], to: "caddy:2" },
                ports: publishedPorts(settingsOf()),
                mender: menderFor(undefined),
            },
            "",
            CONTAINER,
            allocated(443),
        )!,
        /another port:\n {4}httpsPort: 9443$/,
    );
});

test("an image that cannot be had is named by its key in the configuration", () => {
    const missing = "Unable to read Docker image into resource: unable to find or pull image some/image:1";
    const said = explained(IMAGE, missing)!;
    assert.match(said, /some\/image:1 cannot be had/);
    assert.match(said, /pulumi config set --path images\.caddy caddy:2 --stack test/);
});

test("secrets are masked in a log, keys and short words are not", () => {
    const secrets = ["session:\n  secret: 'canary-canary'\nkey: |\n  -----BEGIN KEY-----\n  MIIEabcdefgh\n"];
    const log = "jwt_secret has not been set; secret: canary-canary; MIIEabcdefgh; the key: short";
    assert.equal(mask(log, secrets), "jwt_secret has not been set; secret: [secret]; [secret]; the key: short");
});
