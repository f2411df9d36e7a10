/** One ownCloud with single sign-on: reads the stack's settings, wires the parts, exports what a person needs. */
import * as pulumi from "@pulumi/pulumi";

import { Authelia } from "./components/authelia";
import { Certificates } from "./components/certificates";
import { Directory } from "./components/directory";
import { Edge, namesOnDockerHost } from "./components/edge";
import { Network } from "./components/network";
import { Ocis } from "./components/ocis";
import { ocisRelyingApplication } from "./components/ocis/relying-parties";
import { Secrets } from "./components/secrets";
import { hostsOf } from "./hosts";
import { readSettings } from "./settings";

const settings = readSettings();
const hosts = hostsOf(settings);
const { policy, groups, administrators } = settings.access;
const application = ocisRelyingApplication(
    hosts.cloud.url,
    settings.accessTokens,
    { policy, groups: groups && [...new Set([...groups, ...administrators])] },
    settings.lifespans,
    settings.olderDesktopClients,
);

const network = new Network("network");
const certificates = new Certificates("certificates", { domain: settings.domain, tls: settings.tls });
const secrets = new Secrets(
    "secrets",
    { usersWithoutPassword: settings.users.filter((user) => user.passwordDigest === undefined).map(({ name }) => name) },
    { protect: settings.keepData },
);
const directory = new Directory("directory", {
    settings: settings.directory,
    ocisHost: "ocis",
    ocisSecrets: secrets.ocis,
    keepData: settings.keepData,
});
const ocis = new Ocis("ocis", {
    network,
    release: settings.images.ocis,
    host: hosts.cloud,
    issuer: hosts.auth.url,
    accessTokens: settings.accessTokens,
    appTokens: settings.appTokens,
    directory,
    smtp: settings.smtp,
    roles: groups && administrators.length > 0 ? { administrators, users: groups } : undefined,
    trusted: certificates.trusted,
    namesOnDockerHost: namesOnDockerHost(settings.tls, hosts),
    secrets: secrets.ocis,
    keepData: settings.keepData,
});
const authelia = new Authelia("authelia", {
    network,
    release: settings.images.authelia,
    domain: settings.domain,
    hosts,
    application,
    directory,
    users: settings.users,
    initialPasswords: secrets.initialPasswords,
    secrets: secrets.authelia,
    smtp: settings.smtp,
    after: ocis.ldapServers,
    keepData: settings.keepData,
});
new Edge("edge", {
    network,
    image: settings.images.caddy,
    sites: [authelia.site, ocis.site],
    address: settings.address,
    httpsPort: settings.httpsPort,
    httpPort: settings.httpPort,
    http3: settings.http3,
    tls: settings.tls,
    authority: certificates.authority,
    keepData: settings.keepData,
});

/** Where people open their cloud. */
export const cloudUrl = hosts.cloud.url;
/** Where people sign in and manage their second factor. */
export const portalUrl = hosts.auth.url;
/** The OpenID Connect issuer. */
export const issuer = hosts.auth.url;
/** Root certificates that clients have to trust, PEM; undefined with public certificates. */
export const caCertificate = certificates.trusted;
/** Generated passwords by user name; a secret: pulumi stack output initialPasswords --show-secrets. */
export const initialPasswords = pulumi.secret(
    Object.fromEntries([
        ...Object.entries(secrets.initialPasswords).map(([user, { password }]) => [user, password]),
        ...Object.entries(directory.initialPasswords),
    ]),
);
/** Client ids of ownCloud's clients, as registered in Authelia. */
export const clientIds = application.relyingParties.map(({ clientId, clientName }) => ({ clientName, clientId }));
/** Releases of the servers. */
export const versions = { authelia: settings.images.authelia.version, ocis: settings.images.ocis.version };
/** Images that the containers run. */
export const images = {
    authelia: settings.images.authelia.image,
    ocis: settings.images.ocis.image,
    caddy: settings.images.caddy,
};
