// Added tokens: texts that become one token wherever they stand, before the model sees anything else.
import { wordCharacters } from "./character-classes.ts";
import type { Normalizer } from "./normalizers.ts";
import type { SourceText } from "./source-text.ts";
import { SourceText as Source } from "./source-text.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";
import { Trie } from "./trie.ts";

type AddedToken = TokenizerFile["added_tokens"][number];

/** A part of a text: an added token, or (without an id) text for the model. */
export interface Part {
  readonly source: SourceText;
  readonly id?: number;
}

export class AddedTokens {
  readonly #tokens: readonly AddedToken[];
  /** Those that are looked for in the text as it is, and those that are looked for after normalisation. */
  readonly #raw: Trie;
  readonly #normalized: Trie;
  readonly #hasRaw: boolean;
  readonly #hasNormalized: boolean;
  readonly #normalize: Normalizer;

  constructor(tokens: readonly AddedToken[], normalize: Normalizer) {
    this.#tokens = tokens;
    this.#normalize = normalize;
    const entries = tokens.map((token, i) => ({ token, i }));
    const raw = entries.filter(({ token }) => !isNormalized(token));
    const normalized = entries.filter(({ token }) => isNormalized(token));
    this.#raw = new Trie(raw.map(({ token, i }) => [token.content, i] as const));
    this.#normalized = new Trie(
      normalized.map(({ token, i }) => [normalize(Source.of(token.content)).text, i] as const).filter(([text]) => text !== ""),
    );
    this.#hasRaw = raw.length > 0;
    this.#hasNormalized = normalized.length > 0;
  }

  /** Cuts the added tokens out of a text and normalises the rest. Control tokens are texts like others unless `allowSpecial`. */
  split(source: SourceText, allowSpecial: boolean): Part[] {
    const parts: Part[] = [];
    for (const part of this.#hasRaw ? this.#find(source, this.#raw, allowSpecial) : [{ source }]) {
      if (part.id !== undefined) parts.push(part);
      else {
        const normal = this.#normalize(part.source);
        if (this.#hasNormalized) parts.push(...this.#find(normal, this.#normalized, allowSpecial));
        else parts.push({ source: normal });
      }
    }
    return parts;
  }

  #find(source: SourceText, trie: Trie, allowSpecial: boolean): Part[] {
    const { text } = source;
    const parts: Part[] = [];
    let done = 0;
    for (let i = 0; i < text.length; ) {
      const found = longest(trie, text, i);
      if (!found) {
        i++;
        continue;
      }
      const token = this.#tokens[found.index]!;
      const match = i;
      i = found.end;
      if (token.special && !allowSpecial) continue;
      if (token.single_word && (wordPrecedes(text, match) || wordFollows(text, found.end))) continue;
      const start = token.lstrip ? Math.max(done, match - blanksBefore(text, match)) : match;
      const end = token.rstrip ? found.end + blanksAfter(text, found.end) : found.end;
      if (done < start) parts.push({ source: source.slice(done, start) });
      parts.push({ source: source.slice(start, end), id: token.id });
      done = end;
      i = Math.max(i, end);
    }
    if (done === 0) return [{ source }];
    if (done < text.length) parts.push({ source: source.slice(done) });
    return parts;
  }
}

/** Control tokens are looked for in the text as it is, unless the file says otherwise. */
function isNormalized(token: AddedToken): boolean {
  return typeof token.normalized === "boolean" ? token.normalized : !token.special;
}

function longest(trie: Trie, text: string, start: number): { index: number; end: number } | undefined {
  let found: { index: number; end: number } | undefined;
  let node = 0;
  for (let i = start; i < text.length; i++) {
    node = trie.child(node, text.charCodeAt(i));
    if (node === 0) break;
    const index = trie.value(node);
    if (index >= 0) found = { index, end: i + 1 };
  }
  return found;
}

const wordAtStart = new RegExp(`^${wordCharacters}`, "v");
const wordAtEnd = new RegExp(`${wordCharacters}$`, "v");
const wordFollows = (text: string, at: number) => wordAtStart.test(text.slice(at, at + 2));
const wordPrecedes = (text: string, at: number) => wordAtEnd.test(text.slice(Math.max(0, at - 2), at));
const blanksAfter = (text: string, at: number) => text.slice(at).match(/^\p{White_Space}*/u)![0].length;

function blanksBefore(text: string, at: number): number {
  let count = 0;
  while (count < at && /\p{White_Space}/u.test(text[at - count - 1]!)) count++;
  return count;
}
