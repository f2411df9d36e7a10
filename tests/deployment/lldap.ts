/** LLDAP of a stack as its administrator uses it: by what its page asks, through the edge, with two factors at the portal before that. */
import assert from "node:assert/strict";

import { Browser } from "../../client/browser";
import { Cloud } from "./cloud";

/** Signs somebody in at the portal with both factors, for nothing in particular. */
export async function atPortal(cloud: Cloud, user: string, browser = cloud.open()): Promise<Browser> {
    const { username, password, code } = cloud.credentials(user);
    const first = { username, password, keepMeLoggedIn: false };
    assert.equal((await browser.ask(`${cloud.issuer}/api/firstfactor`, { json: first })).status, 200);
    const second = { token: await code() };
    assert.equal((await browser.ask(`${cloud.issuer}/api/secondfactor/totp`, { json: second })).status, 200);
    return browser;
}

/** Where LLDAP's page is. */
export const pageOf = ({ issuer }: Cloud) => issuer.replace("//auth.", "//users.auth.");

export class LldapAdministrator {
    private constructor(
        private readonly browser: Browser,
        private readonly page: string,
        private readonly token: string,
    ) {}

    /** Signs the first administrator in, at the portal and at LLDAP. */
    static async signIn(cloud: Cloud): Promise<LldapAdministrator> {
        const browser = await atPortal(cloud, "admin");
        const page = pageOf(cloud);
        const json = { username: "admin", password: cloud.passwords.admin };
        const { status, text } = await browser.ask(`${page}/auth/simple/login`, { json });
        assert.equal(status, 200, text);
        return new LldapAdministrator(browser, page, (JSON.parse(text) as { token: string }).token);
    }

    /** Asks by GraphQL. */
    async ask<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
        const headers = { authorization: `Bearer ${this.token}` };
        const { text } = await this.browser.ask(`${this.page}/api/graphql`, { json: { query, variables }, headers });
        const { data, errors } = JSON.parse(text) as { data: T; errors?: unknown };
        assert.equal(errors, undefined, text);
        return data;
    }

    /** Makes a person, without a password. */
    async addPerson(id: string, groups: readonly string[]): Promise<void> {
        const user = { id, email: `${id}@example.com`, displayName: `${id} Example` };
        await this.ask("mutation($user: CreateUserInput!) { createUser(user: $user) { id } }", { user });
        for (const group of groups) {
            await this.join(id, group);
        }
    }

    /** Puts somebody into a group, which is made where there is none. */
    async join(userId: string, group: string): Promise<void> {
        const known = await this.groups();
        const made = "mutation($name: String!) { createGroup(name: $name) { id } }";
        const groupId = known[group] ?? (await this.ask<{ createGroup: { id: number } }>(made, { name: group })).createGroup.id;
        const add = "mutation($userId: String!, $groupId: Int!) { addUserToGroup(userId: $userId, groupId: $groupId) { ok } }";
        await this.ask(add, { userId, groupId });
    }

    async removePerson(userId: string): Promise<void> {
        await this.ask("mutation($userId: String!) { deleteUser(userId: $userId) { ok } }", { userId });
    }

    /** Ids by name. */
    private async groups(): Promise<Record<string, number>> {
        const { groups } = await this.ask<{ groups: { id: number; displayName: string }[] }>("{ groups { id displayName } }");
        return Object.fromEntries(groups.map(({ id, displayName }) => [displayName, id]));
    }
}
