/** What this project is called. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { ROOT } from "../system/folders";

/** Name of the project, which is another where `pulumi new` has made one of this repository. */
export const { name: PROJECT } = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as { name: string };
