/** A real mail server for tests, on the address of the Docker host that containers reach: takes mail by TLS from one account. */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { SMTPServer } from "smtp-server";

import { Authority, Certified } from "../authority";
import { hostAddress } from "./stack";

export class MailServer {
    readonly user = "cloud";
    readonly password = randomBytes(12).toString("hex");
    /** As they came, with their headers. */
    readonly mails: string[] = [];
    /** How often somebody offered a password. */
    attempts = 0;
    private readonly server: SMTPServer;
    private address = "";

    /** @param implicit TLS from the first byte on; else after STARTTLS, before which no password is taken. */
    private constructor({ certificate, key }: Certified, implicit: boolean) {
        this.server = new SMTPServer({
            secure: implicit,
            key,
            cert: certificate,
            onAuth: ({ username, password }, _, answer) => {
                this.attempts++;
                const known = username === this.user && password === this.password;
                answer(known ? null : new Error("no such account"), known ? { user: username } : undefined);
            },
            onData: (stream, _, answer) => {
                const chunks: Buffer[] = [];
                stream.on("data", (chunk: Buffer) => chunks.push(chunk));
                stream.on("end", () => {
                    this.mails.push(Buffer.concat(chunks).toString());
                    answer();
                });
            },
        });
        // A client that does not trust the certificate hangs up, and the server reports it.
        this.server.on("error", () => undefined);
    }

    /** Starts it with a certificate of `authority`; TLS as in the constructor. */
    static async start(authority: Authority, implicit: boolean): Promise<MailServer> {
        const host = await hostAddress();
        const server = new MailServer(authority.issue(`IP:${host}`), implicit);
        await new Promise<void>((resolve) => server.server.listen(0, host, resolve));
        const { port } = server.server.server.address() as { port: number };
        server.address = `${implicit ? "submissions" : "submission"}://${host}:${port}`;
        return server;
    }

    /** What a stack is told of it. */
    get settings() {
        const { address, user, password } = this;
        return { address, user, password, sender: "Cloud <cloud@example.com>" };
    }

    /** Waits for a mail to somebody, for some seconds, and takes it out. */
    async mailTo(recipient: string, seconds = 20): Promise<string> {
        for (const end = Date.now() + seconds * 1000; ; await pause(200)) {
            const index = this.mails.findIndex((mail) => new RegExp(`^To: .*${recipient}`, "m").test(mail));
            if (index >= 0) {
                return this.mails.splice(index, 1)[0]!;
            }
            if (Date.now() > end) {
                throw new Error(`no mail to ${recipient}; ${this.mails.length} to others, ${this.attempts} sign-ins`);
            }
        }
    }

    stop(): Promise<void> {
        return new Promise((resolve) => this.server.close(resolve));
    }
}
