/** What a verification finds, line by line: how a check becomes a finding. */
import * as oidc from "openid-client";

import { Finding } from "../finding";
import { causeOf, CommandLineCures } from "./causes";

/** Outcome of a verification; `ok` where no line failed. */
export interface VerifyReport {
    readonly ok: boolean;
    readonly lines: readonly Finding[];
}

/** Something that is well now, and soon will not be. */
export class Warning {
    constructor(
        readonly seen: string,
        readonly cause: string,
        readonly cure: string,
    ) {}
}

/** One thing that is looked at. */
export interface Check {
    readonly what: string;
    /** Names of checks without which this one would say nothing new. */
    readonly needs?: readonly string[];
    /** Returns what it saw, and throws where that is not as it has to be. */
    readonly look: () => Promise<string | Warning>;
    /** Where the error itself does not tell. */
    readonly cause: string;
    readonly cure: string;
}

/** Every message of an error and of what caused it, in one line. */
export function messageOf(error: unknown): string {
    const messages: string[] = [];
    for (let at = error; at instanceof Error; at = at.cause) {
        messages.push(at.message === "" ? String((at as { code?: string }).code ?? at.name) : at.message);
        if (at instanceof oidc.ResponseBodyError) {
            messages.push(`${at.error} (${at.status})`, at.error_description ?? "");
        }
    }
    return (
        [...new Set(messages)]
            .filter((message) => message !== "")
            .join(": ")
            .replace(/\s+/g, " ")
            .slice(0, 300) || String(error)
    );
}

/** Runs the checks one after the other. What needs one that failed is skipped, so that what fails is where the cause lies. */
export async function lookAt(
    checks: readonly Check[],
    before: readonly Finding[],
    cures: CommandLineCures,
    say: (line: string) => void,
): Promise<Finding[]> {
    const lines: Finding[] = [];
    for (const { what, needs = [], look, cause, cure } of checks) {
        const isMissing = ({ what: other, state }: Finding) =>
            needs.includes(other) && (state === "failed" || state === "skipped");
        const missing = [...before, ...lines].find(isMissing);
        if (missing !== undefined) {
            lines.push({ what, state: "skipped", seen: `not checked: needs "${missing.what}"` });
            continue;
        }
        say(`${what} …`);
        try {
            const seen = await look();
            lines.push(seen instanceof Warning ? { what, state: "warning", ...seen } : { what, state: "ok", seen });
        } catch (error) {
            lines.push({ what, state: "failed", seen: messageOf(error), ...(causeOf(error, cures) ?? { cause, cure }) });
        }
    }
    return lines;
}
