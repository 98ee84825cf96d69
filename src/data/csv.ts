// CSV with a header (RFC 4180): records may run over several lines inside quotes; the delimiter is found from the header.
import Papa from "papaparse";
import { InputError } from "../errors.ts";
import type { ChooseColumns, Fields } from "./rows.ts";
import { decodeLine, longestRow, notUtf8, readLines, type SourceFile } from "./source-file.ts";

/** @throws InputError when the header lacks a column that is needed */
export async function* readCsv(file: SourceFile, choose: ChooseColumns): AsyncGenerator<Fields | InputError> {
  let header: { names: string[]; delimiter: string } | undefined;
  for await (const record of readRecords(file)) {
    if (record instanceof InputError) yield record;
    else if (header) yield parse(record, header, file);
    else header = parseHeader(record, choose, file);
  }
}

interface CsvRecord {
  text: string;
  line: number;
}

/** Joins lines until their quotes are closed, which is so when they are even in number (a quote inside quotes is doubled). */
async function* readRecords(file: SourceFile): AsyncGenerator<CsvRecord | InputError> {
  let text = "";
  let line = 1;
  let open = false;
  for await (const next of readLines(file)) {
    const characters = decodeLine(next);
    if (!open) line = next.number;
    if (characters === undefined) {
      yield notUtf8(file, next.number);
      text = "";
      open = false;
      continue;
    }
    text += characters;
    if (text.length > longestRow) throw neverCloses(file, line);
    for (let quote = characters.indexOf('"'); quote >= 0; quote = characters.indexOf('"', quote + 1)) open = !open;
    if (open) continue;
    if (text.trim() !== "") yield { text: text.replace(/\r?\n$/, ""), line };
    text = "";
  }
  if (open) yield neverCloses(file, line);
}

const neverCloses = (file: SourceFile, line: number) =>
  new InputError(`${file.path}:${line} opens a quote that is never closed: close it, or double quotes inside a field`);

function parseHeader(record: CsvRecord, choose: ChooseColumns, file: SourceFile) {
  const { data, meta } = Papa.parse<string[]>(record.text);
  const names = (data[0] ?? []).map((name) => name.trim());
  choose(names, `${file.path}:${record.line}`);
  return { names, delimiter: meta.delimiter };
}

function parse(record: CsvRecord, header: { names: string[]; delimiter: string }, file: SourceFile): Fields | InputError {
  const { data, errors } = Papa.parse<string[]>(record.text, { delimiter: header.delimiter });
  const values = data[0] ?? [];
  const problem = errors[0]?.message ?? (data.length > 1 ? "a stray line break" : undefined);
  if (problem) return new InputError(`${file.path}:${record.line} is not valid CSV (${problem}): mend or remove the row`);
  if (values.length !== header.names.length)
    return new InputError(
      `${file.path}:${record.line} has ${values.length} fields where the header has ${header.names.length}: mend or remove the row`,
    );
  return { values: Object.fromEntries(header.names.map((name, i) => [name, values[i]])), line: record.line };
}
