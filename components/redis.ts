/** Redis in the stack: who is signed in at the portal, kept while Authelia starts anew, and while Redis does. It speaks TLS alone. */
import * as pulumi from "@pulumi/pulumi";

import { REDIS_IMAGE } from "../versions";
import { REDIS, StateServer } from "./authelia/state";
import { serverCertificate } from "./certificates";
import { Mender } from "./diagnosis";
import { typeToken } from "./naming";
import { Network } from "./network";
import { password } from "./secrets";
import { FILES_PATH, SECRETS_PATH, Workload } from "./workload";

/** Where its volume is. Not the image's own folder, which belongs to another user; see DataVolume. */
const DATA = "/sessions";

const CERTIFICATE = `${FILES_PATH}/server.pem`;

/** redis.conf. Source: Redis 7.2's own redis.conf, which says what each of these is. */
const configuration = (secret: string) => `port 0
tls-port ${REDIS.port}
tls-cert-file ${CERTIFICATE}
tls-key-file ${SECRETS_PATH}/server.key
tls-auth-clients no
requirepass ${secret}
dir ${DATA}
appendonly yes
save ""
`;

export interface RedisArgs {
    readonly network: Network;
    readonly image: string;
    /** Nothing is made or changed before this is known. */
    readonly precondition: pulumi.Input<unknown>;
    readonly mender: Mender;
}

export class Redis extends pulumi.ComponentResource implements StateServer {
    readonly authority: pulumi.Output<string>;
    readonly password: pulumi.Output<string>;
    readonly workload: Workload;

    constructor(name: string, args: RedisArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Redis"), name, {}, opts);
        const { image, mender, network, precondition } = args;
        const own = serverCertificate(`${name}-certificate`, REDIS.host, { parent: this });
        this.authority = own.certificate;
        this.password = password(`${name}-password`, 32, { parent: this });
        const ping = `redis-cli --tls --cacert ${CERTIFICATE} -h ${REDIS.host} ping`;
        this.workload = new Workload(
            name,
            {
                host: REDIS.host,
                image: { name: image, cure: { set: ["images", "redis"], to: REDIS_IMAGE } },
                precondition,
                entrypoint: ["redis-server"],
                command: [`${SECRETS_PATH}/redis.conf`],
                environment: {},
                files: [{ name: "server.pem", content: own.certificate }],
                secretFiles: [
                    { name: "server.key", content: own.privateKey },
                    { name: "redis.conf", content: this.password.apply(configuration) },
                    { name: "password", content: this.password },
                ],
                // Sessions end, and whoever signs in again has lost nothing.
                data: { path: DATA, keepData: false },
                ready: `REDISCLI_AUTH="$(cat ${SECRETS_PATH}/password)" ${ping} | grep -q PONG`,
                // A session takes some kB.
                memory: 256,
                network,
                mender,
            },
            { parent: this },
        );
        this.registerOutputs({});
    }
}
