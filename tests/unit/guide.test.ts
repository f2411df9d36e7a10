/** Every key and value of Authelia's oCIS guide is rendered for its pair of releases, or stands in the table of docs/guide.md. */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

import { autheliaConfiguration } from "../../components/authelia/configuration";
import { ocisEnvironment } from "../../components/ocis/configuration";
import { ocisRelyingApplication } from "../../components/ocis/relying-parties";
import { hostsOf } from "../../hosts";
import { readSettings } from "../../settings";
import { AUTHELIA, OCIS, releaseOf } from "../../versions";
import { configuration, ROOT } from "../configuration";

type Values = Record<string, unknown>;

interface Guide {
    readonly identity_providers: Values;
    readonly client: Values;
    readonly clients: Record<string, Values>;
    readonly secrets: Record<string, string>;
    readonly environment: Values;
}

const guide = parse(readFileSync(join(__dirname, "guide.yml"), "utf8")) as Guide;

/** What the program hands over for the guide's pair by its defaults. */
function rendered() {
    const users = { alice: { displayName: "Alice", email: "alice@example.com" } };
    const values = configuration({ domain: "example.com", users });
    const { accessTokens, access, lifespans } = readSettings((key) => values[key]);
    const hosts = hostsOf({ domain: "example.com", httpsPort: 443 });
    const { oidc } = autheliaConfiguration({
        domain: "example.com",
        hosts,
        application: ocisRelyingApplication(hosts.cloud.url, accessTokens, access, lifespans),
        directory: { usersFile: "/users.yml" },
        line: releaseOf(AUTHELIA, "authelia/authelia:4.38.0").line,
    }).identity_providers;
    const environment = ocisEnvironment({
        url: hosts.cloud.url,
        issuer: hosts.auth.url,
        accessTokens,
        appTokens: false,
        directory: { mode: "authelia" },
        configDir: "/secrets",
        cspFile: "/csp.yaml",
        line: releaseOf(OCIS, "owncloud/ocis:4.0.5").line,
    });
    return { oidc, environment };
}

/** The value at a dotted path. */
function at(value: unknown, path: string): unknown {
    return path.split(".").reduce((inner, key) => (inner as Values | undefined)?.[key], value);
}

/** Every key of the guide with its value and ours. */
function comparison(): { key: string; theirs: unknown; ours: unknown }[] {
    const { oidc, environment } = rendered();
    const client = (id: unknown) => oidc.clients.find(({ client_id }) => client_id === id);
    return [
        ...Object.entries(guide.identity_providers).map(([key, theirs]) => ({ key, theirs, ours: at(oidc, key) })),
        ...Object.entries(guide.clients).flatMap(([name, own]) =>
            Object.entries({ ...guide.client, ...own }).map(([key, theirs]) => ({
                key: `clients.${name}.${key}`,
                theirs,
                ours: at(client(own.client_id), key),
            })),
        ),
        ...Object.entries(guide.environment).map(([key, theirs]) => ({
            key: `environment.${key}`,
            theirs,
            ours: environment[key],
        })),
    ];
}

/** The rows of the document's table: key, with * for any client, the guide's value and ours. */
function differences(): { key: string; theirs: string; ours: string }[] {
    const document = readFileSync(join(ROOT, "docs", "guide.md"), "utf8");
    return [...document.matchAll(/^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| .{20,} \|$/gm)].map(([, key, theirs, ours]) => ({
        key: key!,
        theirs: theirs!,
        ours: ours!,
    }));
}

const isOf = (key: string, pattern: string) => new RegExp(`^${pattern.replaceAll(".", "\\.").replace("*", "\\w+")}$`).test(key);

test("what differs from the guide stands in docs/guide.md, with both values", () => {
    const compared = comparison();
    assert.equal(compared.length, 3 + 4 * Object.keys(guide.client).length + 7 + 6 + 6 + 5 + 10);
    for (const { key, theirs, ours } of compared) {
        const differs = JSON.stringify(theirs) !== JSON.stringify(ours);
        const listed = differences().some((row) => isOf(key, row.key) && row.theirs === theirs && row.ours === ours);
        assert.equal(listed, differs, `${key}: ${JSON.stringify(theirs)} in the guide, ${JSON.stringify(ours)} here`);
    }
});

test("docs/guide.md lists nothing that is no difference", () => {
    const differing = comparison().filter(({ theirs, ours }) => JSON.stringify(theirs) !== JSON.stringify(ours));
    assert.ok(differences().length > 0);
    for (const row of differences()) {
        assert.ok(
            differing.some(({ key }) => isOf(key, row.key)),
            row.key,
        );
    }
});

test("the native apps' digests are those of the guide's secrets", () => {
    for (const [name, secret] of Object.entries(guide.secrets)) {
        const client = rendered().oidc.clients.find(({ client_id }) => client_id === guide.clients[name]!.client_id);
        const digest = (client as { client_secret: string }).client_secret;
        const [, , rounds, salt, key] = digest.split("$");
        const bytes = (text: string) => Buffer.from(text.replaceAll(".", "+"), "base64");
        assert.deepEqual(pbkdf2Sync(secret, bytes(salt!), Number(rounds), 64, "sha512"), bytes(key!), name);
    }
});
