/** The key `smtp`: the mail server. */
import { z } from "zod";

import { authority, email, isObject, ocisPassword, secretMeta, text } from "./declaration";
import { Fault } from "./fault";

/** Ports of mail submission where the address names none. Source: RFC 8314, 3.3 and RFC 6409, 3.1. */
const SUBMISSION_PORTS: Record<string, number> = { submissions: 465, submission: 587 };

const ADDRESS = /^(submissions?):\/\/([a-z0-9.-]+)(?::(\d{1,5}))?$/;

/** Host and port of an address, and whether TLS is there from the first byte on (RFC 8314) or comes by STARTTLS. */
function endpoint(address: string) {
    const [, scheme = "", host = "", port] = ADDRESS.exec(address) ?? [];
    const encryption = scheme === "submission" ? ("starttls" as const) : ("implicit" as const);
    return { host, port: Number(port ?? SUBMISSION_PORTS[scheme]), encryption };
}

const isAddress = (value: string) => {
    const { host, port } = endpoint(value);
    return host !== "" && port >= 1 && port <= 65535;
};

/** "Cloud <cloud@example.com>" -> "cloud@example.com". */
const addressOf = (sender: string) => /^[^<>\r\n"]+ <([^<>]+)>$/.exec(sender)?.[1] ?? sender;

const server = z
    .strictObject({
        address: text(
            "submissions://<host>:<port> (TLS, port 465) or submission://<host>:<port> (STARTTLS, port 587)",
            isAddress,
        ).meta({
            description:
                "Mail server: submissions:// (TLS from the first byte on, port 465) or submission:// (STARTTLS, port 587), its name, and a " +
                "port where it is another.",
            example: "submissions://mail.example.com",
        }),
        sender: text(
            "an e-mail address, with or without a name before it",
            (sender) => email().safeParse(addressOf(sender)).success,
        ).meta({ description: "Whom mails come from.", example: "Cloud <cloud@example.com>" }),
        user: text("the account's name")
            .optional()
            .meta({ description: "The account at the mail server, if it wants one.", example: "cloud@example.com" }),
        password: ocisPassword("the account's password").optional().meta(secretMeta("Of that account.")),
        authority: authority("Root certificates of the authority that certifies the mail server, if it is not a public one."),
    })
    .superRefine(({ user, password }, context) => {
        if ((user === undefined) !== (password === undefined)) {
            const params: Partial<Fault> = {
                value: user === undefined ? "a password alone" : "a user alone",
                cures: [
                    { set: ["smtp", "user"], to: "cloud@example.com" },
                    { set: ["smtp", "password"], secret: true },
                ],
            };
            context.addIssue({ code: "custom", message: "both user and password, or neither of them", params });
        }
    })
    .transform(({ address, ...rest }) => ({ ...endpoint(address), ...rest }));

/** A mail server to which mail is submitted. */
export type Smtp = z.output<typeof server>;

const isEmpty = (value: unknown) => isObject(value) && Object.keys(value).length === 0;

export const smtp = z
    .preprocess((value) => (isEmpty(value) ? undefined : value), server.optional())
    .meta({ description: "Mail server for one-time codes and notices; without it mail is off.", default: {} });
