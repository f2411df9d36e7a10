/** Folders of the repository: what is committed, and the two that git ignores. */
import { join } from "node:path";

/** The repository, which is the folder of the Pulumi program. */
export const ROOT = join(__dirname, "..");

/** Whatever can be made again. */
export const CACHE = join(ROOT, ".cache");

/** What must not be lost while a stack exists: its state, the passphrase, what was chosen for it. */
export const STATE = join(ROOT, ".state");
