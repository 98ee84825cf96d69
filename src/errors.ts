// The one error class for everything that came from outside and was wrong.

/**
 * Bad input from a file, a recipe, a request or a command line. The message is one sentence for the user: what was
 * expected, what came, where, and what to do. The command line prints the message alone; any other error is a bug and
 * keeps its stack.
 */
export class InputError extends Error {
  override name = "InputError";
}
