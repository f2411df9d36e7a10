/**
 * ClamAV in the stack: it looks for viruses in what people upload, by signatures that it fetches. Whoever reaches it may end it, so it is on a
 * network with oCIS alone.
 */
import * as pulumi from "@pulumi/pulumi";

import { CLAMAV_IMAGE } from "../versions";
import { typeToken } from "./naming";
import { Network, ServerApartArgs } from "./network";
import { CLAMAV, CLAMAV_NETWORK } from "./ocis/antivirus";
import { FILES_PATH, Workload } from "./workload";

/** Where its volume is. Not the image's own folder, which belongs to another user; see DataVolume. */
const DATA = "/antivirus";

const SIGNATURES = `${DATA}/signatures`;

/** Where it puts what it scans: on the disk, since what cannot be put there counts as clean. */
const SCRATCH = `${DATA}/tmp`;

const [CLAMD, FRESHCLAM] = [`${FILES_PATH}/clamd.conf`, `${FILES_PATH}/freshclam.conf`];

/** The largest figure of a size in its configuration. Source: ClamAV 1.4, common/optparser.c. */
const MOST = 2 ** 32 - 1;

/** Of what is in an archive it scans four times as much as of one file: the ratio of its defaults. Source: its clamd.conf. */
const UNPACKED = 4;

/**
 * clamd.conf. oCIS takes an error for a clean file, so nothing that oCIS sends may be too large for it. Its database it reads anew in the
 * place of the old one: with both at once it would take twice the memory. Source: ClamAV 1.4's own clamd.conf.
 */
const clamdConf = (maxScanSize: number) => `LocalSocket /tmp/clamd.sock
TCPSocket ${CLAMAV.port}
DatabaseDirectory ${SIGNATURES}
TemporaryDirectory ${SCRATCH}
StreamMaxLength ${maxScanSize}
MaxFileSize ${maxScanSize}
MaxScanSize ${Math.min(MOST, UNPACKED * maxScanSize)}
ConcurrentDatabaseReload no
Foreground yes
`;

/** freshclam.conf. Source: ClamAV 1.4's own, and its documentation, "Configuration". */
const FRESHCLAM_CONF = `DatabaseDirectory ${SIGNATURES}
DatabaseMirror database.clamav.net
NotifyClamd ${CLAMD}
`;

/** Seconds between two looks for new signatures: twelve a day, which is freshclam's own rhythm. */
const FETCH_EVERY = 2 * 60 * 60;

/** Seconds after which it is tried again to fetch the first ones. */
const FETCH_AGAIN = 30;

/**
 * Fetches signatures, and then ever again, and starts the server once there are some. The image's own are where it starts from, if it has
 * some; then the server is up at once and without the internet.
 */
const SCRIPT = `
trap exit TERM
mkdir -p ${SIGNATURES} ${SCRATCH} && rm -rf ${SCRATCH}/*
some() { ls ${SIGNATURES} | grep -Eq '[.](c[vl]d|[a-z]*db|[hm]sb|yara?)$'; }
some || for file in /var/lib/clamav/*.c[vl]d; do test ! -e $file || cp $file ${SIGNATURES}/; done
fetch() { freshclam --config-file=${FRESHCLAM} --stdout; }
until some; do
    fetch
    some || { echo "There are no signatures yet: see docs/antivirus.md." >&2; sleep ${FETCH_AGAIN} & wait $!; }
done
while fetch; sleep ${FETCH_EVERY}; do :; done &
exec clamd --config-file=${CLAMD}
`;

export interface ClamavArgs extends ServerApartArgs {
    /** Bytes of the largest file that is scanned. */
    readonly maxScanSize: number;
}

export class Clamav extends pulumi.ComponentResource {
    /** Where oCIS reaches it. */
    readonly network: Network;
    readonly workload: Workload;

    constructor(name: string, args: ClamavArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Clamav"), name, {}, opts);
        const { engine, image, maxScanSize, mender, precondition, prefix } = args;
        this.network = new Network(
            `${name}-network`,
            { prefix, engine, precondition, called: CLAMAV_NETWORK },
            { parent: this },
        );
        this.workload = new Workload(
            name,
            {
                host: CLAMAV.host,
                image: { name: image, cure: { set: ["images", "clamav"], to: CLAMAV_IMAGE } },
                precondition,
                entrypoint: ["/bin/sh", "-c"],
                command: [SCRIPT.trim()],
                environment: {},
                files: [
                    { name: "clamd.conf", content: clamdConf(maxScanSize) },
                    { name: "freshclam.conf", content: FRESHCLAM_CONF },
                ],
                secretFiles: [],
                // Signatures are fetched again.
                data: { path: DATA, keepData: false },
                ready: `clamdscan --config-file=${CLAMD} --ping 1`,
                // Its signatures take more than one GiB, and the same again while freshclam tries new ones. Source: ClamAV's
                // documentation, "Recommended System Requirements", which names 3 GiB.
                memory: 3072,
                network: this.network,
                mender,
            },
            { parent: this },
        );
        this.registerOutputs({});
    }
}
