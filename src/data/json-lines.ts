// JSON Lines: one object a line.
import { InputError } from "../errors.ts";
import type { Fields } from "./rows.ts";
import { decodeLine, notUtf8, readLines, type SourceFile } from "./source-file.ts";

/** Blank lines are passed over. */
export async function* readJsonLines(file: SourceFile): AsyncGenerator<Fields | InputError> {
  for await (const line of readLines(file)) {
    if (!line.complete)
      throw new InputError(`${file.path}:${line.number} is longer than 64 MiB: expected one JSON object a line`);
    const text = decodeLine(line);
    if (text === undefined) yield notUtf8(file, line.number);
    else if (text.trim() !== "") yield parseObject(text, file, line.number);
  }
}

/** The object that a text is, or what is wrong with it. */
export function parseObject(text: string, file: SourceFile, line: number): Fields | InputError {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    return new InputError(`${file.path}:${line} is not valid JSON (${(error as Error).message}): mend or remove the line`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row))
    return new InputError(`${file.path}:${line} is not a JSON object: expected one like {"text": "…"}`);
  return { values: row as Record<string, unknown>, line };
}
