/**
 * What Pulumi has to know of the package to generate code for its users: the arguments of a cloud from their declarations in settings/,
 * the outputs from the component's class. Pure; `npm run generate` writes schema.json.
 *
 * Arguments are plain values, because they decide which resources there are. Only secret texts may be outputs.
 */
import { typeToken } from "../components/naming";
import { Declaration, declarationOf, membersOf } from "../settings/declaration";
import { declarations } from "../settings/documents";
import { prefix } from "../settings/prefix";
import { Outputs } from "./outputs";

/** A type as a schema names it. Source: Pulumi's codegen/schema/pulumi.json, 3.256. */
export interface TypeSpec {
    readonly type?: string;
    readonly $ref?: string;
    readonly items?: TypeSpec;
    readonly additionalProperties?: TypeSpec;
    readonly plain?: boolean;
}

export interface PropertySpec extends TypeSpec {
    readonly description?: string;
    readonly default?: unknown;
    readonly secret?: boolean;
}

/** An object, or an enumeration. */
export interface NamedType {
    readonly type: string;
    readonly description?: string;
    readonly properties?: Readonly<Record<string, PropertySpec>>;
    readonly required?: readonly string[];
    readonly enum?: readonly { readonly name: string; readonly value: string }[];
}

const capitalized = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

/** "private-ca" -> "PrivateCa". */
const pascal = (value: string) => value.split(/[-_]/).map(capitalized).join("");

const ref = (name: string) => `#/types/${typeToken(name)}`;

/** A default that a schema can have, and only where the argument is used in every form of its object. */
const isScalar = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);

/** What is said of an argument: with what it goes together, and the default where users' own code cannot fill it in. */
function describe({ description, default: standard }: Declaration, modes: readonly string[]): string {
    const where = modes.length === 0 ? "" : `With mode ${modes.join(", ")}. `;
    return `${where}${description}${modes.length > 0 && isScalar(standard) ? ` ${String(standard)} by default.` : ""}`;
}

/** Writes the types of arguments, and collects those that have names. */
class Arguments {
    readonly types: Record<string, NamedType> = {};

    /** @param name What the type is called, where it needs a name. */
    property(name: string, declaration: Declaration, modes: readonly string[] = []): PropertySpec {
        const { default: standard, secret } = declaration;
        return {
            ...this.typeOf(name, declaration),
            description: describe(declaration, modes),
            ...(modes.length === 0 && isScalar(standard) ? { default: standard } : {}),
            ...(secret ? { secret } : {}),
        };
    }

    private typeOf(name: string, declaration: Declaration): TypeSpec {
        const { type, items, enum: values, additionalProperties: any, secret } = declaration;
        if (values !== undefined) {
            this.types[typeToken(name)] = { type: "string", enum: values.map((value) => ({ name: pascal(value), value })) };
            return { $ref: ref(name), plain: true };
        }
        if (type === "array") {
            return { type, items: this.typeOf(name, items!), plain: true };
        }
        if (any) {
            // Of "users" each is a "User".
            return { type: "object", additionalProperties: this.typeOf(name.replace(/s$/, ""), any), plain: true };
        }
        const members = membersOf(declaration);
        if (members.length === 0) {
            return secret ? { type } : { type, plain: true };
        }
        this.types[typeToken(name)] = {
            type: "object",
            description: declaration.description,
            properties: Object.fromEntries(
                members.map((member) => [
                    member.name,
                    this.property(`${name}${capitalized(member.name)}`, member.declaration, member.modes),
                ]),
            ),
            required: members.filter(({ required, modes }) => required && modes.length === 0).map(({ name }) => name),
        };
        return { $ref: ref(name), plain: true };
    }
}

/** What the schema takes from package.json. */
export interface Manifest {
    readonly name: string;
    readonly version: string;
    readonly description: string;
    readonly license: string;
}

/** The schema of the package. */
export function packageSchema({ name, version, description, license }: Manifest, outputs: Outputs) {
    const inputs = new Arguments();
    const keys = { ...declarations(), prefix: declarationOf(prefix) };
    const inputProperties = Object.fromEntries(
        Object.entries(keys).map(([key, declaration]) => [key, inputs.property(capitalized(key), declaration)]),
    );
    const anyVersion = { respectSchemaVersion: true };
    return {
        name,
        version,
        description,
        license,
        language: { nodejs: anyVersion, python: anyVersion, go: anyVersion, csharp: anyVersion, java: anyVersion },
        types: { ...inputs.types, ...outputs.types },
        resources: {
            [typeToken("Cloud")]: {
                isComponent: true,
                description: outputs.description,
                inputProperties,
                requiredInputs: ["domain"],
                properties: outputs.properties,
                required: outputs.required,
            },
        },
    };
}
