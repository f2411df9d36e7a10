/** Where everybody would come from one address. No engine of that kind is at hand; what they say of themselves is Docker's documentation. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Engine, whoIsHidden } from "../../components/edge/addresses";

const ORDINARY: Engine = {
    OperatingSystem: "Debian GNU/Linux 12 (bookworm)",
    SecurityOptions: ["name=seccomp,profile=default"],
};
const ROOTLESS: Engine = { ...ORDINARY, SecurityOptions: [...ORDINARY.SecurityOptions!, "name=rootless"] };
const DESKTOP: Engine = { ...ORDINARY, OperatingSystem: "Docker Desktop" };

const TABLE: [
    what: string,
    address: string | [first: string, second: string],
    mode: "private-ca" | "none",
    engine: Engine,
    why: RegExp | undefined,
][] = [
    ["an ordinary engine", "0.0.0.0", "private-ca", ORDINARY, undefined],
    ["an engine that says nothing", "0.0.0.0", "private-ca", {}, undefined],
    ["every address of IPv6", "::", "private-ca", ORDINARY, /address :: is one of IPv6/],
    ["one address of IPv6", "2001:db8::1", "private-ca", ORDINARY, /2001:db8::1/],
    ["Docker Desktop", "0.0.0.0", "private-ca", DESKTOP, /Docker Desktop/],
    ["an engine without root", "192.0.2.1", "private-ca", ROOTLESS, /without root/],
    ["the loopback, where only this machine is", "127.0.0.1", "private-ca", DESKTOP, undefined],
    ["the loopback of IPv6", "::1", "private-ca", ORDINARY, undefined],
    ["a proxy in front, which names the client", "127.0.0.1", "none", ROOTLESS, undefined],
    ["IPv6 beside IPv4", ["0.0.0.0", "::"], "private-ca", ORDINARY, /^everybody who comes to the address :: at one: /],
    ["IPv4 beside IPv6", ["::", "0.0.0.0"], "private-ca", ORDINARY, /^everybody who comes to the address :: at one: /],
    ["two addresses of IPv6", ["2001:db8::1", "2001:db8::2"], "private-ca", ORDINARY, /^everybody at one address: /],
    ["IPv6 beside the loopback", ["127.0.0.1", "::"], "private-ca", ORDINARY, /^everybody at one address: the address :: /],
    ["both, without root", ["0.0.0.0", "::"], "private-ca", ROOTLESS, /^everybody at one address: .* without root/],
    ["both loopbacks", ["127.0.0.1", "::1"], "private-ca", DESKTOP, undefined],
    ["two addresses of IPv4", ["192.0.2.1", "192.0.2.2"], "private-ca", ORDINARY, undefined],
    ["both behind a proxy", ["127.0.0.1", "::1"], "none", ORDINARY, undefined],
];

for (const [what, address, mode, engine, why] of TABLE) {
    test(what, () => {
        const [first, second] = typeof address === "string" ? [address, ""] : address;
        const found = whoIsHidden({ address: first, secondAddress: second, tls: { mode } }, engine);
        assert.match(found ?? "", why ?? /^$/);
    });
}
