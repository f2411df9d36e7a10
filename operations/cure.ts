/** An error that a person can act on: its message names the cause and the cure, and is shown without a stack trace. */
export class Cure extends Error {}
