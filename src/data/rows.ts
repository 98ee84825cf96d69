// Rows of tables and JSON objects, and how one becomes a document.
import { InputError } from "../errors.ts";
import type { Document } from "./document.ts";
import type { SourceFile } from "./source-file.ts";

export interface ReadOptions {
  /** Fields of a row (JSON key, column) that make its text, joined by a line break. Default: `text`. */
  textFields: readonly string[];
  /** The field that holds what the text should become, for text-to-text training. */
  targetField?: string;
  /** Characters (UTF-16 units) after which a plain text file is cut at the next blank line. Default: 65 536. */
  pieceCharacters: number;
}

/** A reader yields what is wrong with a row as a value, so that whoever reads decides whether to stop or to go on. */
export type Row = Document | InputError;

export type Reader = (file: SourceFile, options: ReadOptions) => AsyncGenerator<Row>;

/** A row of a table, or an object of JSON Lines, before anything is made of it. */
export interface Fields {
  readonly values: Readonly<Record<string, unknown>>;
  readonly line: number;
}

/** The columns to read of those that a table has; `where` names the table. Throws InputError where one is missing. */
export type ChooseColumns = (columns: readonly string[], where: string) => readonly string[];

/** Reads rows of any fields. JSON has no columns to choose from. */
export type FieldsReader = (file: SourceFile, choose: ChooseColumns) => AsyncGenerator<Fields | InputError>;

/** Documents out of rows. */
export const documentReader = (read: FieldsReader): Reader =>
  async function* (file, options) {
    const choose: ChooseColumns = (columns, where) => {
      const fields = fieldsOf(options);
      const missing = fields.find((field) => !columns.includes(field));
      if (missing === undefined) return fields;
      throw new InputError(
        `${where} has no column "${missing}": its columns are ${list(columns)}, ${nameTheField(missing, options)}`,
      );
    };
    for await (const row of read(file, choose))
      yield row instanceof InputError ? row : documentOf(row.values, options, file, row.line);
  };

/** What to do where the text, or what it becomes, is in another field than this: the end of a sentence. */
function nameTheField(field: string, { targetField }: Pick<ReadOptions, "targetField">): string {
  return field === targetField
    ? "name the field that holds what the text becomes (--targetField NAME, or `targetField: NAME` in a recipe)"
    : "name the field that holds the text (--field NAME, or `field: NAME` in a recipe)";
}

/** All the fields that are read. */
const fieldsOf = ({ textFields, targetField }: ReadOptions): readonly string[] =>
  targetField === undefined ? textFields : [...textFields, targetField];

/** The document of a row, or what is wrong with it. */
function documentOf(row: Fields["values"], options: ReadOptions, file: SourceFile, line: number): Row {
  const parts: string[] = [];
  for (const field of fieldsOf(options)) {
    const value = Object.hasOwn(row, field) ? row[field] : undefined;
    if (typeof value !== "string") {
      const found =
        value === undefined ? `has no field "${field}" (it has ${list(Object.keys(row))})` : `has ${kind(value)} in "${field}"`;
      return new InputError(
        `${file.path}:${line} ${found}, expected text there: mend the row, or ${nameTheField(field, options)}`,
      );
    }
    parts.push(value);
  }
  const target = options.targetField === undefined ? {} : { target: parts.pop()! };
  return { text: parts.join("\n"), ...target, source: { file: file.path, line } };
}

/** Names for a message, not too many. */
export function list(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, 8).map((name) => `"${name}"`);
  return shown.join(", ") + (names.length > shown.length ? ", …" : "");
}

/** What a value is, for a message. */
export function kind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
