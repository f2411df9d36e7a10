/**
 * `npm run drills`: breaks a stack of the newest servers at hand in every way that docs/reliability.md names, and writes its tables. Takes
 * about half an hour.
 */
import { runMain } from "../system/failure";
import { runDrills } from "./drill-run";

/** The tests that leave rows, and what else is too long for each run of the tests. */
const TESTS = ["drills", "changes", "engine", "killed", "ready", "backup", "bus", "upgrade-command"];

runMain(() => runDrills(TESTS, ["faults", "changes"], "docs/reliability.md"));
