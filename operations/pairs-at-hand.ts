/** The pairs of servers that tests can run on here: real ones whose images are here or can be pulled, else the stand-ins. */
import { AUTHELIA, OCIS } from "../versions";
import { chooseReal, ImageNames, isAtHand, localReleases, standIns } from "./images";

/** The pair that Authelia's guide was tested with. */
const GUIDE = { authelia: "authelia/authelia:4.38.0", ocis: "owncloud/ocis:4.0.5" };

/**
 * The pairs at hand, the newest first: the newest Authelia with each oCIS, the guide's pair, and the stand-ins where there is no other.
 *
 * @param always Whether the stand-ins are among them wherever the default images cannot be had.
 */
export async function pairsAtHand(say: (line: string) => void, always = false) {
    const caddy = await chooseReal("caddy", say);
    const defaults = [await isAtHand(AUTHELIA.image, say), await isAtHand(OCIS.image, say)];
    const areDefaultsHere = !defaults.includes(false);
    const portals = await localReleases("authelia");
    const clouds = await localReleases("ocis");
    const pairs = portals.slice(0, 1).flatMap((authelia) => clouds.map((ocis) => ({ authelia, ocis })));
    if (portals.slice(1).includes(GUIDE.authelia) && clouds.includes(GUIDE.ocis)) {
        pairs.push(GUIDE);
    }
    if (!areDefaultsHere && (always || pairs.length === 0)) {
        pairs.push(await standIns(say));
    }
    return { areDefaultsHere, pairs: pairs.map((pair): ImageNames => ({ ...pair, caddy })) };
}
