/**
 * What a key of the configuration is declared with: a schema of zod, which checks values, has their types and defaults, and carries
 * what a person has to know. Everything else about keys (documents, Pulumi.yaml, cures) is read from here. Pure.
 */
import * as pulumi from "@pulumi/pulumi";
import { X509Certificate } from "node:crypto";
import { z } from "zod";

import { Path } from "./cure";

declare module "zod" {
    // What declarations say besides zod's own `description`.
    interface GlobalMeta {
        /** What could be given: documents show it, and a cure sets it. */
        example?: unknown;
        /** Nobody may see the value: it is set with --secret. */
        secret?: boolean;
        /** The value has several lines and is read from a file; this is what such a file is usually called. */
        fromFile?: string;
        /** Members that somebody could look for, each with why there is none: "Allowed: no such key, because …". */
        absent?: Readonly<Record<string, string>>;
    }
}

/** A declaration as data: JSON Schema, with what is said above. */
export interface Declaration {
    readonly type?: string;
    readonly description?: string;
    readonly default?: unknown;
    readonly example?: unknown;
    readonly enum?: readonly string[];
    readonly const?: unknown;
    readonly secret?: boolean;
    readonly fromFile?: string;
    readonly absent?: Readonly<Record<string, string>>;
    readonly properties?: Readonly<Record<string, Declaration>>;
    readonly required?: readonly string[];
    /** Of an object with members of any name. */
    readonly additionalProperties?: Declaration | false;
    readonly propertyNames?: Declaration;
    readonly items?: Declaration;
    readonly oneOf?: readonly Declaration[];
}

/** The declaration of a key as data. */
export function declarationOf(schema: z.ZodType): Declaration {
    return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Declaration;
}

/** The forms that a value may have: one, or those of a union. */
export function variantsOf(declaration: Declaration): readonly Declaration[] {
    return declaration.oneOf ?? [declaration];
}

/** The declarations of a member within a key; more than one where the key has several forms. */
export function declarationsAt(key: Declaration, [member, ...rest]: Path): Declaration[] {
    if (member === undefined) {
        return [...variantsOf(key)];
    }
    return variantsOf(key).flatMap(({ properties, additionalProperties, items }) => {
        const inner = typeof member === "number" ? items : (properties?.[member] ?? (additionalProperties || undefined));
        return inner === undefined ? [] : declarationsAt(inner, rest);
    });
}

/** A member of an object, over all of its forms. */
export interface Member {
    readonly name: string;
    readonly declaration: Declaration;
    /** In every form that has it. */
    readonly required: boolean;
    /** The forms that have it, by their mode; empty where that are all of them. */
    readonly modes: readonly string[];
}

/** The members of an object that have a name of their own. */
export function membersOf(object: Declaration): Member[] {
    const variants = variantsOf(object);
    const names = [...new Set(variants.flatMap(({ properties }) => Object.keys(properties ?? {})))];
    return names.map((name) => {
        if (variants.length > 1 && name === "mode") {
            return { name, declaration: modeOf(variants), required: false, modes: [] };
        }
        const having = variants.filter(({ properties }) => properties !== undefined && name in properties);
        const declaration = having[0]!.properties![name]!;
        const required = declaration.default === undefined && having.every(({ required: list }) => list?.includes(name));
        return {
            name,
            declaration,
            required,
            modes: having.length < variants.length ? having.map(({ properties }) => String(properties?.mode?.const)) : [],
        };
    });
}

/** The member that says which form an object has, as one declaration. The first form is the default one. */
function modeOf(variants: readonly Declaration[]): Declaration {
    const each = variants.map(({ properties }) => properties!.mode!);
    return {
        type: "string",
        enum: each.map((mode) => String(mode.const)),
        default: each[0]!.const,
        example: each[0]!.const,
        description: each.map((mode) => `\`${String(mode.const)}\`: ${mode.description}`).join(" "),
    };
}

/** Whether a value has members, and is no list of them. */
export function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Fills in the mode of an object with several forms. A stack's object replaces the default one whole: `config set --path tls.email`
 * alone leaves no mode.
 */
export const withMode = (standard: string) => (value: unknown) => (isObject(value) ? { mode: standard, ...value } : value);

/** A switch. */
export function flag(standard: boolean, description: string) {
    return z.boolean("true or false").default(standard).meta({ description, example: standard });
}

/** What has to be said as a text, and is checked by `holds`. */
export function text(allowed: string, holds: (text: string) => boolean = (value) => value !== "") {
    return z.string(allowed).refine(holds, { error: allowed, abort: true });
}

/** The host of a server outside the stack. */
export function serverName(description: string, example: string) {
    const holds = (value: string) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value);
    return text("a host name or an address of IPv4", holds).meta({ description, example });
}

/** Servers outside the stack of one kind, each by its host, and its port where that is another one. */
export function servers(kind: string, standard: number) {
    const form = /^([a-z0-9][a-z0-9.-]*)(?::([1-9]\d{0,4}))?$/i;
    const parsed = (value: string) => {
        const [, host, port] = form.exec(value) ?? [];
        return { host, port: Number(port ?? standard) };
    };
    const server = text(`the host of a ${kind}, and a port unless it is ${standard}`, (value) => {
        const { host, port } = parsed(value);
        return host !== undefined && port <= 65535;
    }).transform((value) => {
        const { host = "", port } = parsed(value);
        return { host, port };
    });
    return z.array(server, `a list of hosts of ${kind}s`).min(1, `at least one ${kind}`);
}

/** A text that nobody may see; a secret from here on, however it was set. */
export function secretText(allowed: string, holds: (text: string) => boolean = (value) => value !== "") {
    const fits = (value: unknown) => pulumi.Output.isInstance(value) || (typeof value === "string" && holds(value));
    return z.custom<pulumi.Input<string>>(fits, allowed).transform((value): pulumi.Output<string> => pulumi.secret(value));
}

/** A password that oCIS reads from its ocis.yaml, in which it puts the environment's variables in the place of ${…}. */
export function ocisPassword(whose: string) {
    return secretText(
        `${whose}, without \${, which oCIS would take for a variable`,
        (value) => value !== "" && !value.includes("${"),
    );
}

/** What documents and cures have to know of a secret text. */
export const secretMeta = (description: string) => ({ type: "string", description, secret: true });

/** An e-mail address. */
export function email(allowed = "an e-mail address") {
    return z.email({ pattern: z.regexes.unicodeEmail, error: allowed });
}

/** The certificates in a PEM text; none where one of them cannot be read. */
export function certificatesIn(pem: string): X509Certificate[] {
    const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    try {
        return found.map((certificate) => new X509Certificate(certificate));
    } catch {
        return []; // said by the check that asks
    }
}

/** Root certificates of an authority that is not a public one, PEM. */
export function authority(description: string) {
    return text("root certificates in PEM form", (pem) => certificatesIn(pem).length > 0)
        .optional()
        .meta({ description, fromFile: "root.pem" });
}
