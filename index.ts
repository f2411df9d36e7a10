/** One cloud, made as the stack's configuration says, and what a person needs to know of it. */
import { Cloud } from "./components/cloud";
import { commandLine, readConfiguration } from "./settings/stack";

const cloud = new Cloud("cloud", { ...readConfiguration(), commandLine: commandLine() });

export const { cloudUrl, portalUrl, issuer, caCertificate, initialPasswords, clientIds, versions, images } = cloud;
