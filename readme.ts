/** The stack's own page: Pulumi.README.md with what the stack knows of itself. Pulumi Cloud shows the output of this name. Pure. */

/**
 * @param template Text with `${name}` or `${name.member}` in the place of values.
 * @param values By name; objects have members.
 * @throws Error where the template names a value that there is not.
 */
export function stackReadme(template: string, values: Readonly<Record<string, unknown>>): string {
    return template.replaceAll(/\$\{([\w.]+)\}/g, (_, path: string) => {
        const value = path
            .split(".")
            .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], values);
        if (typeof value !== "string") {
            throw new Error(`Pulumi.README.md: there is no text ${path}`);
        }
        return value;
    });
}
