/** The pairs of servers that the deployment tests run on: those whose images are at hand. */
import { describeImages, Images, isStandIn } from "../../operations/images";

/** Where operations/test.ts leaves the pairs, because a test file has to know them before it can ask the engine. */
const VARIABLE = "DEPLOYMENT_TEST_PAIRS";

/** The pairs of this run, each with what it is called in the output. None: the deployment tests do not run. */
export function pairsOfThisRun(): { title: string; images: Images }[] {
    const pairs = JSON.parse(process.env[VARIABLE] ?? "[]") as Images[];
    return pairs.map((images) => ({ title: describeImages(images), images }));
}

/** Those of them without a stand-in, for what only real servers do. */
export function realPairs(): { title: string; images: Images }[] {
    return pairsOfThisRun().filter(({ images }) => !isStandIn(images.authelia) && !isStandIn(images.ocis));
}

/** The environment that hands `pairs` to the test files. */
export function environmentOf(pairs: readonly Images[]): Record<string, string> {
    return { [VARIABLE]: JSON.stringify(pairs) };
}
