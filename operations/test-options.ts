/**
 * `npm run test:options`: everything that a key switches on, on the newest servers at hand, and what all of it together takes, in
 * docs/options.md. Takes about half an hour.
 */
import { runMain } from "../system/failure";
import { runDrills } from "./drill-run";

const TESTS = [
    "together",
    "lldap",
    "office",
    "antivirus",
    "search-text",
    "state-servers",
    "quotas",
    "looks",
    "second-factors",
    "watching",
    "rootless",
    "dual-stack",
];

runMain(() => runDrills(TESTS, ["options"], "docs/options.md"));
