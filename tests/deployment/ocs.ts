/** ownCloud's older API (OCS) for tests: shares, and what no other API has. */
import assert from "node:assert/strict";

import { Session } from "../../client/relying-party";

const SHARES = "apps/files_sharing/api/v1/shares";

/** Asks it: with a body it posts. */
export async function ocs(session: Session, path: string, body?: Record<string, string>): Promise<Record<string, string>> {
    const { status, text } = await session.ask(`/ocs/v1.php/${path}${path.includes("?") ? "&" : "?"}format=json`, {
        headers: { "ocs-apirequest": "true" },
        ...(body === undefined ? {} : { method: "POST", body: new URLSearchParams(body) }),
    });
    assert.equal(status, 200, text);
    const { meta, data } = (JSON.parse(text) as { ocs: { meta: { status: string }; data: Record<string, string> } }).ocs;
    assert.equal(meta.status, "ok", text); // a refusal comes with HTTP's 200
    return data;
}

/** Shares a file or folder, to be read. */
export function share(session: Session, path: string, how: Record<string, string>): Promise<Record<string, string>> {
    return ocs(session, SHARES, { path, permissions: "1", ...how });
}

/** Takes a share away. */
export async function unshare(session: Session, id: string): Promise<void> {
    const path = `/ocs/v1.php/${SHARES}/${id}?format=json`;
    const { status, text } = await session.ask(path, { method: "DELETE", headers: { "ocs-apirequest": "true" } });
    assert.equal(status, 200, text);
}

/** The shares of a file or folder of one's own. */
export async function shares(session: Session, path: string): Promise<readonly unknown[]> {
    return (await ocs(session, `${SHARES}?path=${encodeURIComponent(path)}`)) as unknown as readonly unknown[];
}

/** Accepts a share, which newer releases do by themselves. */
export async function acceptShare(session: Session, id: string): Promise<void> {
    await ocs(session, `${SHARES}/pending/${id}`, {});
}
