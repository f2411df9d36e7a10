/** An LDAP directory, with what it takes to be let in: what a server is given that reads one. */
import * as pulumi from "@pulumi/pulumi";

import { LdapDirectory } from "../settings/ldap";

export interface LdapAccess {
    readonly directory: LdapDirectory;
    /** Of the account that searches; a secret. */
    readonly password: pulumi.Output<string>;
    /** Certificate that the server's has to descend from, PEM; undefined where a public authority issued it. */
    readonly authority?: pulumi.Input<string>;
}
