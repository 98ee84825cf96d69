// Unigram: of all ways to cut a word into tokens, the most probable one (Kudo 2018), found by Viterbi's algorithm.
import { InputError } from "../errors.ts";
import { byteToken } from "./bpe.ts";
import type { Model } from "./model.ts";
import { widthAt } from "./source-text.ts";
import { Trie } from "./trie.ts";

export interface UnigramOptions {
  /** The id for characters that no token covers. */
  readonly unknown?: number | undefined;
  readonly byteFallback: boolean;
  /** Ids of control tokens, which no text may turn into although they stand in the vocabulary. */
  readonly control: ReadonlySet<number>;
}

/** An unknown character is less probable than the least probable token, by this much (natural logarithm). */
const unknownPenalty = 10;

export class Unigram implements Model {
  readonly #trie = new Trie();
  readonly #scores: Float64Array;
  readonly #unknown: number | undefined;
  readonly #unknownScore: number;
  /** The ids of the 256 bytes, where characters fall back to them. */
  readonly #bytes: readonly (number | undefined)[] | undefined;
  // Of the best way to each place of the word: its score, and the last token and where that begins.
  #best = new Float64Array(64);
  #last = new Int32Array(64);
  #from = new Int32Array(64);

  /**
   * @param vocabulary tokens with the natural logarithms of their probabilities, in the order of their ids
   * @throws InputError when the unknown token lies outside the vocabulary
   */
  constructor(vocabulary: readonly (readonly [string, number])[], options: UnigramOptions) {
    const { unknown, byteFallback, control } = options;
    if (unknown !== undefined && !(unknown < vocabulary.length && unknown >= 0))
      throw new InputError(`its unknown token has the id ${unknown} (unk_id), outside its vocabulary of ${vocabulary.length}`);
    this.#unknown = unknown;
    this.#scores = Float64Array.from(vocabulary, ([, score]) => score);
    this.#unknownScore = this.#scores.reduce((least, score) => Math.min(least, score), Infinity) - unknownPenalty;
    const ids = new Map<string, number>();
    for (const [id, [token]] of vocabulary.entries()) {
      ids.set(token, id);
      if (token !== "" && !control.has(id)) this.#trie.set(token, id);
    }
    if (byteFallback) this.#bytes = Array.from({ length: 256 }, (_, byte) => ids.get(byteToken(byte)));
  }

  tokenize(word: string, spans?: number[]): number[] {
    this.#search(word);
    const ids: number[] = [];
    const bounds: number[] = [];
    for (let end = word.length; end > 0; ) {
      let start = this.#from[end]!;
      const id = this.#last[end]!;
      // Neighbouring unknown characters are one token.
      if (id < 0) while (start > 0 && this.#last[start]! < 0) start = this.#from[start]!;
      for (const part of id < 0 ? this.#unknownIds(word.slice(start, end)) : [id]) {
        ids.push(part);
        bounds.push(end, start);
      }
      end = start;
    }
    if (spans) for (let i = bounds.length - 1; i >= 0; i--) spans.push(bounds[i]!);
    return ids.reverse();
  }

  /** Ids of characters that no token covers, last first. */
  #unknownIds(text: string): number[] {
    const bytes = this.#bytes && Array.from(Buffer.from(text), (byte) => this.#bytes![byte]);
    if (bytes && !bytes.includes(undefined)) return (bytes as number[]).reverse();
    if (this.#unknown !== undefined) return [this.#unknown];
    throw new InputError(`the tokenizer has no token for ${JSON.stringify(text)}, and none for unknown text (unk_id)`);
  }

  #search(word: string): void {
    const size = word.length + 1;
    if (this.#best.length < size) {
      this.#best = new Float64Array(2 * size);
      this.#last = new Int32Array(2 * size);
      this.#from = new Int32Array(2 * size);
    }
    const [best, last, from, trie] = [this.#best, this.#last, this.#from, this.#trie];
    best.fill(-Infinity, 0, size);
    best[0] = 0;
    for (let start = 0, next = 0; start < word.length; start = next) {
      next = start + widthAt(word, start);
      let node = 0;
      let covered = false;
      for (let i = start; i < word.length; i++) {
        node = trie.child(node, word.charCodeAt(i));
        if (node === 0) break;
        const id = trie.value(node);
        if (id < 0) continue;
        covered ||= i + 1 === next;
        const score = this.#scores[id]! + best[start]!;
        if (score > best[i + 1]!) {
          best[i + 1] = score;
          last[i + 1] = id;
          from[i + 1] = start;
        }
      }
      if (!covered && this.#unknownScore + best[start]! > best[next]!) {
        best[next] = this.#unknownScore + best[start]!;
        last[next] = -1;
        from[next] = start;
      }
    }
  }
}
