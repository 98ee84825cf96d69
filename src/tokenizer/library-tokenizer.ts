// Tokenizers of other kinds (WordPiece, Unigram, BPE with normalisation), run by Hugging Face's JavaScript library.
import { Tokenizer as Library } from "@huggingface/tokenizers";
import type { DecodeOptions, EncodeOptions, Tokenizer } from "./tokenizer.ts";
import { endOfTextOf, fingerprintOf, type TokenizerConfig, type TokenizerFile, writeTokenizer } from "./tokenizer-file.ts";

export class LibraryTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly fingerprint: string;
  readonly config: TokenizerConfig;
  readonly #file: TokenizerFile;
  readonly #names: ReadonlyMap<number, string>;
  /** One that sees control tokens in the text, and one that has never heard of them. */
  readonly #allowed: Library;
  readonly #plain: Library;

  constructor(file: TokenizerFile, config: TokenizerConfig) {
    const special = file.added_tokens.filter((token) => token.special);
    this.specialTokens = new Map(special.map((token) => [token.content, token.id]));
    this.#names = new Map(special.map((token) => [token.id, token.content]));
    this.fingerprint = fingerprintOf(file);
    this.config = config;
    this.#file = file;
    const whole = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...file };
    this.#allowed = new Library(whole, config);
    this.#plain = new Library({ ...whole, added_tokens: file.added_tokens.filter((token) => !token.special) }, config);
    let size = 0;
    for (const id of this.#allowed.get_vocab(true).values()) size = Math.max(size, id + 1);
    this.vocabularySize = size;
  }

  get endOfText(): number {
    return endOfTextOf(this.config, this.specialTokens);
  }

  encode(text: string, options: EncodeOptions = {}): Int32Array<ArrayBuffer> {
    const library = options.allowSpecial ? this.#allowed : this.#plain;
    return Int32Array.from(library.encode(text.toWellFormed(), { add_special_tokens: false }).ids);
  }

  encodeBatch(texts: readonly string[], options?: EncodeOptions): Int32Array<ArrayBuffer>[] {
    return texts.map((text) => this.encode(text, options));
  }

  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const list = Array.from(ids, (id) => this.#check(id));
    if (list.length === 0) return "";
    return this.#allowed.decode(list, { skip_special_tokens: !options.showSpecial });
  }

  tokenText(id: number): string {
    return this.#names.get(id) ?? this.#allowed.id_to_token(this.#check(id)) ?? "";
  }

  save(folder: string): Promise<void> {
    return writeTokenizer(folder, this.#file, this.config);
  }

  #check(id: number): number {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabularySize) return id;
    throw new RangeError(`token id ${id} is outside the vocabulary of ${this.vocabularySize}`);
  }
}
