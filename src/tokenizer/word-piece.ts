// WordPiece: the longest token that begins the rest of a word, again and again (Schuster & Nakajima 2012; Devlin et al. 2019).
import { InputError } from "../errors.ts";
import type { Model } from "./model.ts";
import { Trie } from "./trie.ts";

export class WordPiece implements Model {
  readonly #trie: Trie;
  /** Where the tokens that go on with a word are. */
  readonly #inside: number;
  readonly #unknown: number;
  readonly #longestWord: number;

  /**
   * @param prefix what tokens inside a word begin with, `##` in BERT
   * @param longestWord a word of more characters is unknown
   * @throws InputError when the vocabulary lacks the token for unknown words
   */
  constructor(vocabulary: Readonly<Record<string, number>>, unknown: string, prefix: string, longestWord: number) {
    const id = Object.hasOwn(vocabulary, unknown) ? vocabulary[unknown] : undefined;
    if (id === undefined)
      throw new InputError(`its vocabulary lacks the token ${unknown}, which its model names for unknown words (unk_token)`);
    this.#unknown = id;
    this.#longestWord = longestWord;
    this.#trie = new Trie(Object.entries(vocabulary));
    this.#inside = prefix === "" ? 0 : this.#trie.find(prefix) || -1;
  }

  tokenize(word: string, spans?: number[]): number[] {
    if (word.length > this.#longestWord && [...word].length > this.#longestWord) return this.#wholeIsUnknown(word, spans);
    const ids: number[] = [];
    const ends: number[] = [];
    for (let start = 0; start < word.length; ) {
      let node = start === 0 ? 0 : this.#inside;
      let id = -1;
      let end = start;
      for (let i = start; i < word.length && node >= 0; i++) {
        node = this.#trie.child(node, word.charCodeAt(i)) || -1;
        const found = node < 0 ? -1 : this.#trie.value(node);
        if (found >= 0) [id, end] = [found, i + 1];
      }
      if (id < 0) return this.#wholeIsUnknown(word, spans);
      ids.push(id);
      ends.push(end);
      start = end;
    }
    if (spans) for (const [i, end] of ends.entries()) spans.push(ends[i - 1] ?? 0, end);
    return ids;
  }

  #wholeIsUnknown(word: string, spans?: number[]): number[] {
    spans?.push(0, word.length);
    return [this.#unknown];
  }
}
