// JSON Lines: one object a line.
import { InputError } from "../errors.ts";
import { documentOf, type ReadOptions, type Row } from "./rows.ts";
import { decodeLine, notUtf8, readLines, type SourceFile } from "./source-file.ts";

/** Blank lines are passed over. */
export async function* readJsonLines(file: SourceFile, options: ReadOptions): AsyncGenerator<Row> {
  for await (const line of readLines(file)) {
    if (!line.complete)
      throw new InputError(`${file.path}:${line.number} is longer than 64 MiB: expected one JSON object a line`);
    const text = decodeLine(line);
    if (text === undefined) yield notUtf8(file, line.number);
    else if (text.trim() !== "") yield parse(text, options, file, line.number);
  }
}

function parse(text: string, options: ReadOptions, file: SourceFile, line: number): Row {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    return new InputError(`${file.path}:${line} is not valid JSON (${(error as Error).message}): mend or remove the line`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row))
    return new InputError(`${file.path}:${line} is not a JSON object: expected one like {"${options.textFields[0]}": "…"}`);
  return documentOf(row as Record<string, unknown>, options, file, line);
}
