/** Likely causes of errors that say by themselves what is wrong, with their cures, as data. */

/** What cures name. */
export interface CommandLineCures {
    readonly stack: string;
    /** What names of the stack's containers start with. */
    readonly prefix: string;
}

export interface Cause {
    readonly cause: string;
    readonly cure: string;
}

/** A server behind the edge did not answer. */
export class NoServer extends Error {
    constructor(
        readonly server: "authelia" | "ocis",
        message: string,
    ) {
        super(message);
    }
}

/** By code of an error of Node. Source: Node's documentation of errors and tls, X509 certificate error codes. */
const BY_CODE: Readonly<Record<string, (cures: CommandLineCures) => Cause>> = {
    ENOTFOUND: () => ({ cause: "the name is not in DNS", cure: "make an A or AAAA record for it; docs/operations.md" }),
    EAI_AGAIN: () => ({ cause: "this machine reaches no DNS server", cure: "check the network and resolver of this machine" }),
    ECONNREFUSED: ({ prefix }) => ({
        cause: "nothing listens there: the edge does not run, or the name leads to another machine",
        cure: `docker start ${prefix}edge, or correct the DNS record`,
    }),
    ETIMEDOUT: () => ({ cause: "a firewall or router drops the packets", cure: "let the port through to the Docker host" }),
    ERR_TLS_CERT_ALTNAME_INVALID: ({ stack }) => ({
        cause: "the certificate is for another name",
        cure: `put a certificate for both names in place and run npm run pulumi -- up --stack ${stack}`,
    }),
    CERT_HAS_EXPIRED: ({ stack }) => ({
        cause: "the certificate was not renewed",
        cure: `npm run pulumi -- up --stack ${stack} renews it; in mode acme docker logs of the edge says what hinders it`,
    }),
    ...Object.fromEntries(
        [
            "SELF_SIGNED_CERT_IN_CHAIN",
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "CERT_SIGNATURE_FAILURE",
        ].map((code) => [
            code,
            ({ stack }: CommandLineCures) => ({
                cause: "another authority has issued the certificate than the one that clients trust, or something in between ends TLS",
                cure: `check what answers at that address; npm run pulumi -- up --stack ${stack} puts the stack's certificate back`,
            }),
        ]),
    ),
};

/** The cause that an error tells, or what caused it; undefined where none does. */
export function causeOf(error: unknown, cures: CommandLineCures): Cause | undefined {
    for (let at = error; at instanceof Error; at = at.cause) {
        if (at instanceof NoServer) {
            const container = `${cures.prefix}${at.server}`;
            return {
                cause: `the edge runs, but ${at.server === "ocis" ? "oCIS" : "Authelia"} behind it does not`,
                cure: `docker start ${container}; docker logs ${container} says why it ended`,
            };
        }
        const found = BY_CODE[(at as { code?: string }).code ?? ""];
        if (found !== undefined) {
            return found(cures);
        }
    }
    return undefined;
}
