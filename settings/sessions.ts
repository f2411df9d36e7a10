/** The key `sessions`: where Authelia keeps who is signed in. */
import { z } from "zod";

import { authority, secretMeta, secretText, serverName, servers, text, withMode } from "./declaration";
import { portOf } from "./ports";

/** A sentinel's port where none is named. Source: Redis's documentation, "High availability with Redis Sentinel". */
const SENTINEL_PORT = 26379;

const account = {
    user: text("the account's name")
        .optional()
        .meta({ description: "The account at Redis, where it is not the default one.", example: "authelia" }),
    password: secretText("the password of the account").meta(secretMeta("Of that account.")),
    authority: authority("Root certificates that the servers' have to descend from, if they are not a public authority's."),
};

const inMemory = z.strictObject({
    mode: z.literal("memory").meta({
        description:
            "In Authelia's memory: whenever it starts anew, everybody signs in again at the portal. Apps stay signed in.",
    }),
});

const inRedis = z.strictObject({
    mode: z.literal("redis").meta({ description: "Redis, as one more container of the stack; see docs/state.md." }),
});

const inExternalRedis = z.strictObject({
    mode: z.literal("external-redis").meta({ description: "A Redis server of your own, over TLS." }),
    host: serverName("The server: its certificate has to name this host.", "redis.example.com"),
    port: portOf(6379, "Its port for TLS."),
    ...account,
});

const bySentinel = z.strictObject({
    mode: z.literal("sentinel").meta({ description: "Redis servers of your own that sentinels watch over, all over TLS." }),
    masterName: text("the name by which the sentinels know the servers").meta({
        description: "What the sentinels call the servers.",
        example: "mymaster",
    }),
    nodes: servers("sentinel", SENTINEL_PORT).meta({
        description: "The sentinels, each a host with or without a port.",
        example: ["redis-1.example.com"],
    }),
    ...account,
    sentinelUser: text("the account's name")
        .optional()
        .meta({ description: "The account at the sentinels, where it is not the default one.", example: "authelia" }),
    sentinelPassword: secretText("the password of the account at the sentinels")
        .optional()
        .meta(secretMeta("Of that account, where they ask for one.")),
});

export const sessions = z
    .preprocess(
        withMode("memory"),
        z.discriminatedUnion(
            "mode",
            [inMemory, inRedis, inExternalRedis, bySentinel],
            "memory, redis, external-redis or sentinel",
        ),
    )
    .prefault({})
    .meta({ description: "Where Authelia keeps who is signed in at the portal." });

export type Sessions = z.output<typeof sessions>;
