// Text from tokens that arrive one by one: a character is given out only when all its bytes are there.
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Decodes a stream of ids. The pieces it returns, joined, are `tokenizer.decode` of all ids.
 * ```ts
 * for (const id of ids) write(decoder.push(id));
 * write(decoder.flush());
 * ```
 */
export class StreamDecoder {
  readonly #tokenizer: Tokenizer;
  #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  /** For tokenizers whose tokens are not bytes: everything so far, and how much of its text has been given out. */
  #ids: number[] = [];
  #given = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that this token completes, "" while a character is still in parts. */
  push(id: number): string {
    if (this.#tokenizer.tokenBytes) return this.#utf8.decode(this.#tokenizer.tokenBytes(id), { stream: true });
    this.#ids.push(id);
    const text = this.#tokenizer.decode(this.#ids);
    return text.endsWith("\ufffd") ? "" : this.#give(text);
  }

  /** What is left at the end: U+FFFD for a character that was never completed. The decoder is as new afterwards. */
  flush(): string {
    if (this.#tokenizer.tokenBytes) {
      const rest = this.#utf8.decode();
      this.#utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
      return rest;
    }
    const rest = this.#give(this.#tokenizer.decode(this.#ids));
    this.#ids = [];
    this.#given = 0;
    return rest;
  }

  #give(text: string): string {
    const fresh = text.slice(this.#given);
    this.#given = text.length;
    return fresh;
  }
}
