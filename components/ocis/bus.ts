/**
 * How oCIS reaches NATS outside the stack: for its events, for what its services keep, and for what they have read before. Over TLS, which is
 * verified as everything of Go does it, by the roots of SSL_CERT_FILE. Source: oCIS 8.0.0 and 8.2.0, owncloud/reva, pkg/store and
 * pkg/events/stream; run with 8.2.0 (tests/deployment/bus.test.ts). Pure.
 */
import { Bus } from "../../settings/bus";
import { File, SECRETS_PATH } from "../workload";

const PASSWORD = "bus-password";

/** The file with the account's password, which is there where the bus is outside. */
export const BUS_PASSWORD_FILE = `${SECRETS_PATH}/${PASSWORD}`;

/** What of oCIS has an account, as its variables begin. */
const ACCOUNTS = ["OCIS_EVENTS_AUTH", "OCIS_CACHE_AUTH", "OCIS_PERSISTENT_STORE_AUTH"];

/** oCIS's environment, without the password. */
export function busEnvironment(bus: Bus): Record<string, string> {
    if (bus.mode === "own") {
        return {};
    }
    const servers = bus.servers.map(({ host, port }) => `tls://${host}:${port}`).join(",");
    return {
        // All services are in one process, which knows them without asking anybody.
        MICRO_REGISTRY: "memory",
        // And for good: by default it forgets after half a minute whatever cannot ask NATS anew, which it does without the account, and at the
        // first server alone. Source: oCIS 8.2.0, ocis-pkg/registry/{expiry,register}.go and ocis-pkg/checks/checknats.go.
        EXPERIMENTAL_REGISTER_TTL: "0s",
        // A command in the container, such as `ocis auth-app create`, is a process of its own, and finds the gateway by its default port.
        OCIS_REVA_GATEWAY: "dns:///127.0.0.1:9142",
        OCIS_EVENTS_CLUSTER: "ocis-cluster",
        OCIS_EVENTS_ENABLE_TLS: "true",
        OCIS_EVENTS_ENDPOINT: servers,
        OCIS_CACHE_STORE: "nats-js-kv",
        OCIS_CACHE_STORE_NODES: servers,
        OCIS_PERSISTENT_STORE: "nats-js-kv",
        OCIS_PERSISTENT_STORE_NODES: servers,
        ...Object.fromEntries(ACCOUNTS.map((account) => [`${account}_USERNAME`, bus.user])),
    };
}

/** The password for oCIS to read. */
export function busFiles(bus: Bus): File[] {
    return bus.mode === "own" ? [] : [{ name: PASSWORD, content: bus.password }];
}

/**
 * Seconds for which no server answers until oCIS is ended, and started anew by Docker. Its connections for events are closed for good after two
 * minutes, and it would go on, healthy, and refuse whatever people write. Source: nats.go, MaxReconnect and ReconnectWait; run with oCIS 8.2.0.
 */
const AWAY = 90;

/** Seconds between two looks. */
const LOOK = 10;

/**
 * What starts oCIS. A shell puts the password into its environment, from the file: the environment that Docker knows has none. ocis.yaml would
 * take it once for each of a dozen services, and in the URLs of the servers it would be logged by whatever does not reach them.
 *
 * @param before Script of what comes before it; nothing where it is empty.
 */
export function busStart(bus: Bus, before = ""): { entrypoint?: readonly string[]; command: readonly string[] } {
    const shell = (script: string) => ({ entrypoint: ["/bin/sh", "-c"], command: [`${before}${script.trim()}`] });
    if (bus.mode === "own") {
        return before === "" ? { command: ["server"] } : shell("exec ocis server");
    }
    const answers = bus.servers.map(({ host, port }) => `busybox nc -w 2 ${host} ${port} </dev/null >/dev/null 2>&1`);
    const exported = ACCOUNTS.map((account) => `${account}_PASSWORD="$password"`);
    const script = `
away=0
while sleep ${LOOK}; do
    if ${answers.join(" || ")}; then away=0; else away=$((away + ${LOOK})); fi
    test $away -lt ${AWAY} || kill $$
done &
password="$(cat ${BUS_PASSWORD_FILE})" && export ${exported.join(" ")} && exec ocis server`;
    return shell(script);
}
