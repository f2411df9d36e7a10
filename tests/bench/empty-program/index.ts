/** Nothing: what Pulumi takes by itself. */
export {};
