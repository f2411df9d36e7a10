/**
 * Apache Tika in the stack: it reads the words out of documents, which oCIS then finds. What people upload is made to be read by it, so it
 * is on a network without a way to the outside, on which nobody is but oCIS, and keeps nothing.
 */
import * as pulumi from "@pulumi/pulumi";

import { TIKA_IMAGE } from "../versions";
import { typeToken } from "./naming";
import { Network, ServerApartArgs } from "./network";
import { TIKA, TIKA_NETWORK } from "./ocis/search";
import { FILES_PATH, Workload } from "./workload";

const CONFIGURATION = "tika-config.xml";

/**
 * Its own. It reads documents in a process apart, which it ends and starts anew after a document that takes too long, or more memory than there
 * is. Source: Apache Tika 3, "TikaServer in Tika 2.x and later" in its wiki; run with 3.3.2.
 */
const TEXT = `<?xml version="1.0" encoding="UTF-8"?>
<properties>
  <server>
    <params>
      <port>${TIKA.port}</port>
      <host>0.0.0.0</host>
      <!-- Milliseconds for one document; five minutes by default, for which its space waits. -->
      <taskTimeoutMillis>60000</taskTimeoutMillis>
      <forkedJvmArgs>
        <arg>-Xmx640m</arg>
      </forkedJvmArgs>
    </params>
  </server>
</properties>
`;

export class Tika extends pulumi.ComponentResource {
    /** Where oCIS reaches it. */
    readonly network: Network;
    readonly workload: Workload;

    constructor(name: string, args: ServerApartArgs, opts?: pulumi.ComponentResourceOptions) {
        super(typeToken("Tika"), name, {}, opts);
        const { engine, image, mender, precondition, prefix } = args;
        this.network = new Network(
            `${name}-network`,
            { prefix, engine, precondition, called: TIKA_NETWORK, internal: true },
            { parent: this },
        );
        this.workload = new Workload(
            name,
            {
                host: TIKA.host,
                image: { name: image, cure: { set: ["images", "tika"], to: TIKA_IMAGE } },
                precondition,
                // The image's entry point hands them on to Tika.
                command: ["--config", `${FILES_PATH}/${CONFIGURATION}`],
                // Of the process that watches over the other one, and needs little.
                environment: { JAVA_TOOL_OPTIONS: "-Xmx128m" },
                files: [{ name: CONFIGURATION, content: TEXT }],
                secretFiles: [],
                // The image has Java and bash, and nothing that speaks HTTP.
                ready: `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${TIKA.port} && printf "GET /version HTTP/1.0\\r\\n\\r\\n" >&3 && grep -q "^Apache Tika" <&3'`,
                // Its heap, as much again as Java takes beside one, and what it has in /tmp, which is memory.
                memory: 1280,
                network: this.network,
                mender,
            },
            { parent: this },
        );
        this.registerOutputs({});
    }
}
