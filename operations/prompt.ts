/** Questions to a person at the terminal. They go to the standard error, beside the outcome. */
import { Failure } from "../system/failure";

/** The answer; whoever ends the question by Ctrl-C has changed nothing. */
export function answered<T>(question: Promise<T>): Promise<T> {
    return question.catch((error: Error) => {
        throw error.name === "ExitPromptError" ? new Failure("Nothing was changed.") : error;
    });
}
