/** The certificate that a server shows. */
import { connect } from "node:tls";

import { tlsOptions } from "../client/browser";

/** How long a server may take, milliseconds. */
const TIMEOUT = 10_000;

/** Days before its end by which a certificate should have been renewed: Caddy and `up` do it with a third of the life left, 30 of 90 days. */
export const RENEWAL_DAYS = 21;

export interface Endpoint {
    /** The name that the certificate has to be for. */
    readonly name: string;
    /** Where the server is reached. */
    readonly host: string;
    readonly port: number;
    /** Root certificates of its authority where that is not a public one, PEM; they are trusted in the place of the public ones. */
    readonly ca?: string;
}

/**
 * When the certificate ends.
 *
 * @throws Error where nobody answers, or the certificate is none that a client would trust.
 */
export function certificateEnd({ name, host, port, ca }: Endpoint): Promise<Date> {
    return new Promise((resolve, reject) => {
        const socket = connect({ ...tlsOptions(ca), host, port, servername: name, timeout: TIMEOUT });
        socket.once("secureConnect", () => {
            const end = new Date(socket.getPeerCertificate().valid_to);
            socket.end();
            resolve(end);
        });
        socket.once("timeout", () => socket.destroy(new Error(`no answer within ${TIMEOUT / 1000} s`)));
        socket.once("error", reject);
    });
}
