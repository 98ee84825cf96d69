// What slovo's own tokenizers share: every token stands for bytes, and control tokens are cut out before the rest is encoded.
import { FileTokenizer } from "./file-tokenizer.ts";
import { type DecodeOptions, type EncodeOptions, IdBuffer } from "./tokenizer.ts";
import type { TokenizerConfig, TokenizerFile } from "./tokenizer-file.ts";

export abstract class VocabularyTokenizer extends FileTokenizer {
  /** All added tokens by their text: the control tokens, and ordinary ones that are never split. */
  readonly #added: ReadonlyMap<string, number>;
  readonly #always: RegExp | undefined;
  readonly #allowed: RegExp | undefined;
  /** Byte b of token t is `#bytes[#starts[t] + b]`. */
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #names: ReadonlyMap<number, string>;
  readonly #buffer = new IdBuffer();

  /** @param bytesOf the bytes of a token of the model's vocabulary, undefined where it has none */
  constructor(file: TokenizerFile, config: TokenizerConfig, bytesOf: (token: string) => Uint8Array | undefined) {
    super(file, config);
    const added = file.added_tokens;
    const special = added.filter((token) => token.special);
    this.#names = new Map(special.map((token) => [token.id, token.content]));
    this.#added = new Map(added.map((token) => [token.content, token.id]));
    this.#always = anyOf(added.filter((token) => !token.special).map((token) => token.content));
    this.#allowed = anyOf(added.map((token) => token.content));

    const bytes = new Map<number, Uint8Array>();
    for (const [token, id] of Object.entries(file.model.vocab as Record<string, number>)) bytes.set(id, bytesOf(token) ?? none);
    for (const token of added) bytes.set(token.id, token.special ? none : new TextEncoder().encode(token.content));
    this.#starts = new Uint32Array(this.vocabularySize + 1);
    for (let id = 0; id < this.vocabularySize; id++) this.#starts[id + 1] = this.#starts[id]! + (bytes.get(id) ?? none).length;
    this.#bytes = new Uint8Array(this.#starts[this.vocabularySize]!);
    for (const [id, value] of bytes) this.#bytes.set(value, this.#starts[id]!);
  }

  /** Appends the ids of well-formed text that holds no added token. */
  protected abstract encodeText(text: string, ids: IdBuffer): void;

  /** A text cut at its added tokens: every second part is one. */
  protected parts(text: string, allowSpecial: boolean): string[] {
    const pattern = allowSpecial ? this.#allowed : this.#always;
    return pattern ? text.split(pattern) : [text];
  }

  encode(text: string, options: EncodeOptions = {}): Int32Array<ArrayBuffer> {
    this.#buffer.clear();
    for (const [i, part] of this.parts(text.toWellFormed(), options.allowSpecial ?? false).entries()) {
      if (i % 2 === 1) this.#buffer.push(this.#added.get(part)!);
      else if (part !== "") this.encodeText(part, this.#buffer);
    }
    return this.#buffer.take();
  }

  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    let length = 0;
    for (let i = 0; i < ids.length; i++) length += this.#shown(ids[i]!, options).length;
    const text = new Uint8Array(length);
    let at = 0;
    for (let i = 0; i < ids.length; i++) {
      const bytes = this.#shown(ids[i]!, options);
      text.set(bytes, at);
      at += bytes.length;
    }
    return decodeUtf8(text);
  }

  tokenText(id: number): string {
    return this.#names.get(id) ?? decodeUtf8(this.tokenBytes(id));
  }

  tokenBytes(id: number): Uint8Array {
    this.tokenAt(id);
    return this.#bytes.subarray(this.#starts[id]!, this.#starts[id + 1]!);
  }

  #shown(id: number, { showSpecial }: DecodeOptions): Uint8Array {
    const name = showSpecial ? this.#names.get(id) : undefined;
    return name === undefined ? this.tokenBytes(id) : new TextEncoder().encode(name);
  }
}

const none = new Uint8Array(0);

/** A leading U+FEFF is text like any other here, so it is kept. */
function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** An expression that captures any of the texts, the longest first; undefined for none. */
function anyOf(texts: readonly string[]): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(`(${longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|")})`);
}
