// Byte-level byte-pair encoding (GPT-2, Llama 3, Qwen and slovo's own): any text becomes ids and comes back.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { byteCharacters, bytesOfToken } from "./byte-alphabet.ts";
import { Merges } from "./merges.ts";
import { compilePattern, gpt2Pattern } from "./split-pattern.ts";
import type { IdBuffer } from "./tokenizer.ts";
import type { TokenizerConfig, TokenizerFile } from "./tokenizer-file.ts";
import { VocabularyTokenizer } from "./vocabulary-tokenizer.ts";

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
    vocab: z
      .record(z.string(), z.number())
      .refine((vocab) => byteCharacters.every((character) => Object.hasOwn(vocab, character)), "a byte is missing"),
    merges: z.array(
      z.union([z.string().transform((merge) => merge.split(" ")), z.array(z.string())]).pipe(z.tuple([z.string(), z.string()])),
    ),
  }),
});

/** Words longer than this (in UTF-16 units) are rare and not remembered. */
const longestRemembered = 48;
/** About 20 MB; the words of one language rarely fill it. */
const mostRemembered = 1 << 17;

export class ByteLevelBpe extends VocabularyTokenizer {
  readonly #pattern: RegExp;
  readonly #merges: Merges;
  readonly #idOfByte: Int32Array;
  readonly #words = new Map<string, readonly number[]>();

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
    const idOf = (token: string, merge: readonly string[]) => {
      const id = ids.get(token);
      if (id === undefined)
        throw new InputError(`the tokenizer's merge "${merge.join(" ")}" needs the token "${token}", which its vocabulary lacks`);
      return id;
    };
    this.#pattern = pattern;
    this.#idOfByte = Int32Array.from(byteCharacters, (character) => ids.get(character)!);
    this.#merges = new Merges(
      merges.map((merge) => [idOf(merge[0], merge), idOf(merge[1], merge)]),
      Int32Array.from(merges, (merge) => idOf(merge[0] + merge[1], merge)),
      this.vocabularySize,
    );
  }

  protected encodeText(text: string, ids: IdBuffer): void {
    for (const word of text.match(this.#pattern) ?? []) {
      const known = this.#words.get(word) ?? this.#encodeWord(word);
      for (let i = 0; i < known.length; i++) ids.push(known[i]!);
    }
  }

  #encodeWord(word: string): readonly number[] {
    const bytes = Buffer.from(word);
    const ids = this.#merges.apply(Array.from(bytes, (byte) => this.#idOfByte[byte]!));
    if (word.length <= longestRemembered) {
      if (this.#words.size === mostRemembered) this.#words.clear();
      this.#words.set(bytes.toString(), ids); // a string of its own: a slice would keep the whole text alive
    }
    return ids;
  }
}
