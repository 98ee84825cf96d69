// Plain text and Markdown: a file is one document, or several when it is long.
import { InputError } from "../errors.ts";
import type { ReadOptions, Row } from "./rows.ts";
import { decodeLine, notUtf8, readLines, type SourceFile } from "./source-file.ts";

/**
 * A file shorter than `pieceCharacters` is one document. A longer one is cut after the first blank line past that many
 * characters, without a blank line after the first line end past twice as many, and inside a line past four times as many.
 * The pieces, joined, are the file, and none is of blanks alone.
 * @throws InputError for bytes that are not UTF-8: half of a text is not worth guessing at; and where pairs are asked for
 */
export async function* readText(file: SourceFile, { pieceCharacters, targetField }: ReadOptions): AsyncGenerator<Row> {
  if (targetField !== undefined)
    throw new InputError(
      `${file.path} is plain text and has no field "${targetField}": pairs of texts are rows of JSON Lines, CSV or Parquet`,
    );
  let text = "";
  let start = 1;
  let full = false;
  for await (const line of readLines(file, 4 * pieceCharacters)) {
    const characters = decodeLine(line);
    if (characters === undefined) throw notUtf8(file, line.number);
    const blank = characters.trim() === "";
    if (full && !blank && text.trim() !== "") {
      yield { text, source: { file: file.path, line: start } };
      text = "";
      start = line.number;
      full = false;
    }
    text += characters;
    full ||= text.length >= (blank ? pieceCharacters : 2 * pieceCharacters);
  }
  if (text !== "") yield { text, source: { file: file.path, line: start } };
}
