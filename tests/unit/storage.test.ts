/** Where oCIS's files lie: what Docker is told of a place, and the place that it tells of. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { explain } from "../../components/diagnosis";
import { placeOf, volumeOptions } from "../../settings/storage";
import { settingsOf } from "../configuration";

test("by default it is Docker's own place", () => {
    assert.equal(settingsOf().storage.files, "volume");
    assert.equal(volumeOptions("volume"), undefined);
});

test("a folder is bound, an export is mounted, and nothing else is", () => {
    assert.deepEqual(volumeOptions("/srv/disk/cloud"), { type: "none", o: "bind", device: "/srv/disk/cloud" });
    assert.deepEqual(volumeOptions("nfs://nas.example.com/export/cloud"), {
        type: "nfs",
        o: "addr=nas.example.com,nfsvers=4,hard",
        device: ":/export/cloud",
    });
});

test("a volume tells where it was made", () => {
    for (const place of ["volume", "/srv/disk/cloud", "nfs://192.0.2.7/export/cloud"]) {
        assert.equal(placeOf(volumeOptions(place)), place);
    }
    assert.equal(placeOf({}), "volume");
});

test("a place that cannot be mounted is named with the reason", () => {
    const patient = { imageCure: { remove: ["images"] }, ports: [], mender: () => "" };
    const error =
        "Unable to start container: Error response from daemon: error while mounting volume '/var/lib/docker/volumes/a-data/_data': " +
        "failed to mount local volume: mount /srv/disk/cloud:/var/lib/docker/volumes/a-data/_data, flags: 0x1000: no such file or directory";
    const said = explain(patient, "", "docker:index/container:Container", error);
    assert.match(said!, /^\/srv\/disk\/cloud cannot be mounted .*: no such file or directory\.\nSee that it is there/);
});
