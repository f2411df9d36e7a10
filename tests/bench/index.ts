/** Everything that `npm run bench` measures. */
import { ImageNames } from "../../operations/images";
import { Cloud } from "../deployment/cloud";
import { bothDeployments } from "./deployment";
import { life } from "./life";
import { load } from "./load";
import { Opened } from "./measure";
import { people } from "./people";
import { program, PROGRAM_SETTINGS } from "./program";
import { traffic, TRAFFIC_SETTINGS } from "./traffic";

/** Rows that begin with one of the names, and what makes what they are measured on. */
export interface Group {
    readonly names: readonly string[];
    readonly open: (images: ImageNames) => Promise<Opened>;
}

/** What is measured of a cloud that is up meanwhile. */
function onCloud(settings: object, open: (cloud: Cloud) => Promise<Opened>): Group["open"] {
    return async (images) => {
        const cloud = await Cloud.up("bench-cloud", { images, ...settings });
        const { courses, close } = await open(cloud);
        return { courses, close: () => close().then(() => cloud.down()) };
    };
}

async function byCompose(images: ImageNames): Promise<Opened> {
    const both = await bothDeployments(images);
    return { courses: [life(both), load(both)], close: both.close };
}

export const GROUPS: readonly Group[] = [
    { names: ["life", "load"], open: byCompose },
    { names: ["unchanged"], open: onCloud(PROGRAM_SETTINGS, program) },
    { names: ["traffic", "sign-in"], open: onCloud(TRAFFIC_SETTINGS, traffic) },
    { names: ["people"], open: (images) => Promise.resolve(people(images)) },
];
