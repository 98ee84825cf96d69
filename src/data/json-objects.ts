// JSON with objects one after another: a list of them, as data sets are often published, or one a line, on one line or many.
import { isUtf8 } from "node:buffer";
import { InputError } from "../errors.ts";
import { parseObject } from "./json-lines.ts";
import type { Fields } from "./rows.ts";
import { longestRow, notUtf8, readLines, type SourceFile } from "./source-file.ts";

const quote = 0x22;
const backslash = 0x5c;
const opening = new Set([0x7b, 0x5b]); // { [
const closing = new Set([0x7d, 0x5d]); // } ]
/** Between objects: blanks, commas, and the brackets of the list that they stand in. */
const between = /^[\s,[\]]*$/;

/**
 * The objects of a file, each with the line that it begins on; one is in memory at a time.
 * @throws InputError where something else than objects is there, or the file ends inside one
 */
export async function* readJsonObjects(file: SourceFile): AsyncGenerator<Fields | InputError> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let depth = 0; // of braces and brackets inside the object that is being read
  let inText = false;
  let escaped = false;
  let start = 1;
  for await (const { bytes: line, number } of readLines(file)) {
    let from = 0;
    for (let i = 0; i < line.length; i++) {
      const byte = line[i]!;
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inText = false;
      } else if (depth === 0) {
        if (byte !== 0x7b) continue;
        refuseOther(line.subarray(from, i), file, number);
        [from, start, depth] = [i, number, 1];
      } else if (byte === quote) inText = true;
      else if (opening.has(byte)) depth++;
      else if (closing.has(byte) && --depth === 0) {
        const whole = Buffer.concat([...parts, line.subarray(from, i + 1)]);
        [parts, bytes, from] = [[], 0, i + 1];
        yield isUtf8(whole) ? parseObject(whole.toString("utf8"), file, start) : notUtf8(file, start);
      }
    }
    const rest = line.subarray(from);
    if (depth === 0) refuseOther(rest, file, number);
    else {
      parts.push(Buffer.from(rest));
      bytes += rest.length;
      if (bytes > longestRow)
        throw new InputError(`${file.path}:${start} begins an object longer than 64 MiB: expected one a row`);
    }
  }
  if (depth > 0)
    throw new InputError(`${file.path}:${start} begins an object that does not end: the file was cut off, fetch it again`);
}

function refuseOther(text: Buffer, file: SourceFile, line: number): void {
  if (between.test(text.toString("latin1"))) return;
  throw new InputError(
    `${file.path}:${line} has "${text.toString("utf8").trim().slice(0, 20)}" where a JSON object should begin: expected a list of objects`,
  );
}
