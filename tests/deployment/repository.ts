/** A repository for a backup of a test, not made yet, beside the file with its password. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Prepares both within a folder; the options by which `npm run backup` and `restore` find them. */
export function repositoryIn(folder: string, password = "of the repository\n"): string[] {
    const [repository, passwordFile] = [join(folder, "repository"), join(folder, "password")];
    mkdirSync(repository);
    writeFileSync(passwordFile, password, { mode: 0o600 });
    return ["--repository", repository, "--password-file", passwordFile];
}
