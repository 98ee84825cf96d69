// SentencePiece's compiled normalisation rules (`precompiled_charsmap`): a trie of texts, and what replaces each.
import { InputError } from "../errors.ts";
import type { Edit, SourceText } from "./source-text.ts";
import { widthAt } from "./source-text.ts";

/** Letters that are graphemes by themselves where such a letter follows; the rules leave most of them alone. */
const letters =
  /^[\x20-\x7e\u00c0-\u024f\u0370-\u037d\u0386-\u03ff\u0400-\u0482\u048a-\u052f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]$/;
/** A grapheme of more bytes is looked up by its characters only. */
const longestGrapheme = 5;

const utf8 = { encode: new TextEncoder(), decode: new TextDecoder("utf-8", { ignoreBOM: true }) };

export class Precompiled {
  /** A double array (Aoe 1989) in the layout of the Darts-clone library. */
  readonly #units: Uint32Array;
  /** The replacements, each ended by a zero byte. */
  readonly #replacements: Uint8Array;
  readonly #segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
  /** What texts seen so far become; null: they stay. */
  readonly #known = new Map<string, string | null>();
  /** By UTF-16 unit: 1 for letters that stay, 2 for whatever has to be looked at, 0 for what has not been met. */
  readonly #letters = new Uint8Array(0x10000);

  /** @throws InputError when the bytes are not such rules */
  constructor(charsmap: Uint8Array) {
    const view = new DataView(charsmap.buffer, charsmap.byteOffset, charsmap.length);
    const size = charsmap.length >= 4 ? view.getUint32(0, true) : 0;
    if (size < 1024 || size % 4 !== 0 || 4 + size > charsmap.length)
      throw new InputError(
        `the normaliser's precompiled_charsmap is damaged: ${charsmap.length} bytes that announce a table of ${size}; fetch the tokenizer again`,
      );
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.#replacements = charsmap.subarray(4 + size);
  }

  normalize(source: SourceText): SourceText {
    const { text } = source;
    const edits: Edit[] = [];
    for (let i = 0; i < text.length; i++) {
      if (this.#isLetter(text, i)) continue;
      // What is no letter may join the letter before it and the one after it to a grapheme.
      const start = Math.max(0, i - 1);
      while (i < text.length && !(this.#isLetter(text, i) && (i + 1 === text.length || this.#isLetter(text, i + 1)))) i++;
      this.#editGraphemes(text, start, Math.min(i + 1, text.length), edits);
    }
    return source.edit(edits);
  }

  #isLetter(text: string, index: number): boolean {
    const unit = text.charCodeAt(index);
    this.#letters[unit] ||= letters.test(text[index]!) && this.#replacement(text[index]!) === null ? 1 : 2;
    return this.#letters[unit] === 1;
  }

  #editGraphemes(text: string, start: number, end: number, edits: Edit[]): void {
    for (const { segment, index } of this.#segmenter.segment(text.slice(start, end))) {
      const at = start + index;
      const by = utf8Length(segment) <= longestGrapheme ? this.#replacement(segment) : null;
      if (by !== null) {
        edits.push({ start: at, end: at + segment.length, by });
        continue;
      }
      for (let i = 0; i < segment.length; i += widthAt(segment, i)) {
        const character = segment.slice(i, i + widthAt(segment, i));
        const by = this.#replacement(character);
        if (by !== null) edits.push({ start: at + i, end: at + i + character.length, by });
      }
    }
  }

  #replacement(text: string): string | null {
    let known = this.#known.get(text);
    if (known === undefined) {
      if (this.#known.size === 1 << 16) this.#known.clear();
      known = this.#lookUp(utf8.encode.encode(text));
      this.#known.set(text, known);
    }
    return known;
  }

  /** What the shortest text of the trie that begins these bytes is replaced by (the whole is: so do the original libraries). */
  #lookUp(bytes: Uint8Array): string | null {
    const units = this.#units;
    let node = offsetOf(units[0]!);
    for (const byte of bytes) {
      node ^= byte;
      const unit = units[node];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return null;
      node ^= offsetOf(unit);
      if ((unit & 0x100) !== 0) {
        const start = units[node]! & 0x7fffffff;
        const end = this.#replacements.indexOf(0, start);
        return utf8.decode.decode(this.#replacements.subarray(start, end < 0 ? undefined : end));
      }
    }
    return null;
  }
}

/** How far a unit's children lie from it. */
function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

function utf8Length(text: string): number {
  return text.length > longestGrapheme ? text.length : Buffer.byteLength(text);
}
