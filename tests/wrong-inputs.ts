/**
 * Wrong configurations: each with the key that the message has to name, and a part of the cure. That the message says so is a unit
 * test; that the cure mends it when it is run, a deployment test.
 */
import { GOOD } from "./configuration";

const ALICE = GOOD.users.alice;

/** A directory outside the stack, as little of it as has to be said. */
export const LDAP = {
    mode: "ldap",
    preset: "openldap",
    url: "ldaps://ldap.example.com",
    baseDn: "dc=example,dc=com",
    bindDn: "cn=reader,dc=example,dc=com",
    bindPassword: "canary-bind",
};

/** Settings of a stack whose users live in that directory, with `change`. */
export const ldap = (change: object) => ({ users: {}, directory: { ...LDAP, ...change } });

/** A mail server with `change`. */
export const mail = (change: object) => ({
    smtp: { address: "submissions://mail.example.com", sender: "cloud@example.com", ...change },
});

/** A database server with `change`. */
export const postgres = (change: object = {}) => ({
    database: { mode: "external-postgres", host: "postgres.example.com", password: "canary-database", ...change },
});

/** NATS servers with `change`. */
export const nats = (change: object = {}) => ({
    bus: { mode: "nats", servers: ["nats-1.example.com"], user: "ocis", password: "canary-bus", ...change },
});

/** A swarm with all that it asks for, and `change`. */
export const swarm = (change: object = {}) => ({
    ...ldap({}),
    ...postgres(),
    ...nats(),
    sessions: { mode: "external-redis", host: "redis.example.com", password: "canary-sessions" },
    storage: { files: "nfs://nas.example.com/cloud" },
    tls: { mode: "private-ca" },
    engine: { mode: "swarm" },
    ...change,
});

/** A bucket with `change`. */
export const s3 = (change: object = {}) => ({
    storage: {
        blobs: {
            mode: "s3",
            endpoint: "https://s3.example.com",
            bucket: "cloud",
            accessKey: "canary-access",
            secretKey: "canary-secret",
            ...change,
        },
    },
});

/** Servers of sessions with `change`. */
export const redis = (change: object = {}) => ({
    sessions: { mode: "external-redis", host: "redis.example.com", password: "canary-sessions", ...change },
});

