// A tokenised corpus on disk, read by mapping it into memory: `shard.json`, and for each side of the split its tokens and documents.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { type MappedFile, mapFile } from "../runtime/memory-map.ts";

const Count = z.int().min(0);
const Side = z.strictObject({
  documents: Count,
  tokens: Count,
  /** UTF-8 bytes of the text that the tokens stand for. */
  bytes: Count,
  /** SHA-256 of `tokens.bin` followed by `documents.bin`. */
  sha256: z.string(),
});

/** How documents are divided into training and validation. */
const Split = z.strictObject({ by: z.enum(["hash", "tail"]), fraction: z.number().min(0).max(1) });
export type Split = z.infer<typeof Split>;

export const ShardHeader = z.strictObject({
  version: z.literal(2),
  /** Little-endian whole numbers of `tokens.bin`. */
  dtype: z.enum(["uint16", "uint32"]),
  /** The id that follows every document; null when documents follow each other directly. */
  endOfText: Count.nullable(),
  split: Split,
  train: Side,
  validation: Side,
  /** Bad rows of the sources that were left out. */
  skippedRows: Count,
  /** SHA-256 of the tokenizer, and of everything the shard was made from. */
  tokenizer: z.string(),
  fingerprint: z.string(),
});
export type ShardHeader = z.infer<typeof ShardHeader>;

/** Documents as tokens: document d is `tokens[starts[d] … starts[d + 1])`. */
export interface TokenDocuments {
  /** All documents one after another, each with its end-of-text token, where there is one. */
  readonly tokens: Uint16Array | Uint32Array;
  /** `[documents + 1]`; whole numbers as float64, exact up to 2⁵³. */
  readonly starts: Float64Array;
  /**
   * The token that ends every document. It also stands before the first token of each, so that a model learns how texts
   * begin; null where documents are pieces of one text.
   */
  readonly endOfText: number | null;
  /** What {@link fingerprintOf} gives for them, where it is known already. */
  readonly fingerprint?: string;
}

/** SHA-256 of the tokens and of where each document starts: it tells the documents from any others of the same size. */
export function fingerprintOf({ tokens, starts, fingerprint }: TokenDocuments): string {
  if (fingerprint !== undefined) return fingerprint;
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of [tokens, starts]) {
    // A hash takes less than 2 GiB at a time.
    for (let at = 0; at < byteLength; at += hashedBytes)
      hash.update(new Uint8Array(buffer, byteOffset + at, Math.min(hashedBytes, byteLength - at)));
  }
  return hash.digest("hex");
}
const hashedBytes = 2 ** 30;

/** An open shard. Its arrays are the file's pages and must not be used after `close`. */
export class TokenShard implements Disposable {
  readonly folder: string;
  readonly header: ShardHeader;
  readonly train: TokenDocuments;
  readonly validation: TokenDocuments;
  readonly #files: MappedFile[] = [];

  /** @throws InputError when there is no shard in the folder, or its files are not what its header says */
  constructor(folder: string) {
    this.folder = folder;
    this.header = readHeader(folder);
    try {
      this.train = this.#open("train");
      this.validation = this.#open("validation");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(side: "train" | "validation"): TokenDocuments {
    const { documents, tokens, sha256 } = this.header[side];
    const [Numbers, width] = this.header.dtype === "uint16" ? ([Uint16Array, 2] as const) : ([Uint32Array, 4] as const);
    const ids = this.#map(join(this.folder, side, "tokens.bin"), tokens * width);
    const starts = this.#map(join(this.folder, side, "documents.bin"), (documents + 1) * 8);
    return {
      tokens: new Numbers(ids.buffer, ids.byteOffset, tokens),
      starts: new Float64Array(starts.buffer, starts.byteOffset, documents + 1),
      endOfText: this.header.endOfText,
      fingerprint: sha256,
    };
  }

  #map(path: string, bytes: number): Uint8Array<ArrayBuffer> {
    const file = mapFile(path);
    this.#files.push(file);
    if (file.bytes.length === bytes) return file.bytes;
    throw new InputError(
      `${path} has ${file.bytes.length} bytes where its shard.json needs ${bytes}: delete the folder to make it again`,
    );
  }
}

/**
 * Opens a shard that `buildShard` has made.
 * @throws InputError when there is none, or it is damaged
 */
export const openShard = (folder: string): TokenShard => new TokenShard(folder);

function readHeader(folder: string): ShardHeader {
  const path = join(folder, "shard.json");
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new InputError(`there is no tokenised corpus at ${folder} (${(error as Error).message})`, { cause: error });
  }
  const result = ShardHeader.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new InputError(
    `${path} is not of this version of slovo (\`${issue.path.join(".")}\`: ${issue.message}): delete the folder to make it again`,
  );
}
