/**
 * A policy pack for whoever changes the program or adds to it: `npm run pulumi -- preview --policy-pack policy`. What this program makes
 * passes all of it. A plan that breaks one is refused, naming the resource; docs/security.md says how one is overridden.
 */
import * as docker from "@pulumi/docker";
import { PolicyPack, ResourceValidationPolicy, StackValidationPolicy, validateResourceOfType } from "@pulumi/policy";

import { hasVersion } from "../versions";

/** The only server that publishes ports; its container's resource ends like this. */
const EDGE = /-edge$/;

/** Resources without which data are lost or cannot be read: the volumes, and the secrets but for initial passwords. */
function holdsData(type: string, urn: string): boolean {
    const isSecret = /^(random|tls):/.test(type) && urn.includes("ocis-authelia:index:Secrets$") && !urn.includes("-password-");
    return type === "docker:index/volume:Volume" || isSecret;
}

const dataIsKept: StackValidationPolicy = {
    name: "data-is-kept",
    description: "What holds people's data, and the secrets that read them, are protected: no plan may replace or delete them.",
    enforcementLevel: "mandatory",
    validateStack: ({ resources }, report) => {
        for (const { type, urn, name, opts } of resources) {
            if (holdsData(type, urn) && !opts.protect) {
                report(
                    `${name} is not protected, and its data can go with any plan. The configuration's keepData: true protects it.`,
                    urn,
                );
            }
        }
    },
};

const containersAreHardened: ResourceValidationPolicy = {
    name: "containers-are-hardened",
    description: "Containers drop every capability, gain no privileges, have a limit of memory, and reach no engine.",
    enforcementLevel: "mandatory",
    validateResource: validateResourceOfType(docker.Container, (container, { name }, report) => {
        const {
            capabilities,
            securityOpts = [],
            memory = 0,
            privileged,
            readOnly,
            user,
            volumes = [],
            mounts = [],
            mustRun,
        } = container;
        const faults: [boolean, string][] = [
            [!capabilities?.drops?.some((drop) => /^(CAP_)?ALL$/.test(drop)), 'capabilities.drops lacks "ALL"'],
            [
                !securityOpts.some((option) => /^no-new-privileges(:true)?$/.test(option)),
                'securityOpts lacks "no-new-privileges:true"',
            ],
            [memory <= 0, "memory is not limited"],
            [privileged === true, "privileged is true"],
            // What only carries files to a server runs for a moment, as root and without a network.
            [mustRun !== false && readOnly !== true, "readOnly is not true"],
            [mustRun !== false && !/^[1-9]/.test(user ?? ""), "user is root"],
            [
                [...volumes.map(({ hostPath }) => hostPath), ...mounts.map(({ source }) => source)].some((path) =>
                    path?.includes("docker.sock"),
                ),
                "it reaches the Docker Engine's socket",
            ],
        ];
        faults.filter(([isFault]) => isFault).forEach(([, fault]) => report(`${name}: ${fault}.`));
    }),
};

const onlyTheEdgeIsPublished: ResourceValidationPolicy = {
    name: "only-the-edge-is-published",
    description: "No container but the edge publishes ports.",
    enforcementLevel: "mandatory",
    validateResource: validateResourceOfType(docker.Container, ({ ports = [], networkMode }, { name }, report) => {
        if (!EDGE.test(name) && (ports.length > 0 || networkMode === "host")) {
            report(`${name} publishes ports ${ports.map(({ internal }) => internal).join(", ") || "by networkMode host"}.`);
        }
    }),
};

const imagesHaveVersions: ResourceValidationPolicy = {
    name: "images-have-versions",
    description: "Images are named with a tag that is a release, or with a digest.",
    enforcementLevel: "mandatory",
    validateResource: validateResourceOfType(docker.RemoteImage, ({ name: image }, { name }, report) => {
        if (!hasVersion(image)) {
            report(`${name} takes ${image}, which is another image each time it is built.`);
        }
    }),
};

new PolicyPack("ocis-authelia", { policies: [dataIsKept, containersAreHardened, onlyTheEdgeIsPublished, imagesHaveVersions] });
