/** The pure parts of `npm run verify`. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Headers } from "undici";

import { RENEWAL_DAYS } from "../../operations/certificate";
import { printFindings } from "../../operations/finding";
import { causeOf, NoServer } from "../../operations/verify/causes";
import { daysLeft, mayConnect, mayRead } from "../../operations/verify/outside";
import { secretIn } from "../../operations/verify/person";
import { Check, lookAt, Warning } from "../../operations/verify/report";

const CURES = { stack: "prod", prefix: "ocis-authelia-prod-" };
const ISSUER = "https://auth.example.com";

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
