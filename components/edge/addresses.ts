/** Whether the edge sees from which addresses people come: the Docker Engine may show all of them under one. */
import * as pulumi from "@pulumi/pulumi";
import { isIPv6 } from "node:net";

import { Settings } from "../../settings";
import { addressesOf } from "../../settings/ports";
import { isLoopback } from "../../settings/tls";
import { askDocker } from "../diagnosis";

/** What an engine says of itself; of that, what matters here. Source: Docker Engine API, SystemInfo. */
export interface Engine {
    readonly OperatingSystem?: string;
    readonly SecurityOptions?: readonly string[] | null;
}

/** What tells where people come through. */
type Reached = Pick<Settings, "address" | "secondAddress" | "tls">;

/** Where people come through the engine: a proxy in front names the client; on the loopback there is only this machine. */
function meetingPlaces(reached: Reached): string[] {
    return reached.tls.mode === "none" ? [] : addressesOf(reached).filter((each) => !isLoopback(each));
}

/**
 * Who comes from one address, and why, as the end of the sentence "Authelia sees …"; undefined where that is not known, or nobody comes
 * from elsewhere. Pure.
 */
export function whoIsHidden(settings: Reached, engine: Engine): string | undefined {
    const places = meetingPlaces(settings);
    const [six] = places.filter(isIPv6);
    const others = places.filter((each) => !isIPv6(each));
    if (six !== undefined && others.length === 0) {
        return `everybody at one address: the address ${six} is one of IPv6, and the network of the containers has none`;
    }
    if (places.length > 0 && engine.OperatingSystem === "Docker Desktop") {
        return "everybody at one address: Docker Desktop puts its own address in the place of theirs";
    }
    if (places.length > 0 && engine.SecurityOptions?.includes("name=rootless")) {
        return (
            "everybody at one address: a Docker Engine without root puts its own address in the place of theirs, unless its port driver " +
            "is told otherwise"
        );
    }
    return six === undefined
        ? undefined
        : `everybody who comes to the address ${six} at one: it is one of IPv6, and the network of the containers has none`;
}

/** What the engine says of itself; nothing where it does not answer, which is said where a container is made. */
async function engineInfo(): Promise<Engine> {
    const { code, stdout } = await askDocker("info", "--format", "{{json .}}");
    return code === 0 ? (JSON.parse(stdout) as Engine) : {};
}

/** Says so where people come from one address. */
export async function noticeHiddenAddresses(settings: Settings, edge: pulumi.Resource): Promise<void> {
    if (meetingPlaces(settings).length === 0) {
        return; // nothing that an engine says would matter
    }
    const who = whoIsHidden(settings, await engineInfo());
    if (who !== undefined) {
        await pulumi.log.info(
            `Authelia sees ${who}. It lets as many sign in at once as peopleAtOneAddress says, ` +
                `${settings.peopleAtOneAddress}. See docs/reverse-proxy.md, "Addresses".`,
            edge,
        );
    }
}
