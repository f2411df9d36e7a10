/**
 * What the servers' own metrics do not say of a stack, in the form of Prometheus: the disk under its data, its last backup, its certificate.
 * Pure. Source of the form: Prometheus's documentation, "Exposition formats".
 */
import { DataSize } from "./containers";
import { LastBackup } from "./last-backup";

export interface Seen {
    readonly stack: string;
    /** When it was looked at. */
    readonly now: Date;
    /** Of the servers that run. */
    readonly data: readonly Pick<DataSize, "server" | "used" | "free">[];
    readonly backup?: Pick<LastBackup, "time">;
    /** When the certificate ends, as ISO 8601 writes it, or why it is not to be trusted; undefined where there is none to look at. */
    readonly certificate?: string;
}

/** Seconds since 1970; 0 for what is no time, and lies too far back for any rule. */
const seconds = (time: string) => (Number.isNaN(Date.parse(time)) ? 0 : Math.floor(Date.parse(time) / 1000));

export function figures({ stack, now, data, backup, certificate }: Seen): string {
    const gauge = (name: string, help: string, values: readonly (readonly [labels: object, value: number])[]) => {
        const full = `ocis_authelia_${name}`;
        const lines = values.map(([labels, value]) => {
            const pairs = Object.entries({ stack, ...labels }).map(([label, text]) => `${label}="${text}"`);
            return `${full}{${pairs.join(",")}} ${value}`;
        });
        return values.length === 0 ? [] : [`# HELP ${full} ${help}`, `# TYPE ${full} gauge`, ...lines];
    };
    return [
        ...gauge("status_timestamp_seconds", "When the stack was looked at.", [[{}, seconds(now.toISOString())]]),
        ...gauge(
            "data_used_bytes",
            "What a server's data take.",
            data.map(({ server, used }) => [{ server }, used]),
        ),
        ...gauge(
            "data_free_bytes",
            "What is free where they lie.",
            data.map(({ server, free }) => [{ server }, free]),
        ),
        ...gauge("last_backup_timestamp_seconds", "When the last backup was complete; 0 where none is known.", [
            [{}, seconds(backup?.time ?? "")],
        ]),
        ...gauge(
            "certificate_end_timestamp_seconds",
            "When the sites' certificate ends; 0 where it is not to be trusted.",
            certificate === undefined ? [] : [[{}, seconds(certificate)]],
        ),
        "",
    ].join("\n");
}
