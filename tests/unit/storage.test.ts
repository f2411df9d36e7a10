/** Where oCIS's files lie: what Docker is told of a place, and the place that it tells of. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { explain } from "../../components/diagnosis";
import { blobStore } from "../../components/ocis/configuration";
import { notBackedUp } from "../../operations/backup";
import { placeOf, volumeOptions } from "../../settings/storage";
import { settingsOf } from "../configuration";
import { s3 } from "../wrong-inputs";

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

test("by default oCIS keeps contents by its own driver; with a bucket it is told where, and its keys are in ocis.yaml alone", () => {
    const { blobs } = settingsOf(s3()).storage;
    assert.deepEqual(blobStore(settingsOf()), {});
    assert.deepEqual(blobStore(settingsOf(s3())), {
        STORAGE_USERS_DRIVER: "s3ng",
        STORAGE_USERS_S3NG_ENDPOINT: "https://s3.example.com",
        STORAGE_USERS_S3NG_REGION: "us-east-1",
        STORAGE_USERS_S3NG_BUCKET: "cloud",
    });
    assert.equal(blobs.mode, "s3");
    assert.ok(!JSON.stringify(blobStore(settingsOf(s3()))).includes("canary"));
});

test("a bucket is said not to be backed up", () => {
    assert.match(notBackedUp(settingsOf(s3())).join(), /the bucket cloud at https:\/\/s3\.example\.com/);
});
