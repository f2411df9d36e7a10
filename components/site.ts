/** A site: a public host and the container that answers for it. The edge serves a list of them. */
import { Host } from "../hosts";

export interface Site {
    readonly host: Host;
    /** Name and port on the stack's network, such as "authelia:9091"; plain HTTP. */
    readonly upstream: string;
}
