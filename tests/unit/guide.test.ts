/** Every key and value of Authelia's oCIS guide is rendered for its pair of releases, or stands in the table of docs/guide.md. */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

import { accessPolicy } from "../../components/access";
import { autheliaConfiguration } from "../../components/authelia/configuration";
import { ocisEnvironment } from "../../components/ocis/configuration";
import { ocisRelyingApplication } from "../../components/ocis/relying-parties";
import { hostsOf } from "../../hosts";
import { ROOT } from "../../system/folders";
import { settingsOf } from "../configuration";
import { GUIDE } from "./guide";

/** What the program hands over for the guide's pair, by its defaults or with what a stack says besides. */
function rendered(values: object = {}) {
    const images = { authelia: "authelia/authelia:4.38.0", ocis: "owncloud/ocis:4.0.5" };
    const settings = settingsOf({ ...values, images });
    const hosts = hostsOf(settings);
    const { oidc } = autheliaConfiguration({
        settings,
        hosts,
        application: ocisRelyingApplication(hosts.cloud.url, accessPolicy(settings.access), settings),
        directory: { usersFile: "/users.yml" },
    }).identity_providers;
    const environment = ocisEnvironment({
        url: hosts.cloud.url,
        issuer: hosts.auth.url,
        settings,
        directory: { mode: "authelia", shutOut: [] },
        configDir: "/secrets",
        cspFile: "/csp.yaml",
    });
    return { oidc, environment };
}

/** The value at a dotted path. */
function at(value: unknown, path: string): unknown {
    return path.split(".").reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

/** Every key of the guide with its value and ours. */
function comparison(values: object = {}): { key: string; theirs: unknown; ours: unknown }[] {
    const { oidc, environment } = rendered(values);
    const client = (id: unknown) => oidc.clients.find(({ client_id }) => client_id === id);
    return [
        ...Object.entries(GUIDE.identity_providers).map(([key, theirs]) => ({ key, theirs, ours: at(oidc, key) })),
        ...Object.entries(GUIDE.clients).flatMap(([name, own]) =>
            Object.entries({ ...GUIDE.client, ...own }).map(([key, theirs]) => ({
                key: `clients.${name}.${key}`,
                theirs,
                ours: at(client(own.client_id), key),
            })),
        ),
        ...Object.entries(GUIDE.environment).map(([key, theirs]) => ({
            key: `environment.${key}`,
            theirs,
            ours: environment[key],
        })),
    ];
}

/** The rows of the document's table: key, with * for any client, the guide's value and ours, each a text, a switch or a list. */
function differences(): { key: string; theirs: unknown; ours: unknown }[] {
    const document = readFileSync(join(ROOT, "docs", "guide.md"), "utf8");
    return [...document.matchAll(/^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| .{20,} \|$/gm)].map(([, key, theirs, ours]) => ({
        key: key!,
        // As YAML, in which the guide writes them: false is a switch, "false" a text, [a, b] a list.
        theirs: parse(theirs!) as unknown,
        ours: parse(ours!) as unknown,
    }));
}

const isOf = (key: string, pattern: string) => new RegExp(`^${pattern.replaceAll(".", "\\.").replace("*", "\\w+")}$`).test(key);

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** Whether the table has a row for a key with these values. */
const listed = (key: string, theirs: unknown, ours: unknown) =>
    differences().some((row) => isOf(key, row.key) && same(row.theirs, theirs) && same(row.ours, ours));

test("what differs from the guide stands in docs/guide.md, with both values", () => {
    const compared = comparison();
    const { identity_providers: provider, client, clients, environment } = GUIDE;
    const own = Object.values(clients).reduce((sum, each) => sum + Object.keys({ ...client, ...each }).length, 0);
    assert.equal(compared.length, Object.keys(provider).length + own + Object.keys(environment).length);
    for (const { key, theirs, ours } of compared) {
        const what = `${key}: ${JSON.stringify(theirs)} in the guide, ${JSON.stringify(ours)} here`;
        assert.equal(listed(key, theirs, ours), !same(theirs, ours), what);
    }
});

test("with opaque tokens nothing but what the table says of other things differs from the guide", () => {
    const differing = comparison({ accessTokens: "opaque" }).filter(({ theirs, ours }) => !same(theirs, ours));
    assert.deepEqual(
        differing.map(({ key }) => key),
        ["clients.android.token_endpoint_auth_method", "environment.PROXY_AUTOPROVISION_ACCOUNTS"],
    );
});

test("docs/guide.md lists nothing that is no difference", () => {
    const differing = comparison().filter(({ theirs, ours }) => !same(theirs, ours));
    assert.ok(differences().length > 0);
    for (const row of differences()) {
        assert.ok(
            differing.some(({ key }) => isOf(key, row.key)),
            row.key,
        );
    }
});

test("the native apps' digests are those of the guide's secrets", () => {
    for (const [name, secret] of Object.entries(GUIDE.secrets)) {
        const client = rendered().oidc.clients.find(
            ({ client_id }) => client_id === GUIDE.clients[name as keyof typeof GUIDE.secrets].client_id,
        );
        const digest = (client as { client_secret: string }).client_secret;
        const [, , rounds, salt, key] = digest.split("$");
        const bytes = (text: string) => Buffer.from(text.replaceAll(".", "+"), "base64");
        assert.deepEqual(pbkdf2Sync(secret, bytes(salt!), Number(rounds), 64, "sha512"), bytes(key!), name);
    }
});
