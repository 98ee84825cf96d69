// What every tokenizer offers to the rest of the house.
import type { FramedText } from "./post-processor.ts";
import type { TokenRoles } from "./roles.ts";

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

/** Ids of a text and the places they stand for. */
export interface TextWithOffsets {
  ids: Int32Array<ArrayBuffer>;
  /** `[ids.length · 2]`: where each token begins and where it ends in the text, in UTF-16 units. */
  offsets: Int32Array<ArrayBuffer>;
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
  /** Ids of the tokens with a part to play: padding, mask and their like, undefined where there is none. */
  readonly roles: Readonly<TokenRoles>;
  /** The content of `tokenizer_config.json`, the chat template among it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Ids of a text. Lone surrogates, which no UTF-8 can express, become U+FFFD. */
  encode(text: string, options?: EncodeOptions): Int32Array<ArrayBuffer>;
  encodeBatch(texts: readonly string[], options?: EncodeOptions): Int32Array<ArrayBuffer>[];
  /** `encode`, and the part of the text that each token stands for (a token that the tokenizer itself put in stands for none). */
  encodeWithOffsets(text: string, options?: EncodeOptions): TextWithOffsets;
  /**
   * One encoded text, or two, with the control tokens that a model expects around them: `[CLS] a [SEP] b [SEP]`, `a </s>`,
   * `<s> a`, as the post-processor of the file has it.
   * @throws InputError for two texts where the tokenizer knows a frame for one only
   */
  frame(first: ArrayLike<number>, second?: ArrayLike<number>): FramedText;
  /**
   * Whether a token begins a word instead of going on with one: no `##` before it (WordPiece), a blank or a sign (bytes), `▁`
   * (SentencePiece). The first token of a text begins a word in any case; control tokens never do.
   * @throws RangeError for an id outside the vocabulary.
   */
  beginsWord(id: number): boolean;
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

  /** Forgets what a text has left that could not be read to its end. */
  clear(): void {
    this.length = 0;
  }

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
