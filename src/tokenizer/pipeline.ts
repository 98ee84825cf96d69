// The whole way of a text through a `tokenizer.json`: added tokens, normaliser, pre-tokenizer, model; with places where asked for.
import { AddedTokens } from "./added-tokens.ts";
import { type Model, modelOf } from "./model.ts";
import { normalizer } from "./normalizers.ts";
import { type PreTokenizer, preTokenizer } from "./pre-tokenizers.ts";
import { SourceText } from "./source-text.ts";
import { IdBuffer } from "./tokenizer.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";
import { WordCache } from "./word-cache.ts";

/** Ids with their places: see `encodeWithOffsets`. */
export interface TracedIds {
  ids: Int32Array<ArrayBuffer>;
  offsets: number[];
  added: Map<number, string>;
}

export class Pipeline {
  readonly #added: AddedTokens;
  readonly #words: PreTokenizer;
  readonly #model: Model;
  readonly #cache: WordCache;
  readonly #buffer = new IdBuffer();

  /** @throws InputError for components that are not known, and where the file contradicts itself */
  constructor(file: TokenizerFile) {
    this.#added = new AddedTokens(file.added_tokens, file.normalizer ? normalizer(file.normalizer) : (source) => source);
    this.#words = file.pre_tokenizer ? preTokenizer(file.pre_tokenizer) : (source) => (source.text === "" ? [] : [source]);
    this.#model = modelOf(file, new Set(file.added_tokens.filter(({ special }) => special).map(({ id }) => id)));
    this.#cache = new WordCache((word) => this.#model.tokenize(word));
  }

  /** @param text well-formed */
  encode(text: string, allowSpecial: boolean): Int32Array<ArrayBuffer> {
    this.#buffer.clear();
    for (const { source, id } of this.#added.split(SourceText.of(text), allowSpecial)) {
      if (id !== undefined) this.#buffer.push(id);
      else for (const word of this.#words(source)) for (const id of this.#cache.ids(word.text)) this.#buffer.push(id);
    }
    return this.#buffer.take();
  }

  /**
   * The same ids, and where in the text each begins and ends, in UTF-16 units, one after the other; `added` holds what the text
   * has in the place of added tokens, by their place among the ids.
   */
  encodeWithOffsets(text: string, allowSpecial: boolean): TracedIds {
    this.#buffer.clear();
    const offsets: number[] = [];
    const added = new Map<number, string>();
    for (const { source, id } of this.#added.split(SourceText.of(text, true), allowSpecial)) {
      if (id !== undefined) {
        added.set(this.#buffer.length, source.text);
        this.#buffer.push(id);
        offsets.push(source.startOf(0), source.endOf(source.text.length - 1));
        continue;
      }
      for (const word of this.#words(source)) {
        const spans: number[] = [];
        for (const id of this.#model.tokenize(word.text, spans)) this.#buffer.push(id);
        for (let i = 0; i < spans.length; i += 2) offsets.push(word.startOf(spans[i]!), word.endOf(spans[i + 1]! - 1));
      }
    }
    return { ids: this.#buffer.take(), offsets, added };
  }
}
