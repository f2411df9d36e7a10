/** `npm run generate`: writes what is written from the declarations of the keys. `npm test` fails where that has not been done. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, parseDocument, Scalar, visit } from "yaml";

import manifest from "../package.json";
import { outputsOf } from "../plugin/outputs";
import { packageSchema } from "../plugin/package-schema";
import { configurationDocument, projectConfig } from "../settings/documents";
import { runMain } from "../system/failure";
import { ROOT } from "../system/folders";

/** Pulumi.yaml with the `config` block of the declarations, its other parts as they are. */
function projectFile(): string {
    const document = parseDocument(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8"));
    const config = document.createNode(projectConfig());
    visit(config, {
        Pair: (_, { key, value }) => {
            // Long lines are folded, so that a change shows as few of them as it is.
            if ((key as Scalar).value === "description") {
                (value as Scalar).type = Scalar.BLOCK_FOLDED;
            }
        },
    });
    const before = document.get("config", true);
    if (isMap(before)) {
        config.commentBefore = before.commentBefore;
    }
    document.set("config", config);
    return document.toString({ lineWidth: 120 });
}

/** The package's schema, with the outputs that the component's class declares. */
function schemaFile(): string {
    const source = readFileSync(join(ROOT, "components", "cloud.ts"), "utf8");
    return `${JSON.stringify(packageSchema(manifest, outputsOf(source, "Cloud")), null, 4)}\n`;
}

/** What is generated: file, relative to the repository -> text. */
export function generated(): Record<string, string> {
    return {
        "Pulumi.yaml": projectFile(),
        "docs/configuration.md": configurationDocument(),
        "plugin/schema.json": schemaFile(),
    };
}

if (require.main === module) {
    runMain(async () => {
        for (const [file, text] of Object.entries(generated())) {
            writeFileSync(join(ROOT, file), text);
        }
        return Promise.resolve();
    });
}
