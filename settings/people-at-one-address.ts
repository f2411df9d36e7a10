/** The key `peopleAtOneAddress`: for how many people one address may speak. */
import { z } from "zod";

/** For how many Authelia's own limits are enough. Fewer would have less than those grant. See components/authelia/rate-limits.ts. */
const FEWEST = 15;

const MOST = 10_000;

const allowed = `a whole number from ${FEWEST} to ${MOST}`;

export const peopleAtOneAddress = z
    .int(allowed)
    .min(FEWEST, allowed)
    .max(MOST, allowed)
    .default(60)
    .meta({
        description:
            "How many people sign in from one address, such as a school's, or all of them where the Docker Engine or a proxy hides addresses. " +
            "Authelia 4.39 counts codes of second factors by address: each of so many people can show three at once, and then one an hour. " +
            "Passwords are counted by user.",
        example: 60,
    });
