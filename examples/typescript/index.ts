/** Two clouds in one stack: each has its own prefix of names on the Docker host, its own domain, port, users and directory of data. */
import * as pulumi from "@pulumi/pulumi";
import { Cloud, CloudArgs } from "ocis-authelia";

const config = new pulumi.Config();
const prefix = `${pulumi.getProject()}-${pulumi.getStack()}`;

/** What both have in common: only this machine reaches them, and `pulumi destroy` deletes their data. */
const common = {
    address: "127.0.0.1",
    httpPort: 0,
    tls: { mode: "private-ca" },
    keepData: false,
    images: config.requireObject<CloudArgs["images"]>("images"),
} as const;

const family = new Cloud("family", {
    ...common,
    prefix: `${prefix}-family`,
    domain: "family.localhost",
    httpsPort: config.requireNumber("familyPort"),
    users: {
        alice: { displayName: "Alice", email: "alice@example.com", groups: ["parents"] },
        bob: { displayName: "Bob", email: "bob@example.com" },
    },
});

const club = new Cloud("club", {
    ...common,
    prefix: `${prefix}-club`,
    domain: "club.localhost",
    httpsPort: config.requireNumber("clubPort"),
    access: { groups: ["members"] },
    users: { alice: { displayName: "Alice", email: "alice@example.com", groups: ["members"] } },
});

const about = ({ cloudUrl, issuer, caCertificate, initialPasswords }: Cloud) => ({
    cloudUrl,
    issuer,
    caCertificate,
    initialPasswords,
});

export const clouds = { family: about(family), club: about(club) };
