/** PostgreSQL in the stack: Authelia's database as a server of its own. It speaks TLS alone, and knows one database with one account. */
import * as pulumi from "@pulumi/pulumi";

import { POSTGRES_IMAGE } from "../versions";
import { POSTGRES, POSTGRES_DATA, StateServer } from "./authelia/state";
import { serverCertificate } from "./certificates";
import { Mender } from "./diagnosis";
import { typeToken } from "./naming";
import { Network } from "./network";
import { password } from "./secrets";
import { FILES_PATH, SECRETS_PATH, Workload } from "./workload";

/** Where PostgreSQL puts its socket, which no image of it lets be moved for the first start. Source: docker-library/postgres, entry point. */
const SOCKET = "/run/postgresql";

/** Who may come: whoever is in the container, and the one account by TLS. Source: PostgreSQL's documentation, "The pg_hba.conf File". */
const ACCESS = `local all all trust\nhostssl ${POSTGRES.name} ${POSTGRES.user} all scram-sha-256\n`;

export interface PostgresArgs {
    readonly network: Network;
    readonly image: string;
    /** Whether the volume, and the password that stands in it, are protected from deletion. */
    readonly keepData: boolean;
    /** Nothing is made or changed before this is known. */
    readonly precondition: pulumi.Input<unknown>;
    readonly mender: Mender;
}

export class Postgres extends pulumi.ComponentResource implements StateServer {
    readonly authority: pulumi.Output<string>;
    readonly password: pulumi.Output<string>;
    readonly workload: Workload;

    constructor(name: string, args: PostgresArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Postgres"), name, {}, opts);
        const { image, keepData, mender, network, precondition } = args;
        const own = serverCertificate(`${name}-certificate`, POSTGRES.host, { parent: this });
        this.authority = own.certificate;
        this.password = password(`${name}-password`, 32, { parent: this, protect: keepData });
        const settings = {
            ssl: "on",
            ssl_cert_file: `${FILES_PATH}/server.pem`,
            ssl_key_file: `${SECRETS_PATH}/server.key`,
            hba_file: `${FILES_PATH}/pg_hba.conf`,
        };
        this.workload = new Workload(
            name,
            {
                host: POSTGRES.host,
                image: { name: image, cure: { set: ["images", "postgres"], to: POSTGRES_IMAGE } },
                precondition,
                command: ["postgres", ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`])],
                environment: {
                    // A folder below the volume, which it makes and closes to everybody else.
                    PGDATA: `${POSTGRES_DATA}/data`,
                    POSTGRES_DB: POSTGRES.name,
                    POSTGRES_USER: POSTGRES.user,
                    POSTGRES_PASSWORD_FILE: `${SECRETS_PATH}/password`,
                },
                files: [
                    { name: "server.pem", content: own.certificate },
                    { name: "pg_hba.conf", content: ACCESS },
                ],
                secretFiles: [
                    { name: "server.key", content: own.privateKey },
                    { name: "password", content: this.password },
                ],
                data: { path: POSTGRES_DATA, keepData },
                scratch: [SOCKET],
                // By TCP, on which the server of the first start, which makes the database, does not listen.
                ready: `pg_isready --quiet --host 127.0.0.1 --username ${POSTGRES.user}`,
                // Of which 128 MiB are its own cache by default.
                memory: 512,
                // At SIGTERM it waits for its clients to go.
                stopSignal: "SIGINT",
                network,
                mender,
            },
            { parent: this },
        );
        this.registerOutputs({});
    }
}
