// A corpus on disk: files and folders, in a fixed order, as a stream of documents.
import { hash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { readCsv } from "./csv.ts";
import type { Document, DocumentSource } from "./document.ts";
import { readJsonLines } from "./json-lines.ts";
import { readParquet } from "./parquet.ts";
import type { Reader, ReadOptions } from "./rows.ts";
import type { SourceFile } from "./source-file.ts";
import { readText } from "./text.ts";

export interface SourceOptions extends Partial<ReadOptions> {
  /** What to do with a row that is not what it should be: stop with an InputError that names file and line, or leave it out and count it. */
  onBadRow?: "error" | "skip";
}

const readers = new Map<string, Reader>([
  [".txt", readText],
  [".md", readText],
  [".jsonl", readJsonLines],
  [".csv", readCsv],
  [".parquet", readParquet],
]);
const known = `${[...readers.keys()].join(", ")}, each also with .gz`;

/** The reader for a file's name, gzipped or not. */
const readerOf = (path: string) => readers.get(extname(path.replace(/\.gz$/i, "")).toLowerCase());

/**
 * Opens files and folders for reading. A folder stands for the files in it and below it whose names end in a known way, sorted by
 * path; others are listed in `ignored`. Formats: plain text and Markdown (`text.ts` says where long ones are cut), JSON Lines,
 * CSV with a header, Parquet, and each of them gzipped; all are streamed.
 * @throws InputError when a path does not exist, is empty, or names a file of an unknown kind
 */
export async function openSources(paths: string | readonly string[], options: SourceOptions = {}): Promise<Sources> {
  const files: SourceFile[] = [];
  const ignored: string[] = [];
  for (const path of [paths].flat()) {
    const found = await stat(path).catch(() => undefined);
    if (!found) throw new InputError(`there is no file or folder at ${path}: expected training text there`);
    if (found.isDirectory()) files.push(...(await filesUnder(path, ignored)));
    else if (!readerOf(path)) throw new InputError(`${path}: ${unknownKind(path)}`);
    else if (found.size === 0) throw new InputError(`${path} is empty: expected text in it`);
    else files.push({ path, bytes: found.size, modified: found.mtimeMs, bytesRead: 0 });
  }
  return new Sources(files, ignored, options);
}

function unknownKind(path: string): string {
  const extension = extname(path);
  if (/^\.(zst|bz2|xz|lzma|zip|7z|tar|tgz|lz4|br)$/i.test(extension))
    return `the compression ${extension} is not supported: unpack it, or pack it with gzip`;
  return `the kind of file ${extension || "without an extension"} is not known: expected ${known}`;
}

async function filesUnder(folder: string, ignored: string[]): Promise<SourceFile[]> {
  const names = await readdir(folder, { recursive: true });
  const visible = names.filter((name) => !name.split(/[\\/]/).some((part) => part.startsWith(".")));
  const files: SourceFile[] = [];
  for (const name of visible.sort()) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    if (readerOf(path) && found.size > 0) files.push({ path, bytes: found.size, modified: found.mtimeMs, bytesRead: 0 });
    else ignored.push(path);
  }
  if (files.length > 0) return files;
  const others =
    ignored.length > 0
      ? ` (it has ${ignored
          .slice(0, 3)
          .map((path) => basename(path))
          .join(", ")}${ignored.length > 3 ? ", …" : ""})`
      : "";
  throw new InputError(`the folder ${folder} has no text to read${others}: expected files ending in ${known}`);
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

  constructor(files: readonly SourceFile[], ignored: readonly string[], options: SourceOptions) {
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
      for await (const row of readerOf(file.path)!(file, this.#options)) {
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
