/** The key `lifespans`: how long tokens live. */
import { z } from "zod";

import { text } from "./declaration";

/** As Authelia writes durations. */
function lifespan(standard: string, description: string) {
    const allowed = 'a whole number and one of seconds, minutes, hours, days, weeks, months, years, such as "2 days"';
    const holds = (value: string) => /^[1-9]\d* (second|minute|hour|day|week|month|year)s?$/.test(value);
    return text(allowed, holds).default(standard).meta({ description, example: standard });
}

export const lifespans = z
    .strictObject({
        // The first two defaults are those of Authelia's oCIS guide.
        accessToken: lifespan("2 days", "Of every access token. Who loses access keeps it for so long."),
        refreshToken: lifespan(
            "3 days",
            "Of the web interface's refresh token, counted from the last use of the one before: without use for so long, it asks " +
                "for a sign-in.",
        ),
        // Authelia's own 90 minutes would sign every app out over lunch.
        nativeRefreshToken: lifespan(
            "30 days",
            "Of the refresh token of the desktop, Android and iOS apps, which has to outlast the time that a device lies in a drawer.",
        ),
    })
    .prefault({})
    .meta({ description: 'How long tokens live, such as "12 hours" or "2 days".' });
