/** A site: a public host and the container that answers for it. The edge serves a list of them. */
import { Host } from "../hosts";

/** A change of one query parameter, for requests that a client sends otherwise than the server needs them. */
export interface QueryRewrite {
    /** Exact path of the requests. */
    readonly path: string;
    /** Only requests with this value in a parameter. */
    readonly where?: { readonly parameter: string; readonly value: string };
    /** The parameter; a request without it is left alone. */
    readonly parameter: string;
    /** Not where the parameter already matches this regular expression. */
    readonly unless?: string;
    /** Regular expression; what it matches is replaced. Source of the syntax: Go's regexp. */
    readonly pattern: string;
    /** May refer to groups of the pattern: "$1". */
    readonly replacement: string;
}

/** Requests without a body before which the server is asked something else. */
export interface PrecededRequest {
    readonly method: string;
    /** Exact. */
    readonly path: string;
    /** Path that is asked first, by the same method and as the same client. The request goes on if the answer is a success. */
    readonly by: string;
}

/** Requests that nobody outside needs, or nobody may send. */
export interface Closed {
    /** Of the requests, with * for any end; with one at the front too, for any path that has it in it. */
    readonly paths: readonly string[];
    /** What the edge answers. */
    readonly status: 403 | 404;
    /** Only requests by this method; by every method by default. */
    readonly method?: string;
    /** Not where the whole body matches this regular expression. Of a body, no more than 1 kB is read. Go's syntax. */
    readonly unlessBody?: string;
}

/** Requests that cost the upstream so much that it gets few of them at once; the others wait for their turn. */
export interface Queue {
    /** With * for any end. */
    readonly paths: readonly string[];
    /** How many it gets at once, whatever else it is asked meanwhile. A burst may exceed it by one or two. */
    readonly atOnce: number;
}

/** A JSON object of the server in which members have other values. */
export interface JsonMembers {
    /** Regular expression of its path. Go's syntax. */
    readonly path: string;
    /** Without the signs of the edge's own: braces, < > and backticks. */
    readonly members: Readonly<Record<string, string>>;
}

/** Figures of a server in the form of Prometheus, at /metrics. */
export interface Metrics {
    /** What the server is called by whoever reads them. */
    readonly server: string;
    /** Name and port on the stack's network; plain HTTP. */
    readonly upstream: string;
}

/** Who says whether a request may reach the upstream. */
export interface Guard {
    /** Name and port on the stack's network; plain HTTP. */
    readonly upstream: string;
    /** Path that is asked with the request's headers; a success lets it through, and any other answer is the request's. */
    readonly path: string;
    /** Cookie by which the guard knows people, and which the upstream does not get. */
    readonly cookie: string;
}

/** Requests of a site that another server answers. */
export interface Branch {
    /** With * for any end. */
    readonly path: string;
    /** Name and port on the stack's network; plain HTTP. */
    readonly upstream: string;
}

export interface Site {
    readonly host: Host;
    /** Name and port on the stack's network, such as "authelia:9091"; plain HTTP. */
    readonly upstream: string;
    /** A URL without a path by which the server calls itself inside; clients are sent to the public one in its place. */
    readonly inside?: string;
    readonly rewrites: readonly QueryRewrite[];
    readonly closed?: readonly Closed[];
    readonly preceded?: readonly PrecededRequest[];
    readonly queue?: Queue;
    readonly branches?: readonly Branch[];
    readonly members?: readonly JsonMembers[];
    /** Exact paths under which a picture is served that somebody gave, in SVG whatever they say. */
    readonly pictures?: readonly string[];
    /** What it counts for others to read, where the edge hands that out. */
    readonly metrics?: Metrics;
    readonly guard?: Guard;
}
