/**
 * The key `rotations`: which generation of each secret a stack has. A greater number is a new secret, so that a preview shows what a
 * rotation replaces. docs/rotations.md says what people notice of each.
 */
import { z } from "zod";

import type { Database } from "./database";
import type { Directory } from "./directory";
import { Fault } from "./fault";
import { Images } from "./images";
import type { Tls } from "./tls";

/**
 * Each generation of a secret that is protected stays in the state (see components/secrets.ts): so many are enough for one a month over
 * eight years, and a date in the place of a number is noticed.
 */
const MOST = 100;

const allowed = `a whole number from 1 to ${MOST}`;

/** Counts the generations of a secret; the first is the one that a stack was made with. */
function counter(description: string) {
    return z.int(allowed).min(1, allowed).max(MOST, allowed).default(1).meta({ description, example: 2 });
}

/** What has no counter, each with the reason as it ends the sentence "Allowed: no such key, because …". */
const NONE = {
    ...Object.fromEntries(
        ["adminPassword", "idmPassword", "revaPassword", "idpPassword"].map((account) => [
            account,
            "oCIS writes this password into its directory at the first start and never again, so that its services would not get into " +
                'their own directory; see docs/rotations.md, "What does not rotate"',
        ]),
    ),
    ...Object.fromEntries(
        ["systemUserId", "adminUserId", "serviceAccountId", "graphApplicationId", "storageUsersMountId"].map((identifier) => [
            identifier,
            "this is an identifier and no secret: it stands in the data, which nobody finds again under another one",
        ]),
    ),
};

export const rotations = z
    .strictObject({
        issuerKey: counter("Signs ID tokens and access tokens. The one before goes on verifying until the next rotation."),
        hmac: counter("Authenticates refresh tokens and authorization codes, and opaque access tokens."),
        session: counter("Encrypts the sessions at Authelia."),
        storageEncryption: counter(
            "Encrypts second factors and tokens in Authelia's database, which Authelia's own command encrypts anew.",
        ),
        jwt: counter("Of oCIS: signs what its services show each other."),
        machineAuth: counter("Of oCIS: its proxy and services act for people by it."),
        systemUserApi: counter("Of oCIS: its services reach their own storage by it."),
        transfer: counter("Of oCIS: signs the addresses of uploads and downloads."),
        thumbnails: counter("Of oCIS: signs the addresses of previews of pictures."),
        wopi: counter("Of oCIS: signs what an office server shows for whoever has a document open."),
        serviceAccount: counter("Of oCIS: the password of the account of its services."),
        initialPasswords: counter(
            "All generated passwords of users. One alone: npm run users -- password <name> --generate. Only with directory.mode authelia.",
        ),
        privateAuthority: counter(
            "The root of the private authority, which every device has to import again, and the key of the sites. Only with tls.mode " +
                "private-ca.",
        ),
    })
    .prefault({})
    .meta({
        description:
            "Which generation of each secret the stack has: a greater number, and the next up makes a new one. See docs/rotations.md.",
        absent: NONE,
    });

/** Which generation of each secret a stack has. */
export type Rotations = z.output<typeof rotations>;

interface Rotating {
    readonly rotations: Rotations;
    readonly directory: Pick<Directory, "mode">;
    readonly tls: Pick<Tls, "mode">;
    readonly database: Pick<Database, "mode">;
}

/** A counter above 1 of what a stack does not have, or of what its Authelia cannot rotate. */
export function checkRotations({ rotations: counted, directory, tls, database }: Rotating, { authelia }: Images): Fault[] {
    const rule = (counter: keyof Rotations, can: boolean, reason: string): Fault[] => {
        const [path, value] = [["rotations", counter], counted[counter]];
        return can || value === 1 ? [] : [{ path, value, allowed: `1, because ${reason}`, cures: [{ remove: path }] }];
    };
    const nothing = (key: string, needed: string) => `only with ${key} "${needed}" there is something to rotate`;
    return [
        ...rule("initialPasswords", directory.mode === "authelia", nothing("directory.mode", "authelia")),
        ...rule("privateAuthority", tls.mode === "private-ca", nothing("tls.mode", "private-ca")),
        ...rule(
            "storageEncryption",
            database.mode === "sqlite",
            'Authelia\'s command encrypts a database anew while nothing else uses it, which is seen to with database.mode "sqlite" alone',
        ),
        ...rule(
            "storageEncryption",
            authelia.line.takesKeyFromTerminal,
            `the command of Authelia ${authelia.version} takes a new key from no terminal that a program opens; from 4.39 on it can rotate`,
        ),
        ...rule(
            "issuerKey",
            authelia.line.refreshesByNewestKey,
            `Authelia ${authelia.version} goes on with the old key for whoever has signed in by it, and fails once that is gone; from 4.39 ` +
                "on it can rotate",
        ),
    ];
}
