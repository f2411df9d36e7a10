/** The key `accessTokens`. */
import { z } from "zod";

export const accessTokens = z
    .enum(["signed", "opaque"], "signed or opaque")
    .default("signed")
    .meta({
        description:
            'Form of the access tokens. "signed" (RS256) lets oCIS verify them itself. "opaque" is what Authelia\'s oCIS guide sets; oCIS ' +
            "before 8.2 then refuses some requests with 401.",
    });
