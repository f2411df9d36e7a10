/** What is known on this machine of a stack's last backup. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { STATE } from "../system/folders";

/** A backup that was made. */
export interface LastBackup {
    /** When it was complete, in UTC as ISO 8601 writes it. */
    readonly time: string;
    /** Where it lies. */
    readonly repository: string;
    /** What it is called there. */
    readonly snapshot: string;
}

const FILE = join(STATE, "backups.json");

const known = () => (existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Record<string, LastBackup>) : {});

/** The last backup of a stack; undefined where none is known here. */
export const lastBackup = (stack: string): LastBackup | undefined => known()[stack];

/** Notes that a backup was made. */
export function noteBackup(stack: string, backup: LastBackup): void {
    writeFileSync(FILE, `${JSON.stringify({ ...known(), [stack]: backup }, null, 4)}\n`);
}
