// A corpus on disk: files and folders, in a fixed order, as a stream of documents.
import { hash } from "node:crypto";
import { resolve } from "node:path";
import { InputError } from "../errors.ts";
import { readCsv } from "./csv.ts";
import type { Document, DocumentSource } from "./document.ts";
import { endingOf, type FoundFiles, findFiles } from "./find-files.ts";
import { readJsonLines } from "./json-lines.ts";
import { readParquet } from "./parquet.ts";
import { documentReader, type Reader, type ReadOptions } from "./rows.ts";
import type { SourceFile } from "./source-file.ts";
import { readText } from "./text.ts";

export interface SourceOptions extends Partial<ReadOptions> {
  /** What to do with a row that is not what it should be: stop with an InputError that names file and line, or leave it out and count it. */
  onBadRow?: "error" | "skip";
}

const readers = new Map<string, Reader>([
  [".txt", readText],
  [".md", readText],
  [".jsonl", documentReader(readJsonLines)],
  [".csv", documentReader(readCsv)],
  [".parquet", documentReader(readParquet)],
]);

/**
 * Opens files and folders for reading. A folder stands for the files in it and below it whose names end in a known way, sorted by
 * path; others are listed in `ignored`. Formats: plain text and Markdown (`text.ts` says where long ones are cut), JSON Lines,
 * CSV with a header, Parquet, and each of them gzipped; all are streamed.
 * @throws InputError when a path does not exist, is empty, or names a file of an unknown kind
 */
export async function openSources(paths: string | readonly string[], options: SourceOptions = {}): Promise<Sources> {
  return new Sources(await findFiles(paths, { endings: [...readers.keys()], content: "text" }), options);
}

export class Sources implements DocumentSource {
  readonly files: readonly SourceFile[];
  /** Files in the given folders that are empty or of an unknown kind. */
  readonly ignored: readonly string[];
  readonly bytes: number;
  readonly fingerprint: string;
  /** Rows left out in the latest reading, and what was wrong with the first of them. */
  skippedRows = 0;
  firstSkipped: string | undefined;
  readonly #options: ReadOptions;
  readonly #skip: boolean;

  constructor({ files, ignored }: FoundFiles, options: SourceOptions) {
    const { textFields = ["text"], targetField, pieceCharacters = 65_536, onBadRow = "error" } = options;
    if (textFields.length === 0) throw new InputError("name at least one field that holds the text");
    this.files = files;
    this.ignored = ignored;
    this.bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    this.#options = { textFields, targetField, pieceCharacters };
    this.#skip = onBadRow === "skip";
    const stamps = files.map((file) => [resolve(file.path), file.bytes, file.modified]);
    this.fingerprint = hash("sha256", JSON.stringify([stamps, textFields, pieceCharacters, onBadRow, targetField]), "hex");
  }

  get bytesRead(): number {
    return this.files.reduce((sum, file) => sum + file.bytesRead, 0);
  }

  /**
   * The documents, file after file. Those of blanks alone are left out.
   * @throws InputError for a bad row (unless they are to be skipped), a broken file, or when there is no document at all
   */
  async *documents(): AsyncGenerator<Document> {
    this.skippedRows = 0;
    this.firstSkipped = undefined;
    for (const file of this.files) file.bytesRead = 0;
    let documents = 0;
    for (const file of this.files) {
      for await (const row of readers.get(endingOf(file.path))!(file, this.#options)) {
        if (row instanceof InputError) this.#badRow(row);
        else if (row.text.trim() !== "") {
          documents++;
          yield row;
        }
      }
      file.bytesRead = file.bytes;
    }
    if (documents > 0) return;
    const bad = this.skippedRows > 0 ? `; all ${this.skippedRows} rows were bad, the first: ${this.firstSkipped}` : "";
    throw new InputError(`there is no text in ${this.files.map((file) => file.path).join(", ")}${bad}`);
  }

  #badRow(problem: InputError): void {
    if (!this.#skip) throw problem;
    this.skippedRows++;
    this.firstSkipped ??= problem.message;
  }
}
