/** What the class of the component says of its outputs, read from its source: names, types, and descriptions, which are its JSDoc. Pure. */
import ts from "typescript";

import { typeToken } from "../components/naming";
import type { NamedType, PropertySpec, TypeSpec } from "./package-schema";

export interface Outputs {
    /** Of the class. */
    readonly description: string;
    readonly properties: Readonly<Record<string, PropertySpec>>;
    /** Those that are always there. */
    readonly required: readonly string[];
    /** Types that they refer to. */
    readonly types: Readonly<Record<string, NamedType>>;
}

/** The JSDoc of a declaration as one line. */
function description(node: ts.Node): string {
    const [comment] = ts.getJSDocCommentsAndTags(node);
    return (ts.getTextOfJSDocComment(comment?.comment) ?? "").replaceAll(/\s+/g, " ").trim();
}

/** Members that are named and typed, of a class, an interface or a type literal. */
function fields(members: readonly ts.Node[]): { name: string; type: ts.TypeNode; node: ts.Node; optional: boolean }[] {
    return members.flatMap((node) =>
        (ts.isPropertyDeclaration(node) || ts.isPropertySignature(node)) && node.type !== undefined
            ? [{ name: node.name.getText(), type: node.type, node, optional: node.questionToken !== undefined }]
            : [],
    );
}

/**
 * @param source Text of components/cloud.ts.
 * @param component Name of the class.
 */
export function outputsOf(source: string, component: string): Outputs {
    const file = ts.createSourceFile("cloud.ts", source, ts.ScriptTarget.Latest, true);
    const types: Record<string, NamedType> = {};

    function object(name: string, members: readonly ts.Node[], about: string): TypeSpec {
        const named = fields(members);
        types[typeToken(name)] = {
            type: "object",
            ...(about === "" ? {} : { description: about }),
            properties: Object.fromEntries(named.map(({ name: member, type }) => [member, typeOf(member, type)])),
            required: named.filter(({ optional }) => !optional).map(({ name: member }) => member),
        };
        return { $ref: `#/types/${typeToken(name)}` };
    }

    /** @param name What an object without a name of its own is called. */
    function typeOf(name: string, type: ts.TypeNode): TypeSpec {
        if (type.kind === ts.SyntaxKind.StringKeyword) {
            return { type: "string" };
        }
        if (ts.isUnionTypeNode(type)) {
            return typeOf(name, type.types[0]!); // the other is undefined
        }
        if (ts.isArrayTypeNode(type)) {
            return { type: "array", items: typeOf(name, type.elementType) };
        }
        if (ts.isTypeLiteralNode(type)) {
            return object(name, type.members, "");
        }
        if (ts.isTypeReferenceNode(type)) {
            const reference = type.typeName.getText();
            if (reference === "Record") {
                return { type: "object", additionalProperties: typeOf(name, type.typeArguments![1]!) };
            }
            const found = file.statements.find(
                (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === reference,
            );
            if (found !== undefined && ts.isInterfaceDeclaration(found)) {
                return object(reference, found.members, description(found));
            }
        }
        throw new Error(`${component}: ${type.getText()} is no type that a schema can have here`);
    }

    const declared = file.statements.find(
        (statement) => ts.isClassDeclaration(statement) && statement.name?.text === component,
    );
    if (declared === undefined || !ts.isClassDeclaration(declared)) {
        throw new Error(`there is no class ${component}`);
    }
    const outputs = fields(declared.members).map(({ name, type, node }) => {
        const [held] = ts.isTypeReferenceNode(type) ? (type.typeArguments ?? []) : [];
        if (held === undefined) {
            throw new Error(`${component}.${name} is no output`);
        }
        const about = description(node);
        const own = `Cloud${name.charAt(0).toUpperCase()}${name.slice(1)}`;
        const spec: PropertySpec = {
            ...typeOf(own, held),
            description: about,
            ...(/\bsecret\b/.test(about) ? { secret: true } : {}),
        };
        return { name, spec, optional: ts.isUnionTypeNode(held) };
    });
    return {
        description: description(declared),
        properties: Object.fromEntries(outputs.map(({ name, spec }) => [name, spec])),
        required: outputs.filter(({ optional }) => !optional).map(({ name }) => name),
        types,
    };
}
