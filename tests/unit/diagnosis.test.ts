/** What a person reads when Docker refuses. The messages explained here are Docker's own, copied from real runs. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { explain, mask } from "../../components/diagnosis";

const CONTAINER = "docker:index/container:Container";
const IMAGE = "docker:index/remoteImage:RemoteImage";

test("a port in use is named with the cure", () => {
    const allocated =
        "Unable to start container: Error response from daemon: driver failed programming external connectivity on endpoint " +
        "x (abc): Bind for 127.0.0.1:8443 failed: port is already allocated";
    assert.match(
        explain("edge", "some/image:1", CONTAINER, allocated)!,
        /Port 8443 of 127\.0\.0\.1 is in use[^]*config set httpsPort/,
    );
    const listening =
        "Unable to start container: Error starting userland proxy: listen tcp4 127.0.0.1:8443: bind: address already in use";
    assert.match(
        explain("edge", "some/image:1", CONTAINER, listening)!,
        /Port 8443 of 127\.0\.0\.1 is in use[^]*config set httpsPort/,
    );
});

test("an image that cannot be had is named by its key in the configuration", () => {
    const missing = "Unable to read Docker image into resource: unable to find or pull image owncloud/ocis:8.0.5";
    assert.match(explain("ocis", "some/image:1", IMAGE, missing)!, /config set --path images\.ocis/);
    assert.match(explain("edge", "some/image:1", IMAGE, missing)!, /config set --path images\.caddy/);
});

test("secrets are masked in a log, keys and short words are not", () => {
    const secrets = ["session:\n  secret: 'canary-canary'\nkey: |\n  -----BEGIN KEY-----\n  MIIEabcdefgh\n"];
    const log = "jwt_secret has not been set; secret: canary-canary; MIIEabcdefgh; the key: short";
    assert.equal(mask(log, secrets), "jwt_secret has not been set; secret: [secret]; [secret]; the key: short");
});
