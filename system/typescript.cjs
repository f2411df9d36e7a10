// Lets Node.js run the TypeScript of this repository: node --require ./system/typescript.cjs <file>. Sucrase takes the types out, which is
// all that is missing, and nothing else is touched; `npm test` checks the types. Node.js keeps what it has compiled for the next run.
"use strict";

const { enableCompileCache } = require("node:module");
const path = require("node:path");
const { addHook } = require("pirates");
const { transform } = require("sucrase");

enableCompileCache(path.join(__dirname, "..", ".cache", "compiled"));

addHook(
    (source, filePath) => {
        const options = { transforms: ["typescript", "imports"], disableESTransforms: true, preserveDynamicImport: true };
        const { code, sourceMap } = transform(source, {
            ...options,
            filePath,
            sourceMapOptions: { compiledFilename: filePath },
        });
        const map = Buffer.from(JSON.stringify(sourceMap)).toString("base64");
        return `${code}\n//# sourceMappingURL=data:application/json;base64,${map}`;
    },
    { exts: [".ts"] },
);
