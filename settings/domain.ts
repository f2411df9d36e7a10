/** The key `domain`. */
import { isIP } from "node:net";
import { parse } from "tldts";

import { text } from "./declaration";

/** A DNS label: lower-case letters, digits and inner hyphens, at most 63. */
const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

const DOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})+$`);

/** Longest domain: that of a host is at most 253 characters, and "owncloud." and what else is put before it want some. */
const LONGEST = 200;

export const domain = text("the domain under which the cloud is reached, such as example.com; it has no default")
    .refine((name) => name.length <= LONGEST && isIP(name) === 0 && DOMAIN.test(name), {
        error: "a domain in lower case with at least one dot, of letters, digits and hyphens, without scheme, port or path",
        abort: true,
    })
    .refine((name) => parse(name, { allowPrivateDomains: true }).publicSuffix !== name, {
        error: "a domain below a public suffix, because directly below one auth.<domain> and owncloud.<domain> are strangers to a browser",
    })
    .meta({
        description:
            "Domain under which the cloud is reached: ownCloud at owncloud.<domain>, Authelia at auth.<domain>. Lower case, at " +
            "least one dot, not a public suffix. Required.",
        example: "example.com",
    });
