// Conversations on disk, for supervised fine-tuning: files and folders, in any of the usual layouts, as a stream of messages.
import { hash } from "node:crypto";
import { resolve } from "node:path";
import { InputError } from "../errors.ts";
import type { Message } from "../tokenizer/index.ts";
import { type ConversationFields, conversationsOf } from "./conversation-rows.ts";
import { readCsv } from "./csv.ts";
import type { Document, DocumentSource } from "./document.ts";
import { endingOf, type FoundFiles, findFiles } from "./find-files.ts";
import { readJsonLines } from "./json-lines.ts";
import { readJsonObjects } from "./json-objects.ts";
import { readParquet } from "./parquet.ts";
import type { FieldsReader } from "./rows.ts";

/** The user begins (a system message may come first), and at least one message is the assistant's. */
export interface Conversation {
  readonly messages: readonly Message[];
  /** Where it stands, if it comes from a file. */
  readonly source?: Document["source"];
}

/** Anything that yields conversations: files, or a generator. It may be asked for them more than once. */
export interface ConversationSource {
  /** Equal fingerprints promise equal conversations in the same order. */
  readonly fingerprint: string;
  conversations(): AsyncIterable<Conversation> | Iterable<Conversation>;
  /** Bytes on disk, and how many of them have been read, for progress. */
  readonly bytes?: number;
  readonly bytesRead?: number;
  /** Bad rows left out so far. */
  readonly skippedRows?: number;
}

/** Each message as a document, for a tokenizer to be trained on. */
export const messageTexts = (source: ConversationSource): DocumentSource => ({
  fingerprint: source.fingerprint,
  async *documents() {
    for await (const { messages } of source.conversations()) for (const { content } of messages) yield { text: content };
  },
});

export interface ConversationOptions extends ConversationFields {
  /** What to do with a row that is no conversation: stop with an InputError that names file and line, or leave it out and count it. */
  readonly onBadRow?: "error" | "skip";
}

const readers = new Map<string, FieldsReader>([
  [".jsonl", readJsonLines],
  [".json", readJsonObjects],
  [".csv", readCsv],
  [".parquet", readParquet],
]);

/**
 * Opens files and folders of conversations: JSON Lines, JSON (a list of objects), CSV with a header, Parquet, and each of them
 * gzipped. `conversationsOf` has the layouts of a row; rows of one file may differ.
 * @throws InputError when a path does not exist, is empty, or names a file of an unknown kind, or one field is named without the other
 */
export async function openConversations(
  paths: string | readonly string[],
  options: ConversationOptions = {},
): Promise<Conversations> {
  if ((options.promptField === undefined) !== (options.completionField === undefined))
    throw new InputError(
      "name both the field of the prompt and that of the completion (promptField, completionField), or neither",
    );
  return new Conversations(await findFiles(paths, { endings: [...readers.keys()], content: "conversations" }), options);
}

export class Conversations implements ConversationSource {
  readonly files: FoundFiles["files"];
  /** Files in the given folders that are empty or of an unknown kind. */
  readonly ignored: FoundFiles["ignored"];
  readonly bytes: number;
  readonly fingerprint: string;
  /** Rows left out in the latest reading, and what was wrong with the first of them. */
  skippedRows = 0;
  firstSkipped: string | undefined;
  readonly #options: ConversationOptions;

  constructor({ files, ignored }: FoundFiles, options: ConversationOptions) {
    this.files = files;
    this.ignored = ignored;
    this.bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    this.#options = options;
    const stamps = files.map((file) => [resolve(file.path), file.bytes, file.modified]);
    const { promptField, completionField, onBadRow = "error" } = options;
    this.fingerprint = hash("sha256", JSON.stringify(["conversations", stamps, promptField, completionField, onBadRow]), "hex");
  }

  get bytesRead(): number {
    return this.files.reduce((sum, file) => sum + file.bytesRead, 0);
  }

  /**
   * The conversations, file after file.
   * @throws InputError for a bad row (unless they are to be skipped), a broken file, or when there is no conversation at all
   */
  async *conversations(): AsyncGenerator<Conversation> {
    this.skippedRows = 0;
    this.firstSkipped = undefined;
    for (const file of this.files) file.bytesRead = 0;
    let conversations = 0;
    for (const file of this.files) {
      const everything = (columns: readonly string[]) => columns;
      for await (const row of readers.get(endingOf(file.path))!(file, everything)) {
        if (row instanceof InputError) {
          this.#badRow(row);
          continue;
        }
        const source = { file: file.path, line: row.line };
        try {
          for (const messages of conversationsOf(row.values, this.#options)) {
            conversations++;
            yield { messages, source };
          }
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          this.#badRow(new InputError(`${file.path}:${row.line} ${error.message}`));
        }
      }
      file.bytesRead = file.bytes;
    }
    if (conversations > 0) return;
    const bad = this.skippedRows > 0 ? `; all ${this.skippedRows} rows were bad, the first: ${this.firstSkipped}` : "";
    throw new InputError(`there is no conversation in ${this.files.map((file) => file.path).join(", ")}${bad}`);
  }

  #badRow(problem: InputError): void {
    if (this.#options.onBadRow !== "skip") throw problem;
    this.skippedRows++;
    this.firstSkipped ??= problem.message;
  }
}
