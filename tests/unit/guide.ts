/** Authelia's oCIS guide as data, the one place where the tests have it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

type Values = Record<string, unknown>;

export interface Guide {
    /** By the dotted path below `identity_providers.oidc`. */
    readonly identity_providers: Values;
    /** Of every client. */
    readonly client: Values;
    readonly clients: Record<"web" | "desktop" | "android" | "ios", Values & { readonly client_id: string }>;
    /** Of the native apps, published with them. */
    readonly secrets: Record<"desktop" | "android" | "ios", string>;
    readonly environment: Values;
}

export const GUIDE = parse(readFileSync(join(__dirname, "guide.yml"), "utf8")) as Guide;
