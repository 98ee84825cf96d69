// Byte-pair encoding of characters (Sennrich et al. 2016), with what SentencePiece adds: bytes for characters without a token.
import { InputError } from "../errors.ts";
import { Merges } from "./merges.ts";
import type { Model } from "./model.ts";
import { widthAt } from "./source-text.ts";

export interface BpeOptions {
  /** The token for characters that have none; without it they vanish. */
  readonly unknown?: string | undefined;
  /** What tokens inside a word begin with, and what those that end a word end with. */
  readonly prefix: string;
  readonly suffix: string;
  /** Neighbouring unknown characters become one token. */
  readonly fuseUnknown: boolean;
  /** Characters without a token become `<0xE2>` and its like, one for each byte. */
  readonly byteFallback: boolean;
  /** A word that is a token needs no merges to become it. */
  readonly wholeWords: boolean;
}

export class Bpe implements Model {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #merges: Merges;
  readonly #options: BpeOptions;
  readonly #unknown: number | undefined;
  readonly #bytes: readonly (number | undefined)[];

  /** @throws InputError when a merge or the unknown token needs a token that the vocabulary lacks */
  constructor(vocabulary: Readonly<Record<string, number>>, merges: readonly (readonly [string, string])[], options: BpeOptions) {
    this.#ids = new Map(Object.entries(vocabulary));
    this.#options = options;
    if (options.unknown !== undefined) {
      this.#unknown = this.#ids.get(options.unknown);
      if (this.#unknown === undefined)
        throw new InputError(`its vocabulary lacks the token ${options.unknown}, which its model names for unknown characters`);
    }
    this.#bytes = Array.from({ length: 256 }, (_, byte) => this.#ids.get(byteToken(byte)));
    this.#merges = Merges.of(merges, this.#ids, options.prefix);
  }

  tokenize(word: string, spans?: number[]): number[] {
    const whole = this.#options.wholeWords ? this.#ids.get(word) : undefined;
    if (whole !== undefined) {
      spans?.push(0, word.length);
      return [whole];
    }
    const { symbols, starts, ends } = this.#symbols(word);
    if (!spans) return this.#merges.apply(symbols);
    const kept: number[] = [];
    const ids = this.#merges.apply(symbols, kept);
    for (const [i, first] of kept.entries()) spans.push(starts[first]!, ends[(kept[i + 1] ?? starts.length) - 1]!);
    return ids;
  }

  /** The ids of a word's characters before any merge, and where each begins and ends. */
  #symbols(word: string): { symbols: number[]; starts: number[]; ends: number[] } {
    const { prefix, suffix, fuseUnknown, byteFallback } = this.#options;
    const symbols: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    let unknownBefore = false;
    for (let start = 0, end = 0; start < word.length; start = end) {
      end = start + widthAt(word, start);
      const character = word.slice(start, end);
      const push = (id: number) => {
        symbols.push(id);
        starts.push(start);
        ends.push(end);
      };
      const id = this.#ids.get((start > 0 ? prefix : "") + character + (end === word.length ? suffix : ""));
      const bytes = id === undefined && byteFallback ? Array.from(Buffer.from(character), (byte) => this.#bytes[byte]) : [];
      const isUnknown = id === undefined && (bytes.length === 0 || bytes.includes(undefined));
      if (id !== undefined) push(id);
      else if (!isUnknown) for (const byte of bytes) push(byte!);
      else if (fuseUnknown && unknownBefore) ends[ends.length - 1] = end;
      else if (this.#unknown !== undefined) push(this.#unknown);
      unknownBefore = isUnknown && this.#unknown !== undefined;
    }
    return { symbols, starts, ends };
  }
}

/** The token that stands for a byte where characters fall back to their bytes. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
