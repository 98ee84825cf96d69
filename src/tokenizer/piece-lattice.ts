// All ways to cut a word into pieces: how often each piece is used in them, and which way is the most probable.
import { Trie } from "./trie.ts";

export class PieceLattice {
  readonly #trie = new Trie();
  readonly #scores: Float64Array;
  // The edges of the word at hand: where each piece begins, which it is, where it ends.
  #from = new Int32Array(256);
  #piece = new Int32Array(256);
  #end = new Int32Array(256);
  #edges = 0;
  #forward = new Float64Array(64);
  #backward = new Float64Array(64);
  #last = new Int32Array(64);

  /** @param scores natural logarithms of the pieces' probabilities */
  constructor(texts: readonly string[], scores: Float64Array) {
    for (const [id, text] of texts.entries()) this.#trie.set(text, id);
    this.#scores = scores;
  }

  /**
   * Adds to `expected`, for each piece, how often it is expected in `count` such words (the forward–backward algorithm).
   * Every character of the word must be a piece.
   */
  addExpected(word: string, count: number, expected: Float64Array): void {
    this.#connect(word);
    const [from, end, piece, scores] = [this.#from, this.#end, this.#piece, this.#scores];
    const [forward, backward] = [this.#forward, this.#backward];
    forward.fill(-Infinity, 0, word.length + 1);
    backward.fill(-Infinity, 0, word.length + 1);
    forward[0] = 0;
    backward[word.length] = 0;
    // Edges stand in the order of their beginnings, so that what leads to a place is complete before it is left.
    for (let e = 0; e < this.#edges; e++) forward[end[e]!] = logAdd(forward[end[e]!]!, forward[from[e]!]! + scores[piece[e]!]!);
    for (let e = this.#edges - 1; e >= 0; e--)
      backward[from[e]!] = logAdd(backward[from[e]!]!, backward[end[e]!]! + scores[piece[e]!]!);
    const whole = forward[word.length]!;
    for (let e = 0; e < this.#edges; e++) {
      const share = forward[from[e]!]! + scores[piece[e]!]! + backward[end[e]!]! - whole;
      if (share > -40) expected[piece[e]!]! += count * Math.exp(share);
    }
  }

  /**
   * The pieces of the most probable way (Viterbi's algorithm), last first.
   * @param without a piece that may not be used
   */
  best(word: string, without = -1): number[] {
    this.#connect(word);
    const [best, last] = [this.#forward, this.#last];
    best.fill(-Infinity, 0, word.length + 1);
    best[0] = 0;
    for (let e = 0; e < this.#edges; e++) {
      if (this.#piece[e] === without) continue;
      const score = best[this.#from[e]!]! + this.#scores[this.#piece[e]!]!;
      if (score > best[this.#end[e]!]!) {
        best[this.#end[e]!] = score;
        last[this.#end[e]!] = e;
      }
    }
    const pieces: number[] = [];
    for (let at = word.length; at > 0; at = this.#from[last[at]!]!) pieces.push(this.#piece[last[at]!]!);
    return pieces;
  }

  /** Finds the pieces at every place of a word. */
  #connect(word: string): void {
    if (word.length >= this.#forward.length) {
      this.#forward = new Float64Array(2 * word.length);
      this.#backward = new Float64Array(2 * word.length);
      this.#last = new Int32Array(2 * word.length);
    }
    this.#edges = 0;
    for (let start = 0; start < word.length; start++) {
      let node = 0;
      for (let i = start; i < word.length; i++) {
        node = this.#trie.child(node, word.charCodeAt(i));
        if (node === 0) break;
        const id = this.#trie.value(node);
        if (id >= 0) this.#addEdge(start, i + 1, id);
      }
    }
  }

  #addEdge(from: number, end: number, piece: number): void {
    if (this.#edges === this.#from.length) {
      this.#from = widened(this.#from);
      this.#end = widened(this.#end);
      this.#piece = widened(this.#piece);
    }
    this.#from[this.#edges] = from;
    this.#end[this.#edges] = end;
    this.#piece[this.#edges++] = piece;
  }
}

function widened(values: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(values.length * 2);
  wider.set(values);
  return wider;
}

/** ln(eᵃ + eᵇ) */
function logAdd(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return low - high < -40 || low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}
