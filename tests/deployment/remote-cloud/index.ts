/** Has the plugin make a cloud, by the request that generated code makes in any language. */
import * as pulumi from "@pulumi/pulumi";

import type { Cloud, CloudArgs } from "../../../components/cloud";

const config = new pulumi.Config();
const { users, lifespans, ...args } = config.requireObject<CloudArgs>("args");

/** A secret that only a running program knows, as generated ones are. */
const passwordDigest = config.requireSecret("digest");

/** Generated code names the outputs by arguments without a value. */
const outputs = { cloudUrl: undefined, caCertificate: undefined, initialPasswords: undefined, versions: undefined };

const cloud = new pulumi.ComponentResource(
    "ocis-authelia:index:Cloud",
    "cloud",
    {
        ...args,
        users: { ...users, erin: { displayName: "Erin", email: "erin@example.com", passwordDigest } },
        // As older SDKs do with an argument in which there is a secret.
        lifespans: pulumi.secret(lifespans),
        ...outputs,
    },
    {},
    true,
);

export const { cloudUrl, caCertificate, initialPasswords, versions } = cloud as unknown as Cloud;
