/** The pure parts of `npm run verify`. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Headers } from "undici";

import { Browser } from "../../client/browser";
import { RENEWAL_DAYS } from "../../operations/certificate";
import { printFindings } from "../../operations/finding";
import { causeOf, NoServer } from "../../operations/verify/causes";
import { daysLeft, mayConnect, mayRead, outsideChecks } from "../../operations/verify/outside";
import { secretIn } from "../../operations/verify/person";
import { Check, lookAt, Warning } from "../../operations/verify/report";
import { settingsOf } from "../configuration";

const CURES = { stack: "prod", prefix: "ocis-authelia-prod-" };
const ISSUER = "https://auth.example.com";

/** LLDAP takes no people from the configuration. */
const WITH_LLDAP = { users: {}, directory: { mode: "lldap" } };

describe("verify", () => {
    test("a certificate's days are whole ones, and none is left of one that has ended", () => {
        const end = "Jan 22 00:00:00 2026 GMT";
        assert.equal(daysLeft(end, Date.UTC(2026, 0, 1)), RENEWAL_DAYS);
        assert.equal(daysLeft(end, Date.UTC(2026, 0, 1) + 1), RENEWAL_DAYS - 1);
        assert.ok(daysLeft(end, Date.UTC(2026, 0, 23)) < 0);
    });

    test("a policy lets scripts connect by connect-src, else by default-src, else everywhere", () => {
        assert.ok(mayConnect(`default-src 'none'; connect-src 'self' ${ISSUER}/`, ISSUER));
        assert.ok(!mayConnect(`default-src ${ISSUER}; connect-src 'self'`, ISSUER));
        assert.ok(mayConnect(`default-src 'self' ${ISSUER}`, ISSUER));
        assert.ok(mayConnect("script-src 'self'", ISSUER));
        assert.ok(!mayConnect(`connect-src ${ISSUER}.evil.example`, ISSUER));
    });

    test("a page may read what names its origin or every one", () => {
        const answer = (origin?: string) => ({
            headers: new Headers(origin === undefined ? {} : { "access-control-allow-origin": origin }),
        });
        assert.deepEqual(
            [ISSUER, "*", "https://other.example.com", undefined].map((origin) => mayRead(answer(origin), ISSUER)),
            [true, true, false, false],
        );
    });

    test("a second factor is that of the very user", () => {
        const exported = ["annalice:AAAA", "alice:BBBB"]
            .map((entry) => entry.split(":"))
            .map(([user, secret]) => `otpauth://totp/example.com:${user}?issuer=example.com&secret=${secret}`);
        assert.equal(secretIn(exported.join("\n"), "alice"), "BBBB");
        assert.equal(secretIn(exported.join("\n"), "bob"), undefined);
    });

    const linesOf = (given?: Record<string, unknown>, browser = {} as Browser) =>
        outsideChecks({ settings: settingsOf(given), stack: "prod" }, browser);

    test("every public name is looked at: the third where people live in LLDAP", () => {
        const names = (given?: Record<string, unknown>) =>
            linesOf(given).flatMap(({ what }) => /^(?:name|TLS of|TLS versions of) (\S+)$/.exec(what)?.[1] ?? []);
        const [auth, cloud, users] = ["auth", "owncloud", "users.auth"].map((label) => `${label}.example.com`);
        assert.deepEqual([...new Set(names())], [auth, cloud]);
        assert.deepEqual(
            names(WITH_LLDAP),
            [auth, cloud, users].flatMap((name) => [name, name, name]),
        );
        assert.ok(!linesOf(undefined).some(({ what }) => what === "LLDAP's page"));
    });

    test("LLDAP's page is well where it sends a stranger to the portal, and nowhere else", async () => {
        const answers: [answer: { status: number; location?: string }, well: boolean][] = [
            [{ status: 302, location: `${ISSUER}/?rd=https%3A%2F%2Fusers.auth.example.com%2F&rm=GET` }, true],
            [{ status: 200 }, false],
            [{ status: 401 }, false],
            [{ status: 302, location: "https://owncloud.example.com/" }, false],
            [{ status: 302, location: `${ISSUER}.evil.example/?rd=` }, false],
            [{ status: 502 }, false],
        ];
        for (const [{ status, location }, well] of answers) {
            const headers = new Headers(location === undefined ? {} : { location });
            const ask = () => Promise.resolve({ status, headers, text: "" });
            const lines = linesOf(WITH_LLDAP, { ask } as unknown as Browser);
            const look = lines.find(({ what }) => what === "LLDAP's page")!.look();
            await (well ? look : assert.rejects(look, new RegExp(String(status))));
        }
    });

    test("an error's cause is found however deep it lies", () => {
        const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
        assert.match(causeOf(new TypeError("fetch failed", { cause: refused }), CURES)!.cure, /ocis-authelia-prod-edge/);
        assert.match(causeOf(new NoServer("ocis", "502"), CURES)!.cure, /docker start ocis-authelia-prod-ocis;/);
        assert.equal(causeOf(new Error("else"), CURES), undefined);
    });

    test("what needs a line that failed is not looked at; a warning is no failure", async () => {
        const check = (what: string, look: Check["look"], needs: string[] = []): Check => {
            return { what, look, needs, cause: "why", cure: "do" };
        };
        const lines = await lookAt(
            [
                check("soon", () => Promise.resolve(new Warning("ends", "late", "renew"))),
                check("first", () => Promise.reject(new Error("broken"))),
                check("second", () => Promise.resolve("fine"), ["first"]),
                check("third", () => Promise.resolve("fine"), ["second"]),
                check("other", () => Promise.resolve("fine"), ["soon"]),
            ],
            [],
            CURES,
            () => undefined,
        );
        assert.deepEqual(
            lines.map(({ state }) => state),
            ["warning", "failed", "skipped", "skipped", "ok"],
        );
        assert.match(
            printFindings({ "stack prod": lines }),
            /likely cause: why\n +do\n[^]*1 failed, 1 warning, 2 skipped, 1 ok$/,
        );
    });
});
