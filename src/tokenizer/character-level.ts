// One token per character (Unicode code point) of a corpus, for the smallest models.
import { z } from "zod";
import type { IdBuffer, Tokenizer } from "./tokenizer.ts";
import { bpeFiles, type TokenizerConfig, type TokenizerFile } from "./tokenizer-file.ts";
import { Vocabulary } from "./vocabulary.ts";
import { VocabularyTokenizer } from "./vocabulary-tokenizer.ts";

/** As a `tokenizer.json` it is BPE without merges: each character of the vocabulary is a token, others are unknown. */
const CharacterFile = z.looseObject({
  normalizer: z.null().optional(),
  pre_tokenizer: z.null().optional(),
  decoder: z.looseObject({ type: z.literal("Fuse") }),
  model: z.looseObject({
    type: z.literal("BPE"),
    merges: z.array(z.unknown()).length(0),
    unk_token: z.string(),
    vocab: Vocabulary,
  }),
});

const unknownToken = "<|unknown|>";
const endOfText = "<|endoftext|>";

export class CharacterLevel extends VocabularyTokenizer {
  readonly #idOfCodePoint = new Map<number, number>();
  readonly #unknown: number;

  /** The tokenizer of a file, or undefined when the file is not a character-level one. */
  static fromFile(file: TokenizerFile, config: TokenizerConfig): CharacterLevel | undefined {
    const parsed = CharacterFile.safeParse(file);
    if (!parsed.success) return undefined;
    const { vocab, unk_token } = parsed.data.model;
    return vocab[unk_token] === undefined ? undefined : new CharacterLevel(file, config, vocab, vocab[unk_token]);
  }

  private constructor(file: TokenizerFile, config: TokenizerConfig, vocab: Record<string, number>, unknown: number) {
    super(file, config, (token) => new TextEncoder().encode(token));
    this.#unknown = unknown;
    for (const [token, id] of Object.entries(vocab)) {
      const code = token.codePointAt(0)!;
      if (token === String.fromCodePoint(code)) this.#idOfCodePoint.set(code, id);
    }
  }

  protected encodeText(text: string, ids: IdBuffer): void {
    for (const character of text) ids.push(this.#idOfCodePoint.get(character.codePointAt(0)!) ?? this.#unknown);
  }
}

/**
 * A tokenizer whose vocabulary is every distinct code point of the corpus, in order of code points, after the special
 * tokens. A character that the corpus lacks encodes as `<|unknown|>`.
 * @param source the corpus, in pieces of any size
 */
export async function trainCharacterLevel(
  source: AsyncIterable<string> | Iterable<string>,
  options: { specialTokens?: readonly string[] } = {},
): Promise<Tokenizer> {
  const codePoints = new Set<number>();
  for await (const text of source) for (const character of text.toWellFormed()) codePoints.add(character.codePointAt(0)!);
  const special = [...new Set([...(options.specialTokens ?? [endOfText]), unknownToken])];
  const characters = [...codePoints].sort((a, b) => a - b).map((code) => String.fromCodePoint(code));
  const { file, config } = bpeFiles({
    special,
    tokens: [...special, ...characters],
    merges: [],
    preTokenizer: null,
    decoder: { type: "Fuse" },
    endOfText: special.includes(endOfText) ? endOfText : undefined,
    unknown: unknownToken,
  });
  return CharacterLevel.fromFile(file, config)!;
}
