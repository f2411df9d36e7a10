/** Whether the edge sees from which addresses people come: the Docker Engine may show all of them under one. */
import * as pulumi from "@pulumi/pulumi";
import { isIPv6 } from "node:net";

import { Settings } from "../../settings";
import { isLoopback } from "../../settings/tls";
import { askDocker } from "../diagnosis";

/** What an engine says of itself; of that, what matters here. Source: Docker Engine API, SystemInfo. */
export interface Engine {
    readonly OperatingSystem?: string;
    readonly SecurityOptions?: readonly string[] | null;
}

/** Whether it is the engine that people come through: a proxy in front names the client; on the loopback there is only this machine. */
const meetsPeople = ({ address, tls }: Pick<Settings, "address" | "tls">) => tls.mode !== "none" && !isLoopback(address);

/** Why everybody would come from one address; undefined where that is not known, or nobody comes from elsewhere. Pure. */
export function whyHidden(settings: Pick<Settings, "address" | "tls">, engine: Engine): string | undefined {
    const { address } = settings;
    if (!meetsPeople(settings)) {
        return undefined;
    }
    if (isIPv6(address)) {
        return `the address ${address} is one of IPv6, and the network of the containers has none`;
    }
    if (engine.OperatingSystem === "Docker Desktop") {
        return "Docker Desktop puts its own address in the place of theirs";
    }
    return engine.SecurityOptions?.includes("name=rootless")
        ? "a Docker Engine without root puts its own address in the place of theirs, unless its port driver is told otherwise"
        : undefined;
}

/** What the engine says of itself; nothing where it does not answer, which is said where a container is made. */
async function engineInfo(): Promise<Engine> {
    const { code, stdout } = await askDocker("info", "--format", "{{json .}}");
    return code === 0 ? (JSON.parse(stdout) as Engine) : {};
}

/** Says so where everybody comes from one address. */
export async function noticeHiddenAddresses(settings: Settings, edge: pulumi.Resource): Promise<void> {
    if (!meetsPeople(settings)) {
        return; // nothing that an engine says would matter
    }
    const why = whyHidden(settings, await engineInfo());
    if (why !== undefined) {
        await pulumi.log.info(
            `Authelia sees everybody at one address: ${why}. It lets as many sign in at once as peopleAtOneAddress says, ` +
                `${settings.peopleAtOneAddress}. See docs/reverse-proxy.md, "Addresses".`,
            edge,
        );
    }
}
