/** Limits by address. That a class gets in with them is proved by the deployment tests. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { autheliaConfiguration } from "../../components/authelia/configuration";
import { rateLimits } from "../../components/authelia/rate-limits";
import { accessPolicy } from "../../components/access";
import { ocisRelyingApplication } from "../../components/ocis/relying-parties";
import { hostsOf } from "../../hosts";
import { settingsOf } from "../configuration";

/** What a release of Authelia is told of its server, by a stack that says `values`. */
function serverOf(version: string, values: object = {}) {
    const settings = settingsOf({ ...values, images: { authelia: `authelia/authelia:${version}` } });
    const hosts = hostsOf(settings);
    const application = ocisRelyingApplication(hosts.cloud.url, accessPolicy(settings.access), settings);
    return autheliaConfiguration({ settings, hosts, application, directory: { usersFile: "/users.yml" } }).server;
}

test("everybody can show three codes at once, and then one an hour", () => {
    assert.deepEqual(rateLimits(["second_factor_totp"], 60).second_factor_totp, {
        buckets: [{ requests: 180, period: "60 seconds" }],
    });
});

test("a crowd has a period that Authelia takes", () => {
    assert.deepEqual(rateLimits(["second_factor_totp"], 10_000).second_factor_totp, {
        buckets: [{ requests: 30_000, period: "10 seconds" }],
    });
});

test("what can only be guessed by chance is not counted", () => {
    assert.deepEqual(rateLimits(["openid_connect_token"], 60), { openid_connect_token: { enable: false } });
});

test("each release is told of the limits that it knows", () => {
    const told = (version: string) => {
        const server = serverOf(version);
        return "endpoints" in server ? Object.keys(server.endpoints!.rate_limits!) : [];
    };
    const portal = ["second_factor_totp", "session_elevation_start", "session_elevation_finish"];
    const token = [...portal, "openid_connect_token"];
    assert.deepEqual(told("4.38.0"), []);
    assert.deepEqual(told("4.38.19"), []);
    assert.deepEqual(told("4.39.16"), portal);
    assert.deepEqual(told("4.39.17"), token);
    assert.deepEqual(told("4.39.20"), [...token, "openid_connect_userinfo", "openid_connect_revocation"]);
});

test("the number of people is that of the key", () => {
    const limit = (values?: object) => {
        const server = serverOf("4.39.20", values);
        assert.ok("endpoints" in server);
        return server.endpoints!.rate_limits!.second_factor_totp;
    };
    const buckets = (requests: number, period: string) => ({ buckets: [{ requests, period }] });
    assert.deepEqual(limit(), buckets(180, "60 seconds"));
    assert.deepEqual(limit({ peopleAtOneAddress: 100 }), buckets(300, "36 seconds"));
});
