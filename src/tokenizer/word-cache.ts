// Remembers the ids of words, because most words of a text have been seen before.

/** Words longer than this (in UTF-16 units) are rare and not remembered. */
const longest = 48;
/** About 20 MB; the words of one language rarely fill it. */
const most = 1 << 17;

export class WordCache {
  readonly #words = new Map<string, readonly number[]>();
  readonly #tokenize: (word: string) => readonly number[];

  constructor(tokenize: (word: string) => readonly number[]) {
    this.#tokenize = tokenize;
  }

  ids(word: string): readonly number[] {
    const known = this.#words.get(word);
    if (known) return known;
    const ids = this.#tokenize(word);
    if (word.length <= longest) {
      if (this.#words.size === most) this.#words.clear();
      this.#words.set(Buffer.from(word).toString(), ids); // a string of its own: a slice would keep the whole text alive
    }
    return ids;
  }
}
