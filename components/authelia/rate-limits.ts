/**
 * How often Authelia may be asked from one address, by as many people as speak from there. Its own limits are meant for a household: of
 * a class behind one address they keep most out. Pure.
 */
import { LimitedEndpoint } from "../../versions";

/**
 * Where nothing can be guessed, and so nothing is counted: tokens of OpenID Connect have 256 random bits, the secrets of ownCloud's
 * clients are published, and a stranger's wrong tries would use up what everybody at the same address needs for a refresh. oCIS asks
 * about all of its people from one address.
 */
const UNCOUNTED: readonly LimitedEndpoint[] = ["openid_connect_token", "openid_connect_userinfo", "openid_connect_revocation"];

/** Requests that each person has at once: for sign-ins by browser and app, and a mistake. */
const AT_ONCE = 3;

/** Seconds until everybody has one request more. */
const REFILL = 60 * 60;

/** The shortest period that Authelia takes, seconds. Source: Authelia 4.39.20, internal/configuration/validator/server.go. */
const SHORTEST = 10;

/**
 * Authelia's `server.endpoints.rate_limits`. It calls a limit so many requests in a period; what it does is to fill up one request a
 * period. Source: Authelia 4.39.20, internal/middlewares/rate_limiting.go.
 */
export function rateLimits(endpoints: readonly LimitedEndpoint[], people: number) {
    const period = `${Math.max(SHORTEST, Math.floor(REFILL / people))} seconds`;
    const counted = { buckets: [{ requests: AT_ONCE * people, period }] };
    return Object.fromEntries(
        endpoints.map((endpoint) => [endpoint, UNCOUNTED.includes(endpoint) ? { enable: false } : counted]),
    );
}
