// The loop of byte-pair training: find the most frequent pair, make it a token, merge it in every word, count again.
import { Heap } from "./heap.ts";

interface Pair {
  left: number;
  right: number;
  /** How often it stands in the corpus. */
  count: number;
  /** Words where it appeared since it was last queued. */
  words: number[];
}

/** A pair in the queue with its count when it was queued and the words where it was then found. */
interface Candidate {
  pair: Pair;
  count: number;
  words: readonly number[];
}

/** Above every id: a pair's key is left · 2²⁴ + right. */
const idLimit = 2 ** 24;

/**
 * Learns merges one by one. The order is that of Hugging Face's trainer: the highest count first, of equal counts the pair with
 * the smaller ids; a pair that spells an existing token takes that token's id.
 */
export class MergeLearner {
  readonly #tokens: string[];
  readonly #idOfToken: Map<string, number>;
  /** Word w is the symbols from `#starts[w]`, `#lengths[w]` of them, and stands `#counts[w]` times in the corpus. */
  readonly #symbols: Int32Array;
  readonly #starts: Float64Array;
  readonly #lengths: Int32Array;
  readonly #counts: Float64Array;
  readonly #pairs = new Map<number, Pair>();
  readonly #queue = new Heap<Candidate>(comesFirst);
  readonly #learned: Pair[] = [];
  readonly #prefix: string;
  #touched: Pair[] = [];

  /**
   * @param wordCounts how often each word stands in the corpus
   * @param symbolsOf the tokens that a word is made of at first, not more than it has bytes
   * @param tokens the vocabulary so far, in order of ids; new tokens are appended to it
   * @param prefix what tokens inside a word begin with (WordPiece); a merged token has it only before its first part
   */
  constructor(
    wordCounts: ReadonlyMap<string, number>,
    symbolsOf: (word: string) => ArrayLike<number>,
    tokens: string[],
    prefix = "",
  ) {
    this.#tokens = tokens;
    this.#prefix = prefix;
    this.#idOfToken = new Map(tokens.map((token, id) => [token, id]));
    this.#starts = new Float64Array(wordCounts.size);
    this.#lengths = new Int32Array(wordCounts.size);
    this.#counts = Float64Array.from(wordCounts.values());
    let total = 0;
    for (const word of wordCounts.keys()) total += Buffer.byteLength(word);
    this.#symbols = new Int32Array(total);
    let start = 0;
    let w = 0;
    for (const word of wordCounts.keys()) {
      const symbols = symbolsOf(word);
      this.#symbols.set(symbols, start);
      for (let i = 1; i < symbols.length; i++) this.#count(this.#symbols[start + i - 1]!, this.#symbols[start + i]!, 1, w);
      this.#starts[w] = start;
      this.#lengths[w++] = symbols.length;
      start += symbols.length;
    }
    this.#enqueueTouched();
  }

  /** Learns one merge, which adds a token unless the pair spells one that is there; false when no pair is left. */
  step(): boolean {
    for (;;) {
      const top = this.#queue.pop();
      if (!top) return false;
      if (top.count !== top.pair.count) {
        top.count = top.pair.count;
        this.#queue.push(top);
        continue;
      }
      if (top.count < 1) return false;
      const { left, right } = top.pair;
      const text = this.#tokens[left]! + this.#tokens[right]!.slice(this.#prefix.length);
      let id = this.#idOfToken.get(text);
      if (id === undefined) {
        id = this.#tokens.push(text) - 1;
        this.#idOfToken.set(text, id);
      }
      this.#learned.push(top.pair);
      for (const word of top.words) this.#merge(word, left, right, id);
      this.#enqueueTouched();
      return true;
    }
  }

  /** The merges in the order of learning. A pair that was learned twice stands where it was learned last. */
  merges(): [string, string][] {
    const last = new Map(this.#learned.map((pair, rank) => [pair, rank]));
    return this.#learned.flatMap((pair, rank) =>
      last.get(pair) === rank ? [[this.#tokens[pair.left]!, this.#tokens[pair.right]!] as [string, string]] : [],
    );
  }

  /** Replaces a pair by `id` throughout a word, and counts the neighbours it loses and wins. */
  #merge(word: number, left: number, right: number, id: number): void {
    const symbols = this.#symbols;
    const start = this.#starts[word]!;
    const end = start + this.#lengths[word]!;
    let to = start;
    for (let from = start; from < end; from++, to++) {
      const first = symbols[from]!;
      if (first !== left || from + 1 >= end || symbols[from + 1] !== right) {
        symbols[to] = first;
        continue;
      }
      if (to > start) {
        this.#count(symbols[to - 1]!, left, -1, word);
        this.#count(symbols[to - 1]!, id, 1, word);
      }
      from++;
      if (from + 1 < end) {
        this.#count(right, symbols[from + 1]!, -1, word);
        this.#count(id, symbols[from + 1]!, 1, word);
      }
      symbols[to] = id;
    }
    this.#lengths[word] = to - start;
  }

  #count(left: number, right: number, change: 1 | -1, word: number): void {
    const key = left * idLimit + right;
    let pair = this.#pairs.get(key);
    if (!pair) {
      pair = { left, right, count: 0, words: [] };
      this.#pairs.set(key, pair);
    }
    pair.count += change * this.#counts[word]!;
    if (change < 0) return;
    if (pair.words.length === 0) this.#touched.push(pair);
    if (pair.words.at(-1) !== word) pair.words.push(word);
  }

  #enqueueTouched(): void {
    for (const pair of this.#touched) {
      if (pair.count > 0) this.#queue.push({ pair, count: pair.count, words: pair.words });
      pair.words = [];
    }
    this.#touched = [];
  }
}

function comesFirst(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.pair.left !== b.pair.left ? a.pair.left < b.pair.left : a.pair.right < b.pair.right;
}
