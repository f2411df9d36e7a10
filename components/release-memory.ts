/**
 * Remembers which release of each server last worked on its data, because they go up step by step and never down: what a release has
 * made of its data, an earlier one cannot read.
 */
import { RemoteImage } from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { describeFault } from "../settings/fault";
import { imageOf, Line, Release, Releases, upgradePath } from "../versions";
import { failure, Mender } from "./diagnosis";

/** The release of a server that a stack's configuration asks for. */
export interface AskedRelease {
    readonly server: Releases<Line>;
    readonly release: Release<Line>;
}

/** The same with what it runs of. */
export interface ReleaseToRun extends AskedRelease {
    readonly image: RemoteImage;
}

/** Where a person reads how to go up, and back. */
const GUIDE = 'docs/production.md, "Upgrades"';

/** What a person reads whose server did not start. */
export const GO_BACK = `Where it was the first start of a newer release, and nothing mends it, restore the backup that was taken before: ${GUIDE}.`;

/**
 * What a person reads who asks for a release that cannot take the data over; undefined where it can. Pure.
 *
 * @param key The key of its image, below `images`.
 * @param before The release that the data are of.
 */
export function refusal(key: string, { server, release }: AskedRelease, before: string, mend: Mender): string | undefined {
    const path = ["images", key];
    const steps = upgradePath(server, before, release.version);
    const refuse = (allowed: string, versions: readonly string[], way: string) =>
        describeFault({ path, value: release.image, allowed: `${server.title} ${allowed}` }) +
        versions.map((version) => `\n    ${mend({ set: path, to: imageOf(release.image, version) })}`).join("") +
        `\n${way}: ${GUIDE}.`;
    if (steps === undefined) {
        return refuse(
            `${before} or later, because the data of this stack are of ${before} and earlier releases cannot read them`,
            [before],
            "To go back nevertheless, restore the backup that was taken before the upgrade, with the state in it",
        );
    }
    return steps[0] === release.version
        ? undefined
        : refuse(
              `${steps[0]} next, because the data of this stack are of ${before} and no step may be left out`,
              steps,
              "One after the other, each with a backup before and pulumi up after it",
          );
}

/**
 * Remembers the releases of the data, by the key of each server's image: together, because either all of them are taken or none.
 * Where an image cannot be had there is no upgrade, and none is remembered.
 *
 * @returns Known once the data may be given to the releases that are asked for; where they may not, the run has failed.
 */
export function rememberReleases(
    name: string,
    asked: Readonly<Record<string, ReleaseToRun>>,
    mend: Mender,
    opts: pulumi.CustomResourceOptions,
): pulumi.Output<unknown> {
    // Only a hook sees what is remembered before it is replaced. Where it throws, in a preview too, nothing is updated, and
    // nothing that waits for it.
    const rule = new pulumi.ResourceHook(
        `${name}-rule`,
        ({ oldInputs }) => {
            const before = (oldInputs as { input: Record<string, string> }).input;
            const faults = Object.entries(asked).flatMap(([key, release]) => refusal(key, release, before[key]!, mend) ?? []);
            if (faults.length > 0) {
                throw new Error(faults.join("\n"));
            }
        },
        { onDryRun: true },
    );
    const servers = Object.entries(asked);
    const versions = Object.fromEntries(servers.map(([key, { release }]) => [key, release.version]));
    const images = servers.map(([, { image }]) => image);
    const memory = new pulumi.Stash(name, { input: versions }, { ...opts, dependsOn: images, hooks: { beforeUpdate: [rule] } });
    const names = pulumi.all(images.map((image) => image.name));
    return pulumi.all([memory.input as pulumi.Output<Record<string, string>>, names]).apply(([remembered, found]) => {
        // What `--target` leaves out is what it was before: then the servers have to stay too.
        servers.forEach(([key, { server, release }], index) => {
            if (remembered[key] !== release.version || found[index] !== release.image) {
                throw failure(
                    `${server.title} ${release.version} would work on the data without being remembered. Run without --target.`,
                );
            }
        });
        return remembered;
    });
}
