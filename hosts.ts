/** The public names of a stack and their URLs, as a pure function of the domain: all are known before anything exists. */

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
    /**
     * LLDAP's page, where people live there. Below Authelia's name: whoever has signed in there is known to all names below it, and to no
     * others of the domain, ownCloud's least of all.
     */
    readonly users?: Host;
}

/** What the hosts depend on. */
export interface HostsInput {
    readonly domain: string;
    /** Port under which the edge is reached from outside. */
    readonly httpsPort: number;
    readonly directory?: { readonly mode: string };
}

export function hostsOf({ domain, httpsPort, directory }: HostsInput): Hosts {
    const host = (label: string): Host => {
        const name = `${label}.${domain}`;
        return { name, url: `https://${name}${httpsPort === 443 ? "" : `:${httpsPort}`}` };
    };
    const both = { auth: host("auth"), cloud: host("owncloud") };
    return directory?.mode === "lldap" ? { ...both, users: host("users.auth") } : both;
}

/** All of them, in the order in which people read them. */
export function allHosts({ auth, cloud, users }: Hosts): Host[] {
    return [auth, cloud, ...(users === undefined ? [] : [users])];
}
