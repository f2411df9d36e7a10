/**
 * oCIS's service `collaboration`, by which an office server reads and writes documents (WOPI). `ocis server` does not know it, so it is a
 * second process in oCIS's own container: what it needs of oCIS, the bus, the gateway and the place of files, stays on the loopback, and
 * nothing but WOPI's own port is opened. In a container of its own it would need all three on the network, where the bus asks nobody who
 * they are. Source: oCIS 7.0.0 and 8.2.0, services/collaboration/pkg/{command,config,helpers} and ocis/pkg/runtime/service; run with both.
 * Pure.
 */
import { Office } from "../../settings/office";
import { Branch } from "../site";
import { asks, LOOK } from "./beside";

/** Port of WOPI; its default. */
const WOPI_PORT = 9300;

/** Below this path of ownCloud's site; oCIS has nothing there. Source: services/collaboration/pkg/{server/http,wopisrc}. */
const WOPI_PATH = "/wopi/*";

/** An office server's product, as oCIS and people know it, and the path of its icon. Source: oCIS 8.2.0, deployments/examples/ocis_full. */
const PRODUCTS = {
    collabora: { product: "Collabora", title: "Collabora Online", icon: "/favicon.ico" },
    onlyoffice: {
        product: "OnlyOffice",
        title: "ONLYOFFICE",
        icon: "/web-apps/apps/documenteditor/main/resources/img/favicon.ico",
    },
} as const;

/** oCIS's environment. `ocis server` reads nothing of it. Requests are taken with the server's proof alone, which is the default. */
export function officeEnvironment(office: Office, cloudUrl: string): Record<string, string> {
    if (office.mode === "none") {
        return {};
    }
    const { product, title, icon } = PRODUCTS[office.mode];
    return {
        COLLABORATION_APP_NAME: product,
        COLLABORATION_APP_PRODUCT: product,
        COLLABORATION_APP_DESCRIPTION: `Open documents with ${title}`,
        COLLABORATION_APP_ICON: `${office.url}${icon}`,
        COLLABORATION_APP_ADDR: office.url,
        COLLABORATION_APP_INSECURE: "false",
        COLLABORATION_HTTP_ADDR: `0.0.0.0:${WOPI_PORT}`,
        COLLABORATION_WOPI_SRC: cloudUrl,
    };
}

/** What ownCloud's pages may show of another server: the office server's own, within them. */
export function officeSources(office: Office): string[] {
    return office.mode === "none" ? [] : [`${office.url}/`];
}

/** Where the edge sends the office server's requests: of their token oCIS has no other place than the URL. */
export function officeBranches(office: Office, host: string): Branch[] {
    return office.mode === "none" ? [] : [{ path: WOPI_PATH, upstream: `${host}:${WOPI_PORT}` }];
}

/** Says whether it serves. Source: oCIS 7.0.0 and 8.2.0, services/collaboration/pkg/{config/defaults,server/debug}. */
const READY = "http://127.0.0.1:9304/readyz";

/** Looks in a row without an answer after which it is ended. It takes a second or two to start, and a slow machine gets many more. */
const LOOKS = 8;

/**
 * What keeps the service running beside oCIS. It ends where the office server does not answer, or oCIS not yet, and people work with everything
 * else meanwhile. And oCIS 7.0's stays and serves nothing where one of its ports is closed, or where it is asked to end, because the server for
 * oCIS itself knows no end. Source: oCIS 7.0.0, services/collaboration/pkg/command/server.go; run with it.
 */
export function officeScripts(office: Office): string[] {
    const script = `
{
    sleep ${LOOK}
    while true; do
        ocis collaboration server &
        missed=0
        while sleep ${LOOK} && kill -0 $! 2>/dev/null && test $missed -lt ${LOOKS}; do
            if ${asks(READY)}; then missed=0; else missed=$((missed + 1)); fi
        done
        kill -9 $! 2>/dev/null
        wait $!
    done
} &`;
    return office.mode === "none" ? [] : [script.trim()];
}
