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

/** Requests of one kind. */
export interface RequestKind {
    readonly method: string;
    /** Exact. */
    readonly path: string;
}

/** Requests without a body, before which the server is asked something else. */
export interface PrecededRequest extends RequestKind {
    /** Path that is asked first, by the same method and as the same client. The request goes on if the answer is a success. */
    readonly by: string;
}

export interface Site {
    readonly host: Host;
    /** Name and port on the stack's network, such as "authelia:9091"; plain HTTP. */
    readonly upstream: string;
    readonly rewrites: readonly QueryRewrite[];
    /** Paths, with * for any end, that nobody outside needs: the edge answers 404. */
    readonly closed?: readonly string[];
    /** What the server takes although it should not: the edge answers 403. */
    readonly refused?: readonly RequestKind[];
    readonly preceded?: readonly PrecededRequest[];
}
