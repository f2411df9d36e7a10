/** What documents say of keys and releases is what the program has: generated files are fresh, tables written by hand agree. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

import { projectKeys } from "../configuration";
import { generated } from "../../operations/generate";
import { ROOT } from "../../system/folders";
import { PRESETS, SCHEMA_KEYS } from "../../settings/ldap";
import { AUTHELIA, CADDY_IMAGE, describeLines, Line, OCIS, releaseOf } from "../../versions";

const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** Cells of the rows below the head `| key | type | default | meaning |`, without the line under it. */
function rows(): string[][] {
    const [, table] = /^\| key \| type \| default \| meaning \|\n\|[-|]+\|\n((?:\|.*\|\n)+)/m.exec(README) ?? [];
    assert.ok(table, "the README has the table");
    const cells = (row: string) =>
        row
            .slice(1, -1)
            .split("|")
            .map((cell) => cell.trim());
    return table.trimEnd().split("\n").map(cells);
}

test("the keys that the README shows have the types and defaults that are declared", () => {
    const declared = projectKeys();
    assert.ok(rows().length > 5);
    for (const [cell, type, value] of rows()) {
        const key = cell!.replaceAll("`", "");
        assert.deepEqual([type, value], [declared[key]?.type, `\`${JSON.stringify(declared[key]?.default)}\``], key);
    }
});

for (const [file, text] of Object.entries(generated())) {
    test(`${file} is what the declarations of the keys make of it: npm run generate`, () => {
        assert.equal(readFileSync(join(ROOT, file), "utf8"), text);
    });
}

test("the README names the default images", () => {
    for (const image of [AUTHELIA.image, OCIS.image, CADDY_IMAGE]) {
        assert.ok(README.includes(`\`${image}\``), image);
    }
});

test("docs/versions.md lists the supported releases and the defaults", () => {
    const versions = readFileSync(join(ROOT, "docs", "versions.md"), "utf8");
    for (const server of [AUTHELIA, OCIS]) {
        const row = `| ${server.title} | ${describeLines(server)} | ${releaseOf<Line>(server, server.image).version} |`;
        assert.ok(versions.includes(row), row);
    }
});

test("docs/directories.md shows the presets as they are", () => {
    const directories = readFileSync(join(ROOT, "docs", "directories.md"), "utf8");
    const cell = (value: string) => (value === "" ? "" : ` \`${value}\``);
    for (const key of SCHEMA_KEYS) {
        const row = `| \`${key}\` |${cell(PRESETS.openldap[key])} |${cell(PRESETS.lldap[key])} |`;
        assert.ok(directories.includes(row), row);
    }
});

test("the command line interface that the project asks for is that of its SDK", () => {
    const { requiredPulumiVersion } = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as {
        requiredPulumiVersion: string;
    };
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
        dependencies: Record<string, string>;
    };
    assert.equal(requiredPulumiVersion, `>=${dependencies["@pulumi/pulumi"]}`);
});