/** What is wrong, what a stack says beside GOOD, the path that the message names, and a part of the cure. */
export const WRONG: [what: string, values: Record<string, unknown>, key: string, cure: RegExp][] = [
    ["a misspelt key", { htpsPort: 8443 }, "htpsPort", /config rm htpsPort/],
    ["no generation", { rotations: { hmac: 0 } }, "rotations.hmac", /config set --path rotations\.hmac 2/],
    ["half a generation", { rotations: { hmac: 1.5 } }, "rotations.hmac", /config set --path rotations\.hmac 2/],
    ["a date as generation", { rotations: { hmac: 20261125 } }, "rotations.hmac", /config set --path rotations\.hmac 2/],
    [
        "another key of a database of an Authelia that takes none from a program",
        { rotations: { storageEncryption: 2 }, images: { authelia: "authelia/authelia:4.38.19" } },
        "rotations.storageEncryption",
        /config rm --path rotations\.storageEncryption/,
    ],
    [
        "another key of an Authelia that goes on with the old one",
        { rotations: { issuerKey: 2 }, images: { authelia: "authelia/authelia:4.38.19" } },
        "rotations.issuerKey",
        /config rm --path rotations\.issuerKey/,
    ],
    [
        "another identifier",
        { rotations: { storageUsersMountId: 2 } },
        "rotations",
        /config rm --path rotations\.storageUsersMountId/,
    ],
    [
        "another private authority where there is none",
        { rotations: { privateAuthority: 2 } },
        "rotations.privateAuthority",
        /config rm --path rotations\.privateAuthority/,
    ],
    ["no domain", { domain: "" }, "domain", /config set domain example\.com/],
    ["a domain with a space", { domain: "not a domain" }, "domain", /config set domain/],
    ["a domain without a dot", { domain: "localhost" }, "domain", /config set domain/],
    ["a domain in upper case", { domain: "Example.com" }, "domain", /config set domain/],
    ["a URL", { domain: "https://example.com" }, "domain", /config set domain/],
    ["a domain with a port", { domain: "example.com:8443" }, "domain", /config set domain/],
    ["an address as domain", { domain: "192.0.2.1" }, "domain", /config set domain/],
    ["an underscore", { domain: "my_cloud.example.com" }, "domain", /config set domain/],
    ["a label that ends in a hyphen", { domain: "cloud-.example.com" }, "domain", /config set domain/],
    ["a public suffix", { domain: "co.uk" }, "domain", /config set domain/],
    ["a private public suffix", { domain: "duckdns.org" }, "domain", /config set domain/],
    ["a host name as address", { address: "localhost" }, "address", /config set address/],
    ["port 0 for HTTPS", { httpsPort: 0 }, "httpsPort", /config set httpsPort 443/],
    ["a port out of range", { httpsPort: 65536 }, "httpsPort", /config set httpsPort 443/],
    ["a negative port", { httpPort: -1 }, "httpPort", /config set httpPort 80/],
    ["one port for both", { httpPort: 443 }, "httpPort", /config set httpPort 0/],
    ["an unknown mode", { tls: { mode: "magic" } }, "tls.mode", /config set --path tls\.mode acme/],
    ["an unknown key in tls", { tls: { mode: "acme", mail: "a@b.c" } }, "tls", /config rm --path tls\.mail/],
    ["a public authority for localhost", { domain: "ocis.localhost" }, "tls.mode", /tls\.mode private-ca/],
    ["no e-mail address", { tls: { mode: "acme", email: "me" } }, "tls.email", /config set --path tls\.email/],
    ["an e-mail without use", { tls: { mode: "private-ca", email: "a@b.c" } }, "tls", /config rm --path tls\.email/],
    ["an unknown ACME server", { tls: { server: "letsencrypt" } }, "tls.server", /tls\.server production/],
    ["an ACME server without TLS", { tls: { server: "http://ca.example.com/dir" } }, "tls.server", /https URL/],
    ["staging for localhost", { domain: "ocis.localhost", tls: { server: "staging" } }, "tls.mode", /tls\.mode private-ca/],
    [
        "an authority that is no certificate",
        { tls: { authority: "root" } },
        "tls.authority",
        /tls\.authority --stack \S+ < root\.pem/,
    ],
    [
        "a certificate without use",
        { tls: { certificate: "…" } },
        "tls",
        /it belongs to files[^]*config rm --path tls\.certificate/,
    ],
    [
        "an own certificate that is none",
        { tls: { mode: "files" } },
        "tls.certificate",
        /tls\.certificate --stack \S+ < fullchain\.pem/,
    ],
    [
        "an own certificate without a key",
        { tls: { mode: "files" } },
        "tls.key",
        /--path tls\.key --secret --stack \S+ < privkey\.pem/,
    ],
    ["a proxy, and an edge that others reach", { tls: { mode: "none" } }, "address", /config set address 127\.0\.0\.1/],
    ["a proxy, and an edge in the LAN", { address: "10.0.0.5", tls: { mode: "none" } }, "address", /plain HTTP/],
    [
        "a proxy, and an edge without a port",
        { address: "127.0.0.1", httpPort: 0, tls: { mode: "none" } },
        "httpPort",
        /config set httpPort 8080/,
    ],
    ["tls as text", { tls: "acme" }, "tls", /config rm tls/],
    ["no users", { users: {} }, "users", /config set --path users\.alice/],
    ["a list of users", { users: [ALICE] }, "users", /config rm users/],
    ["a user in upper case", { users: { Alice: ALICE } }, "users", /config rm --path/],
    ["a user that starts with a digit", { users: { "1st": ALICE } }, "users", /config rm --path/],
    ["the built-in administrator", { users: { admin: ALICE } }, "users", /config rm --path users\.admin/],
    ["a user without a name", { users: { alice: { email: "a@b.c" } } }, "users.alice.displayName", /config set --path/],
    ["a user without e-mail", { users: { alice: { displayName: "A" } } }, "users.alice.email", /config set --path/],
    ["groups as text", { users: { alice: { ...ALICE, groups: "x" } } }, "users.alice.groups", /config set --path/],
    [
        "the same person as text",
        { users: { alice: { ...ALICE, samePerson: "yes" } } },
        "users.alice.samePerson",
        /config set --path users\.alice\.samePerson true/,
    ],
    ["one e-mail for two", { users: { alice: ALICE, bob: ALICE } }, "users.bob.email", /users\.bob\.email/],
    ["a misspelt key", { users: { alice: { ...ALICE, mail: "x" } } }, "users.alice", /config rm --path users\.alice\.mail/],
    [
        "older desktop apps too early",
        { olderDesktopClients: true, images: { authelia: "authelia/authelia:4.38.0" } },
        "olderDesktopClients",
        /olderDesktopClients false/,
    ],
    ["app tokens too early", { appTokens: true, images: { ocis: "owncloud/ocis:5.0.9" } }, "appTokens", /appTokens false/],
    [
        "app tokens that tell no groups",
        { ...ldap({}), appTokens: true, access: { groups: ["family"] }, images: { ocis: "owncloud/ocis:8.2.0" } },
        "appTokens",
        /appTokens false[^]*config rm access/,
    ],
    ["three factors", { access: { policy: "three_factor" } }, "access.policy", /access\.policy two_factor/],
    ["no group at all", { access: { groups: [] } }, "access.groups", /'access\.groups\[0\]' family/],
    ["a group as text", { access: { groups: "family" } }, "access.groups", /'access\.groups\[0\]' family/],
    ["administrators alone", { access: { administrators: ["a"] } }, "access.administrators", /'access\.groups\[0\]'/],
    [
        "administrators by group in oCIS's directory",
        { users: {}, directory: { mode: "ocis" }, access: { groups: ["a"], administrators: ["b"] } },
        "access.administrators",
        /config rm --path access\.administrators/,
    ],
    ["an unknown key of access", { access: { deny: ["a"] } }, "access", /config rm --path access\.deny/],
    ["mail without TLS", mail({ address: "smtp://mail.example.com:25" }), "smtp.address", /smtp\.address submissions:/],
    [
        "a relative folder",
        { storage: { files: "srv/cloud" } },
        "storage.files",
        /config set --path storage\.files \/srv\/disk\/cloud/,
    ],
    ["a folder with a colon", { storage: { files: "/srv/a:b" } }, "storage.files", /config set --path storage\.files/],
    ["an NFS server without a path", { storage: { files: "nfs://nas" } }, "storage.files", /config set --path storage\.files/],
    ["another protocol", { storage: { files: "smb://nas/cloud" } }, "storage.files", /config set --path storage\.files/],
    ["contents as a word", { storage: { blobs: "s3" } }, "storage.blobs", /config rm --path storage\.blobs/],
    ["contents elsewhere", { storage: { blobs: { mode: "azure" } } }, "storage.blobs.mode", /storage\.blobs\.mode files/],
    [
        "a bus without servers",
        nats({ servers: [] }),
        "bus.servers",
        /config set --path .bus\.servers\[0\]. nats-1\.example\.com/,
    ],
    [
        "a bus outside with an oCIS that was not run with it",
        { ...nats({}), images: { ocis: "owncloud/ocis:7.0.0" } },
        "bus.mode",
        /config rm bus/,
    ],
    ["a swarm with a database in one machine", swarm({ database: {} }), "database.mode", /database\.mode external-postgres/],
    ["a swarm with sessions in memory", swarm({ sessions: {} }), "sessions.mode", /sessions\.mode external-redis/],
    ["a swarm with a bus in one process", swarm({ bus: {} }), "bus.mode", /bus\.mode nats/],
    [
        "a swarm with people in one machine",
        swarm({ directory: {}, users: GOOD.users }),
        "directory.mode",
        /directory\.mode ldap/,
    ],
    ["a swarm with files in one machine", swarm({ storage: {} }), "storage.files", /storage\.files nfs:/],
    ["a swarm with certificates in one machine", swarm({ tls: { mode: "acme" } }), "tls.mode", /tls\.mode private-ca/],
    ["a swarm with a search in texts", swarm({ fullTextSearch: true }), "fullTextSearch", /config set fullTextSearch false/],
    [
        "a search in texts of an early oCIS",
        { fullTextSearch: true, images: { ocis: "owncloud/ocis:5.0.9" } },
        "fullTextSearch",
        /config set fullTextSearch false/,
    ],
    ["Tika of whatever release", { images: { tika: "apache/tika:latest" } }, "images.tika", /images\.tika apache\/tika:3/],
    ["a swarm at one address", swarm({ address: "192.0.2.1" }), "address", /config rm address/],
    [
        "no replicas",
        swarm({ engine: { mode: "swarm", replicas: { ocis: 0 } } }),
        "engine.replicas.ocis",
        /engine\.replicas\.ocis 3/,
    ],
    ["a bucket without TLS", s3({ endpoint: "http://s3.example.com" }), "storage.blobs.endpoint", /https:\/\/s3\.example\.com/],
    [
        "a bucket in the URL",
        s3({ endpoint: "https://s3.example.com/cloud" }),
        "storage.blobs.endpoint",
        /storage\.blobs\.endpoint/,
    ],
    ["no bucket", s3({ bucket: undefined }), "storage.blobs.bucket", /config set --path storage\.blobs\.bucket cloud/],
    ["a bucket in upper case", s3({ bucket: "Cloud" }), "storage.blobs.bucket", /storage\.blobs\.bucket cloud/],
    ["no secret key", s3({ secretKey: undefined }), "storage.blobs.secretKey", /storage\.blobs\.secretKey --secret/],
    ["an unknown database", { database: { mode: "mysql" } }, "database.mode", /config set --path database\.mode sqlite/],
    [
        "a database of its own with a host",
        { database: { host: "a.example.com" } },
        "database",
        /config rm --path database\.host/,
    ],
    [
        "a database of the stack with a host",
        { database: { mode: "postgres", host: "a" } },
        "database",
        /rm --path database\.host/,
    ],
    ["sessions of the stack with a host", { sessions: { mode: "redis", host: "a" } }, "sessions", /rm --path sessions\.host/],
    ["a swarm with a database of the stack", swarm({ database: { mode: "postgres" } }), "database.mode", /external-postgres/],
    ["a database without a host", postgres({ host: undefined }), "database.host", /database\.host postgres\.example\.com/],
    ["a database without a password", postgres({ password: undefined }), "database.password", /database\.password --secret/],
    ["a URL as host of a database", postgres({ host: "postgres://a" }), "database.host", /database\.host/],
    ["a name that needs quoting", postgres({ name: "Cloud" }), "database.name", /config set --path database\.name authelia/],
    ["a port of a database out of range", postgres({ port: 65536 }), "database.port", /database\.port 5432/],
    [
        "another key of a database outside",
        { ...postgres(), rotations: { storageEncryption: 2 } },
        "rotations.storageEncryption",
        /config rm --path rotations\.storageEncryption/,
    ],
    ["unknown sessions", { sessions: { mode: "disk" } }, "sessions.mode", /config set --path sessions\.mode memory/],
    ["sessions without a password", redis({ password: undefined }), "sessions.password", /sessions\.password --secret/],
    ["sentinels of one server", redis({ nodes: ["a"] }), "sessions", /config rm --path sessions\.nodes/],
    [
        "no sentinel",
        { sessions: { mode: "sentinel", masterName: "m", nodes: [], password: "p" } },
        "sessions.nodes",
        /config set --path 'sessions\.nodes\[0\]' redis-1\.example\.com/,
    ],
    ["a mail port out of range", mail({ address: "submission://mail.example.com:70000" }), "smtp.address", /smtp\.address/],
    ["mail from nobody", mail({ sender: undefined }), "smtp.sender", /smtp\.sender 'Cloud </],
    ["mail from no address", mail({ sender: "Cloud <cloud>" }), "smtp.sender", /smtp\.sender/],
    ["a mail account without a password", mail({ user: "cloud" }), "smtp", /smtp\.password --secret/],
    ["a mail password without an account", mail({ password: "hunter2" }), "smtp", /smtp\.user/],
    ["a mail authority that is none", mail({ authority: "MIIB" }), "smtp.authority", /smtp\.authority --stack \S+ < root\.pem/],
    ["an unknown key of mail", mail({ port: 25 }), "smtp", /config rm --path smtp\.port/],
    ["a life without a unit", { lifespans: { accessToken: "2" } }, "lifespans.accessToken", /lifespans\.accessToken '2 days'/],
    ["a life as a number", { lifespans: { refreshToken: 3 } }, "lifespans.refreshToken", /lifespans\.refreshToken/],
    ["an unknown life", { lifespans: { idToken: "1 hour" } }, "lifespans", /config rm --path lifespans\.idToken/],
    ["opaque misspelt", { accessTokens: "opake" }, "accessTokens", /config set accessTokens signed/],
    ["nobody at an address", { peopleAtOneAddress: 0 }, "peopleAtOneAddress", /config set peopleAtOneAddress 60/],
    ["half a person", { peopleAtOneAddress: 15.5 }, "peopleAtOneAddress", /config set peopleAtOneAddress 60/],
    ["an image of a moving tag", { images: { ocis: "owncloud/ocis:latest" } }, "images.ocis", /images\.ocis owncloud/],
    ["an image without a tag", { images: { ocis: "owncloud/ocis" } }, "images.ocis", /images\.ocis owncloud/],
    ["a release too old", { images: { authelia: "authelia/authelia:4.37.5" } }, "images.authelia", /images\.authelia/],
    ["a release too new", { images: { authelia: "authelia/authelia:4.40.0" } }, "images.authelia", /images\.authelia/],
    ["a rolling release", { images: { ocis: "owncloud/ocis:6.6.1" } }, "images.ocis", /images\.ocis/],
    ["an image without a release", { images: { caddy: "caddy" } }, "images.caddy", /images\.caddy caddy:2/],
    ["a database of whatever release", { images: { postgres: "postgres" } }, "images.postgres", /images\.postgres postgres:15/],
    ["an image of whatever release", { images: { caddy: "caddy:latest" } }, "images.caddy", /untestedReleases true/],
    ["an unknown server", { images: { traefik: "traefik:3" } }, "images", /config rm --path images\.traefik/],
    ["an empty image", { images: { caddy: "" } }, "images.caddy", /images\.caddy caddy/],
    ["an unknown directory", { directory: { mode: "nis" } }, "directory.mode", /directory\.mode authelia/],
    ["an unknown key of directory", ldap({ uri: "x" }), "directory", /config rm --path directory\.uri/],
    ["users beside oCIS's directory", { directory: { mode: "ocis" } }, "users", /config rm users/],
    ["users beside an LDAP server", { directory: LDAP }, "users", /config rm users/],
    [
        "an LDAP server without its mode",
        { directory: { mode: "ocis", url: "x" }, users: {} },
        "directory",
        /rm --path directory\.url/,
    ],
    ["no preset", ldap({ preset: undefined }), "directory.preset", /directory\.preset openldap/],
    ["an unknown preset", ldap({ preset: "toString" }), "directory.preset", /directory\.preset openldap/],
    ["no LDAP server", ldap({ url: undefined }), "directory.url", /directory\.url ldaps:/],
    ["plain LDAP", ldap({ url: "ldap://ldap.example.com" }), "directory.url", /directory\.url ldaps:/],
    ["a base DN in the URL", ldap({ url: "ldaps://ldap.example.com/dc=x" }), "directory.url", /directory\.url ldaps:/],
    ["an LDAP port out of range", ldap({ url: "ldaps://ldap.example.com:65536" }), "directory.url", /directory\.url ldaps:/],
    ["no base DN", ldap({ baseDn: "" }), "directory.baseDn", /directory\.baseDn dc=example/],
    ["a domain as base DN", ldap({ baseDn: "example.com" }), "directory.baseDn", /directory\.baseDn dc=example/],
    ["a name as bind DN", ldap({ bindDn: "reader" }), "directory.bindDn", /directory\.bindDn cn=reader/],
    ["no bind password", ldap({ bindPassword: "" }), "directory.bindPassword", /--path directory\.bindPassword --secret/],
    ["a bind password with a variable", ldap({ bindPassword: "a${HOME}b" }), "directory.bindPassword", /--secret/],
    ["a mail password with a variable", mail({ user: "cloud", password: "a${HOME}b" }), "smtp.password", /--secret/],
    [
        "a path as authority",
        ldap({ authority: "ca.pem" }),
        "directory.authority",
        /directory\.authority --stack \S+ < root\.pem/,
    ],
    ["a filter without parentheses", ldap({ userFilter: "a=b" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["two filters", ldap({ userFilter: "(a=b)(c=d)" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["an open filter", ldap({ userFilter: "(a=b" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["a filter with a placeholder", ldap({ userFilter: "(a={input})" }), "directory.userFilter", /directory\.userFilter '\(/],
    ["an attribute with a space", ldap({ userName: "user name" }), "directory.userName", /directory\.userName uid/],
    ["a filter as object class", ldap({ userObjectClass: "(a=b)" }), "directory.userObjectClass", /inetOrgPerson/],
    ["a list as attribute", ldap({ groupMember: ["member"] }), "directory.groupMember", /directory\.groupMember member/],
    ["no relative name", ldap({ groupBase: "groups" }), "directory.groupBase", /directory\.groupBase ou=groups/],
    ["no truth", { keepData: "yes" }, "keepData", /config set keepData true/],
];
