/**
 * The least that could stand in our edge's place: the same Caddy with the same certificate and a reverse proxy for each site, and nothing
 * else. It is reached under the same names and port, because the servers insist on the URLs that they are configured with, but on another
 * address of this machine's loopback, published in the same way.
 */
import { Browser } from "../../client/browser";
import { Cloud } from "../deployment/cloud";
import { docker } from "../deployment/stack";
import { eventually } from "../deployment/waiting";

/** Linux's loopback is all of 127.0.0.0/8. Source: ip-address(8); RFC 1122, 3.2.1.3. */
export const PLAIN_ADDRESS = "127.0.0.2";

/** The paths are those of our edge, whose files it reads. Host names are taken over from the request, as Caddy does by itself. */
function caddyfile({ url, issuer, settings }: Cloud): string {
    const site = (at: string, upstream: string) => `${at} {
        tls /run/configuration/certificate.pem /run/secrets/certificate.key
        reverse_proxy ${upstream}
    }`;
    const options = `{
        admin off
        https_port ${String(settings.httpsPort)}
        auto_https disable_redirects
    }`;
    return [options, site(issuer, "authelia:9091"), site(url, "ocis:9200"), ""].join("\n");
}

/** Starts it beside a cloud's edge, with the same limits. Returns what ends it, which has to come before the cloud is taken down. */
export async function startPlainEdge(cloud: Cloud): Promise<() => Promise<void>> {
    const { settings, stack } = cloud;
    const edge = `${stack.prefix}edge`;
    const name = `${stack.prefix}plain-edge`;
    const [image, memory] = (await docker("inspect", "--format", "{{.Image}} {{.HostConfig.Memory}}", edge)).split(" ");
    const port = String(settings.httpsPort);
    await docker("rm", "--force", name);
    await docker(
        ...["run", "--detach", "--name", name, "--volumes-from", `${edge}:ro`, "--network", `${stack.prefix}network`],
        ...["--user", "1000:1000", "--read-only", "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE"],
        ...["--security-opt", "no-new-privileges:true", "--memory", memory!, "--memory-swap", memory!],
        ...["--tmpfs", "/tmp", "--env", "XDG_DATA_HOME=/tmp", "--env", "XDG_CONFIG_HOME=/tmp"],
        ...["--publish", `${PLAIN_ADDRESS}:${port}:${port}`, "--publish", `${PLAIN_ADDRESS}:${port}:${port}/udp`],
        ...["--env", `CADDYFILE=${caddyfile(cloud)}`, "--entrypoint", "/bin/sh", image!],
        ...["-c", 'printf %s "$CADDYFILE" | exec caddy run --config - --adapter caddyfile'],
    );
    await eventually("the bare Caddy answers", 20, async () => {
        const browser = new Browser(cloud.ca, true, PLAIN_ADDRESS);
        const answer = await browser.ask(cloud.url).catch(() => undefined);
        await browser.close();
        return answer;
    });
    return async () => void (await docker("rm", "--force", "--volumes", name));
}
