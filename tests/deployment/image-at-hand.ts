/** Images of servers that a stack has only where a key asks for them: the tests take what this machine's engine has. */
import { execFileSync } from "node:child_process";

/** An image of that name; undefined where the engine has none. */
export function imageAtHand(name: string): string | undefined {
    const format = ["--format", "{{.Repository}}:{{.Tag}}"];
    return execFileSync("docker", ["image", "ls", ...format, name], { encoding: "utf8" })
        .split("\n")
        .filter(Boolean)[0];
}
