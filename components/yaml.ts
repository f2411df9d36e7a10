/** Plain values as YAML text, always in the same form. */
import { stringify } from "yaml";

/**
 * @param value Of plain objects, lists, strings, numbers and booleans. Long lines stay whole, keys keep their order, and what
 * stands twice is written twice, without anchors.
 */
export function toYaml(value: unknown): string {
    return stringify(value, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });
}
