/** The key `secondFactors`: how people come by their second factors, and what passkeys are good for. */
import { z } from "zod";

import { flag } from "./declaration";
import { Fault } from "./fault";
import { Images } from "./images";

const PASSKEYS = ["afterPassword", "beforePassword", "alone"] as const;

export const secondFactors = z
    .strictObject({
        accountLink: flag(
            false,
            "Whether ownCloud's account page has a button that leads people to their second factors at Authelia.",
        ),
        passkeys: z
            .enum(PASSKEYS, "afterPassword, beforePassword or alone")
            .default("afterPassword")
            .meta({
                description:
                    "`afterPassword`: A passkey or a security key is a second factor, shown after the password. `beforePassword`: People can " +
                    "begin with a passkey, and then show the password. `alone`: People sign in with a passkey and nothing else; it counts as two " +
                    "factors, because the device checks a PIN, a finger or a face first. Other than afterPassword with Authelia 4.39 and later.",
                example: "alone",
            }),
    })
    .prefault({})
    .meta({ description: "Second factors that people enrol by themselves. See docs/second-factors.md." });

export type SecondFactors = z.output<typeof secondFactors>;

/** Up to 4.38 nobody begins with a passkey. */
export function checkSecondFactors(
    { secondFactors: { passkeys } }: { secondFactors: SecondFactors },
    { authelia }: Images,
): Fault[] {
    const path = ["secondFactors", "passkeys"];
    return passkeys === "afterPassword" || authelia.line.passkeys
        ? []
        : [
              {
                  path,
                  value: passkeys,
                  allowed: `afterPassword with Authelia ${authelia.version}; from 4.39 on it can be beforePassword or alone`,
                  cures: [{ remove: path }],
              },
          ];
}
