/** An office server: what oCIS, its browsers' policy and the edge are told of it. That documents open, tests/deployment/office.test.ts shows. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { startBeside } from "../../components/ocis/beside";
import { ocisContentSecurityPolicy } from "../../components/ocis/configuration";
import { officeBranches, officeEnvironment, officeScripts, officeSources } from "../../components/ocis/office";
import { caddyfile } from "../../components/edge/caddyfile";
import { hostsOf } from "../../hosts";
import { settingsOf } from "../configuration";
import { office } from "../wrong-inputs";

const URL = "https://office.example.com";

/** With an office server, and without. */
const [on, off] = [settingsOf(office()), settingsOf()];

/** The Caddyfile with ownCloud's site alone. */
const edgeOf = (settings: typeof on) =>
    caddyfile({
        settings,
        sites: [
            {
                host: hostsOf(settings).cloud,
                upstream: "ocis:9200",
                rewrites: [],
                branches: officeBranches(settings.office, "ocis"),
            },
        ],
        certificate: { certificate: "/certificate.pem", key: "/certificate.key" },
        root: "/root.pem",
    });

test("without one nobody is told anything", () => {
    const { office: none, images } = off;
    assert.deepEqual(officeEnvironment(none, "https://owncloud.example.com"), {});
    assert.deepEqual([officeSources(none), officeBranches(none, "ocis")], [[], []]);
    const start = { command: ["server"] };
    assert.equal(startBeside(officeScripts(none), start), start);
    const policy = ocisContentSecurityPolicy("https://auth.example.com", images.ocis.line);
    assert.deepEqual(ocisContentSecurityPolicy("https://auth.example.com", images.ocis.line, none), policy);
    assert.doesNotMatch(edgeOf(off), /wopi/);
});

test("certificates and proofs are never left unverified", () => {
    for (const mode of ["collabora", "onlyoffice"]) {
        const environment = officeEnvironment(settingsOf(office({ mode })).office, "https://owncloud.example.com");
        assert.equal(environment.COLLABORATION_APP_INSECURE, "false");
        assert.ok(!Object.keys(environment).some((name) => name.includes("PROOF")), "on by default");
    }
});

test("each product is known to oCIS by its name", () => {
    const [collabora, onlyoffice] = ["collabora", "onlyoffice"].map((mode) =>
        officeEnvironment(settingsOf(office({ mode })).office, "https://owncloud.example.com:8443"),
    );
    assert.equal(collabora!.COLLABORATION_APP_PRODUCT, "Collabora");
    assert.equal(onlyoffice!.COLLABORATION_APP_PRODUCT, "OnlyOffice");
    assert.equal(collabora!.COLLABORATION_APP_ADDR, URL);
    assert.equal(collabora!.COLLABORATION_APP_ICON, `${URL}/favicon.ico`);
    assert.equal(collabora!.COLLABORATION_WOPI_SRC, "https://owncloud.example.com:8443");
});

test("ownCloud's pages show the office server's within them, and its icon, and nothing more", () => {
    const { line } = on.images.ocis;
    const { directives: before } = ocisContentSecurityPolicy("https://auth.example.com", line);
    const { directives } = ocisContentSecurityPolicy("https://auth.example.com", line, on.office);
    assert.deepEqual(directives, {
        ...before,
        "frame-src": [...before["frame-src"], `${URL}/`],
        "img-src": [...before["img-src"], `${URL}/`],
    });
});

test("the service runs beside oCIS, which stays the process that Docker asks to end", () => {
    const { entrypoint, command } = startBeside(officeScripts(on.office), { command: ["server"] });
    assert.deepEqual(entrypoint, ["/bin/sh", "-c"]);
    assert.match(command[0]!, /^\{\n {4}sleep 5\n[^]*ocis collaboration server &\n[^]*\n\} &\nexec ocis server$/);
    const script = { entrypoint: ["/bin/sh", "-c"], command: ["look &\nexec ocis server"] };
    assert.match(startBeside(officeScripts(on.office), script).command[0]!, /\n\} &\nlook &\nexec ocis server$/);
});

/**
 * How often the service is started within a second, in which there are some fifty looks.
 *
 * @param service What it does, in a shell. @param answer What whoever looks at it finds.
 */
function starts(service: string, answer: string): number {
    const script = startBeside(officeScripts(on.office), { command: ["server"] }).command[0]!;
    const stand = `
sleep() { command sleep 0.02; }
ocis() { echo started; ${service}; }
busybox() { ${answer}; }
${script.replace(/exec ocis server$/, "command sleep 1; kill $!")}`;
    const said = execFileSync("/bin/sh", ["-c", stand], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return said.match(/started/g)!.length;
}

test("the service is started again where it ends, or serves nothing for a while, and left alone where it serves", () => {
    assert.ok(starts("return 1", "false") > 5, "it ends");
    const serves = starts("exec sleep 1.5", "true");
    const servesNothing = starts("exec sleep 1.5", "false");
    // Every second look finds it.
    const isSlow = starts("exec sleep 1.5", "looks=$((looks + 1)); test $((looks % 2)) = 0");
    assert.equal(serves, 1);
    assert.equal(isSlow, 1);
    assert.ok(servesNothing > 1 && servesNothing < 10, String(servesNothing));
});

test("the edge leads the office server's requests to it", () => {
    const text = edgeOf(on);
    assert.match(text, /^\treverse_proxy \/wopi\/\* ocis:9300 \{\n\t\theader_up Host owncloud\.example\.com$/m);
});
