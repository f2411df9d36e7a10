/** One cloud, made as the stack's configuration says, and what a person needs to know of it. */
import * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Cloud } from "./components/cloud";
import { stackReadme } from "./readme";
import { commandLine, readConfiguration } from "./settings/stack";

const cloud = new Cloud("cloud", { ...readConfiguration(), commandLine: commandLine() });

export const { cloudUrl, portalUrl, issuer, caCertificate, initialPasswords, clientIds, versions, images, containers } = cloud;

/** How to go on, with this stack's URLs and commands. */
export const readme = pulumi
    .output({ cloudUrl, portalUrl, versions, containers })
    .apply((outputs) => stackReadme(readFileSync(join(__dirname, "Pulumi.README.md"), "utf8"), { outputs, ...commandLine() }));
