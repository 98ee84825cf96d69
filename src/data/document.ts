// What a corpus is made of.

export interface Document {
  text: string;
  /** What the text should become, where a pair was asked for. */
  target?: string;
  /** Where it stands: the file, and its first line (a row of a Parquet file counts as a line), from 1. */
  source: { file: string; line: number };
}

/** Anything that yields documents: files, or a generator. It may be asked for its documents more than once. */
export interface DocumentSource {
  /** Equal fingerprints promise equal documents in the same order. */
  readonly fingerprint: string;
  documents(): AsyncIterable<Pick<Document, "text" | "target">> | Iterable<Pick<Document, "text" | "target">>;
  /** Bytes on disk, and how many of them have been read, for progress. */
  readonly bytes?: number;
  readonly bytesRead?: number;
  /** Bad rows left out so far. */
  readonly skippedRows?: number;
}

/** The texts alone, as a tokenizer is trained on them. */
export async function* texts(source: DocumentSource): AsyncGenerator<string> {
  for await (const document of source.documents()) yield document.text;
}
