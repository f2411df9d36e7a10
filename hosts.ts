/** The two public names of a stack and their URLs, as a pure function of the domain: both are known before anything exists. */

/** One site that the edge serves. */
export interface Host {
    /** Such as "auth.example.com". */
    readonly name: string;
    /** Without a trailing slash, with the port only where it is not 443: "https://auth.ocis.localhost:8443". */
    readonly url: string;
}

/** The hosts of a stack. */
export interface Hosts {
    /** Authelia, whose URL is the OpenID Connect issuer. */
    readonly auth: Host;
    /** ownCloud. */
    readonly cloud: Host;
}

/** @param httpsPort Port under which the edge is reached from outside. */
export function hostsOf({ domain, httpsPort }: { domain: string; httpsPort: number }): Hosts {
    const host = (label: string): Host => {
        const name = `${label}.${domain}`;
        return { name, url: `https://${name}${httpsPort === 443 ? "" : `:${httpsPort}`}` };
    };
    return { auth: host("auth"), cloud: host("owncloud") };
}
