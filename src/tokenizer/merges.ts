// Byte-pair merges applied to one word: the pair that was learned first merges first (Sennrich et al. 2016).
import { InputError } from "../errors.ts";
import { Heap } from "./heap.ts";

/** Positions share a queue number with ranks: rank · 2³¹ + position stays a whole number for 2²² ranks. */
const positionLimit = 2 ** 31;

export class Merges {
  readonly #rankOfPair = new Map<number, number>();
  readonly #results: Int32Array;
  readonly #size: number;

  /**
   * @param pairs left and right id of each merge in the order of learning; a pair that stands twice counts where it stands last
   * @param results the id that each pair becomes
   * @param vocabularySize above every id
   */
  constructor(pairs: readonly (readonly [number, number])[], results: Int32Array, vocabularySize: number) {
    this.#size = vocabularySize;
    this.#results = results;
    for (const [rank, [left, right]] of pairs.entries()) this.#rankOfPair.set(left * vocabularySize + right, rank);
  }

  /**
   * The merges of a vocabulary.
   * @param prefix what tokens inside a word begin with; a merge drops it from its right side
   * @throws InputError when a merge needs a token that the vocabulary lacks
   */
  static of(merges: readonly (readonly [string, string])[], ids: ReadonlyMap<string, number>, prefix = ""): Merges {
    const idOf = (token: string, merge: readonly string[]) => {
      const id = ids.get(token);
      if (id !== undefined) return id;
      throw new InputError(`the tokenizer's merge "${merge.join(" ")}" needs the token "${token}", which its vocabulary lacks`);
    };
    let size = 0;
    for (const id of ids.values()) size = Math.max(size, id + 1);
    return new Merges(
      merges.map((merge) => [idOf(merge[0], merge), idOf(merge[1], merge)]),
      Int32Array.from(merges, (merge) => idOf(merge[0] + merge[1].slice(prefix.length), merge)),
      size,
    );
  }

  /**
   * The ids of a word whose symbols are given; O(n log n), so that a line without a single blank does no harm.
   * @param firsts receives, where it is given, which symbol each id begins with
   */
  apply(symbols: number[], firsts?: number[]): number[] {
    if (symbols.length > 1 && this.#rankOfPair.size > 0) this.#merge(symbols);
    if (firsts) for (const [i, id] of symbols.entries()) if (id >= 0) firsts.push(i);
    return symbols.filter((id) => id >= 0);
  }

  /** Leaves each token at its first symbol and -1 at its others. */
  #merge(symbols: number[]): void {
    const next = symbols.map((_, i) => i + 1);
    const previous = symbols.map((_, i) => i - 1);
    const queue = new Heap<number>((a, b) => a < b);
    const offer = (position: number) => {
      const rank = this.#rank(symbols, position, next[position]!);
      if (rank !== undefined) queue.push(rank * positionLimit + position);
    };
    for (let i = 0; i < symbols.length - 1; i++) offer(i);
    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      const position = top % positionLimit;
      const right = next[position]!;
      if (symbols[position]! < 0 || right >= symbols.length) continue;
      // The pair may have changed since it was queued: it counts only if it still becomes the same token.
      const result = this.#results[Math.floor(top / positionLimit)]!;
      const rank = this.#rank(symbols, position, right);
      if (rank === undefined || this.#results[rank] !== result) continue;
      symbols[position] = result;
      symbols[right] = -1;
      const after = next[right]!;
      next[position] = after;
      if (after < symbols.length) previous[after] = position;
      if (previous[position]! >= 0) offer(previous[position]!);
      offer(position);
    }
  }

  #rank(symbols: number[], left: number, right: number): number | undefined {
    return right < symbols.length ? this.#rankOfPair.get(symbols[left]! * this.#size + symbols[right]!) : undefined;
  }
}
