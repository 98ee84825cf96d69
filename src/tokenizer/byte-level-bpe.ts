// Byte-level byte-pair encoding (GPT-2, Llama 3, Qwen and slovo's own): any text becomes ids and comes back.
import { z } from "zod";
import { byteCharacters, bytesOfToken } from "./byte-alphabet.ts";
import { Merges } from "./merges.ts";
import type { TracedIds } from "./pipeline.ts";
import { widthAt } from "./source-text.ts";
import { compilePattern, gpt2Pattern } from "./split-pattern.ts";
import type { IdBuffer } from "./tokenizer.ts";
import type { TokenizerConfig, TokenizerFile } from "./tokenizer-file.ts";
import { Vocabulary } from "./vocabulary.ts";
import { VocabularyTokenizer } from "./vocabulary-tokenizer.ts";
import { WordCache } from "./word-cache.ts";

const Unset = z.union([z.null(), z.literal(""), z.literal(false)]).optional();

/** The `tokenizer.json` files that this class runs: everything that would change ids and is not done here is excluded. */
const ByteLevelFile = z.looseObject({
  added_tokens: z.array(z.looseObject({ single_word: z.literal(false), lstrip: z.literal(false), rstrip: z.literal(false) })),
  normalizer: z.null().optional(),
  pre_tokenizer: z.union([
    z.looseObject({ type: z.literal("ByteLevel"), add_prefix_space: z.literal(false), use_regex: z.literal(true).default(true) }),
    z.looseObject({
      type: z.literal("Sequence"),
      pretokenizers: z.tuple([
        z.looseObject({
          type: z.literal("Split"),
          pattern: z.object({ Regex: z.string() }),
          behavior: z.literal("Isolated"),
          invert: z.literal(false),
        }),
        z.looseObject({ type: z.literal("ByteLevel"), add_prefix_space: z.literal(false), use_regex: z.literal(false) }),
      ]),
    }),
  ]),
  decoder: z.looseObject({ type: z.literal("ByteLevel") }),
  model: z.looseObject({
    type: z.literal("BPE").optional(),
    dropout: Unset,
    unk_token: Unset,
    continuing_subword_prefix: Unset,
    end_of_word_suffix: Unset,
    byte_fallback: Unset,
    ignore_merges: Unset,
    vocab: Vocabulary.refine(
      (vocab) => byteCharacters.every((character) => Object.hasOwn(vocab, character)),
      "a byte is missing",
    ),
    merges: z.array(
      z.union([z.string().transform((merge) => merge.split(" ")), z.array(z.string())]).pipe(z.tuple([z.string(), z.string()])),
    ),
  }),
});

export class ByteLevelBpe extends VocabularyTokenizer {
  readonly #pattern: RegExp;
  readonly #merges: Merges;
  readonly #idOfByte: Int32Array;
  /** How many bytes a token stands for, by id. */
  readonly #widths: Int32Array;
  readonly #words = new WordCache((word) => this.#encodeWord(word));

  /** The tokenizer of a file, or undefined when the file is not byte-level BPE of the plain kind. */
  static fromFile(file: TokenizerFile, config: TokenizerConfig): ByteLevelBpe | undefined {
    const parsed = ByteLevelFile.safeParse(file);
    if (!parsed.success) return undefined;
    const cut = parsed.data.pre_tokenizer;
    let pattern: RegExp;
    try {
      pattern = compilePattern(cut.type === "Sequence" ? cut.pretokenizers[0].pattern.Regex : gpt2Pattern);
    } catch {
      return undefined; // the pattern uses what JavaScript's expressions have not
    }
    const { vocab, merges } = parsed.data.model;
    return new ByteLevelBpe(file, config, pattern, vocab, merges);
  }

  private constructor(
    file: TokenizerFile,
    config: TokenizerConfig,
    pattern: RegExp,
    vocab: Record<string, number>,
    merges: readonly (readonly [string, string])[],
  ) {
    super(file, config, bytesOfToken);
    const ids = new Map(Object.entries(vocab));
    this.#pattern = pattern;
    this.#idOfByte = Int32Array.from(byteCharacters, (character) => ids.get(character)!);
    this.#merges = Merges.of(merges, ids);
    this.#widths = new Int32Array(this.vocabularySize);
    for (const [token, id] of ids) this.#widths[id] = token.length;
  }

  protected encodeText(text: string, ids: IdBuffer): void {
    for (const word of text.match(this.#pattern) ?? []) {
      const known = this.#words.ids(word);
      for (let i = 0; i < known.length; i++) ids.push(known[i]!);
    }
  }

  /** Tokens stand for bytes that follow one another, so their places follow from how many those are; a part of a character has its place. */
  protected override trace(text: string, allowSpecial: boolean): TracedIds {
    const ids = this.encode(text, { allowSpecial });
    const offsets: number[] = [];
    const added = new Map<number, string>();
    let next = 0;
    let at = 0;
    for (const [i, part] of this.parts(text, allowSpecial).entries()) {
      const end = at + part.length;
      if (i % 2 === 1) {
        offsets.push(at, end);
        added.set(next++, part);
        at = end;
      }
      for (let left = bytesAt(text, at); at < end; ) {
        offsets.push(at);
        let width = this.#widths[ids[next++]!]!;
        for (; width > left; left = bytesAt(text, at)) {
          width -= left;
          at += widthAt(text, at);
        }
        left -= width;
        const after = at + widthAt(text, at);
        offsets.push(after);
        if (left > 0) continue;
        at = after;
        left = bytesAt(text, at);
      }
    }
    return { ids, offsets, added };
  }

  #encodeWord(word: string): readonly number[] {
    return this.#merges.apply(Array.from(Buffer.from(word), (byte) => this.#idOfByte[byte]!));
  }
}

/** Bytes of the character at an index, in UTF-8. */
function bytesAt(text: string, index: number): number {
  const code = text.codePointAt(index) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
