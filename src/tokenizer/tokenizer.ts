// What every tokenizer offers to the rest of the house.

export interface EncodeOptions {
  /**
   * Read `<|endoftext|>` and its like in the text as control tokens. Off by default: text that comes from a user or a
   * corpus must not be able to inject them, so there they are ordinary characters.
   */
  allowSpecial?: boolean;
}

export interface DecodeOptions {
  /** Write control tokens out by their names; by default they add nothing to the text. */
  showSpecial?: boolean;
}

/** Text to token ids and back. All calls but `save` are synchronous and keep no state that shows. */
export interface Tokenizer {
  /** The highest id plus one: the number of rows an embedding needs. */
  readonly vocabularySize: number;
  /** Control tokens by name. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /**
   * The id that ends a document: `eos_token` of the configuration, else a token with a usual name for it.
   * @throws InputError when the tokenizer has none.
   */
  readonly endOfText: number;
  /** SHA-256 (hexadecimal) of everything that decides how text becomes ids; equal fingerprints mean equal ids. */
  readonly fingerprint: string;
  /** The content of `tokenizer_config.json`, the chat template among it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Ids of a text. Lone surrogates, which no UTF-8 can express, become U+FFFD. */
  encode(text: string, options?: EncodeOptions): Int32Array<ArrayBuffer>;
  encodeBatch(texts: readonly string[], options?: EncodeOptions): Int32Array<ArrayBuffer>[];
  /**
   * The text of ids; bytes that form no character become U+FFFD.
   * @throws RangeError for an id outside the vocabulary.
   */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** One token for display: its characters, U+FFFD for a part of one, the name of a control token. */
  tokenText(id: number): string;
  /** UTF-8 bytes that a token adds to the text, none for a control token. Absent where tokens do not stand for bytes (WordPiece). */
  tokenBytes?(id: number): Uint8Array;
  /** Writes `tokenizer.json` and `tokenizer_config.json` into a folder, which is made where it is missing. */
  save(folder: string): Promise<void>;
}

/** A list of ids that grows, without boxing them. */
export class IdBuffer {
  #ids = new Int32Array(1024);
  length = 0;

  push(id: number): void {
    if (this.length === this.#ids.length) {
      const wider = new Int32Array(this.length * 2);
      wider.set(this.#ids);
      this.#ids = wider;
    }
    this.#ids[this.length++] = id;
  }

  /** A copy of the ids so far; the buffer is empty afterwards and can be used again. */
  take(): Int32Array<ArrayBuffer> {
    const ids = this.#ids.slice(0, this.length);
    this.length = 0;
    return ids;
  }
}
