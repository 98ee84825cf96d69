// The texts that a command works on: given as arguments, or one a line in a file.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Option } from "commander";
import { InputError } from "../errors.ts";

/** Texts that are read before any is worked on: enough to sort by length. */
const groupSize = 1024;

export const fileOption = () => new Option("--file <path>", "a file with one text a line, in place of arguments");

/** The texts, in groups. Throws InputError where there are none, or the file cannot be read. */
export async function* textGroups(texts: readonly string[], file: string | undefined): AsyncGenerator<string[]> {
  if (texts.length > 0 === (file !== undefined)) {
    throw new InputError(
      file === undefined
        ? "there is no text: give texts as arguments, or a file of them with --file."
        : "texts were given both as arguments and with --file: choose one.",
    );
  }
  if (file === undefined) {
    yield [...texts];
    return;
  }
  let group: string[] = [];
  const stream = createReadStream(file);
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line === "") continue;
      group.push(line);
      if (group.length < groupSize) continue;
      yield group;
      group = [];
    }
  } catch (error) {
    if (!("code" in (error as object))) throw error;
    throw new InputError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  } finally {
    stream.destroy();
  }
  if (group.length > 0) yield group;
}
