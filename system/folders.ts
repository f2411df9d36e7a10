/** Folders of the repository: what is committed, and the two that git ignores. */
import { join, resolve } from "node:path";

/** The repository, which is the folder of the Pulumi program. */
export const ROOT = join(__dirname, "..");

/** Whatever can be made again. */
export const CACHE = join(ROOT, ".cache");

/** Names another folder for state and stack files: absolute, or from where the command is run. */
export const STATE_VARIABLE = "OCIS_AUTHELIA_STATE";

const elsewhere = process.env[STATE_VARIABLE];

/** What must not be lost while a stack exists: its state, the passphrase, what was chosen for it. */
export const STATE = elsewhere ? resolve(process.env.INIT_CWD ?? ".", elsewhere) : join(ROOT, ".state");

/** The file with a stack's configuration, which lies beside the program, or with the state where that is elsewhere. */
export const stackFile = (stack: string) => join(elsewhere ? STATE : ROOT, `Pulumi.${stack}.yaml`);
