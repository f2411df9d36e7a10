/**
 * `npm run test:swarm`: a stack of the newest servers at hand on a swarm of three machines, which are made here, and the table of what people
 * notice there, in docs/scaling.md. Takes about twelve minutes.
 */
import { runMain } from "../system/failure";
import { runDrills } from "./drill-run";

runMain(() => runDrills(["swarm"], ["swarm"], "docs/scaling.md"));
