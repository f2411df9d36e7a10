/** `npm run generate`: writes what is written from the declarations of the keys. `npm test` fails where that has not been done. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, parseDocument, Scalar, visit } from "yaml";

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

/** What is generated: file, relative to the repository -> text. */
export function generated(): Record<string, string> {
    return { "Pulumi.yaml": projectFile(), "docs/configuration.md": configurationDocument() };
}

if (require.main === module) {
    runMain(async () => {
        for (const [file, text] of Object.entries(generated())) {
            writeFileSync(join(ROOT, file), text);
        }
        return Promise.resolve();
    });
}
