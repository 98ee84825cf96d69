// Training of WordPiece, as Hugging Face's trainer does it: byte-pair merges of characters, where those inside a word bear `##`.
import { InputError } from "../errors.ts";
import { MergeLearner } from "./merge-learner.ts";
import { normalizer } from "./normalizers.ts";
import { PipelineTokenizer } from "./pipeline-tokenizer.ts";
import { preTokenizer } from "./pre-tokenizers.ts";
import { SourceText } from "./source-text.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { specialToken, TokenizerFile } from "./tokenizer-file.ts";
import { alphabetOf, countWords, ProgressReport, type TrainingProgress } from "./word-counts.ts";

export interface WordPieceTrainingOptions {
  /** Tokens wanted, special tokens and characters among them. A small corpus may not have enough pairs to fill it. */
  vocabularySize: number;
  /** Make all letters small first. Default: false. */
  lowercase?: boolean;
  /** Take the marks off letters, which makes «й» «и» and «ё» «е». Default: false. */
  stripAccents?: boolean;
  /** Further control tokens, after `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`, which have the first five ids. */
  specialTokens?: readonly string[];
  /** Only so many different characters get tokens, the most frequent ones. Default: 1000. */
  alphabetLimit?: number;
  /** Called about ten times a second. */
  onProgress?: (progress: TrainingProgress) => void;
}

const prefix = "##";
const roles = { pad_token: "[PAD]", unk_token: "[UNK]", cls_token: "[CLS]", sep_token: "[SEP]", mask_token: "[MASK]" };

/**
 * Learns a WordPiece tokenizer in the manner of BERT (Devlin et al. 2019). Only the distinct words of the corpus and their counts
 * are held in memory; the result depends on the corpus alone, not on the order of its documents.
 * @param source the documents
 * @throws InputError when the vocabulary cannot hold the characters and the special tokens, or the corpus is empty
 */
export async function trainWordPiece(
  source: AsyncIterable<string> | Iterable<string>,
  options: WordPieceTrainingOptions,
): Promise<Tokenizer> {
  const { vocabularySize, lowercase = false, stripAccents = false, alphabetLimit = 1000 } = options;
  const special = [...new Set([...Object.values(roles), ...(options.specialTokens ?? [])])];
  const normal = {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: stripAccents,
    lowercase,
  };
  const cut = { type: "BertPreTokenizer" };
  const normalize = normalizer(normal);
  const words = preTokenizer(cut);
  const progress = new ProgressReport(options.onProgress, vocabularySize);
  const wordsOf = (text: string) => words(normalize(SourceText.of(text))).map((word) => word.text);
  const counts = await countWords(source, wordsOf, progress, special.length);

  const alphabet = alphabetOf(counts, alphabetLimit);
  const inside = alphabetInside(counts, new Set(alphabet));
  const tokens = [...new Set([...special, ...alphabet, ...inside.map((character) => prefix + character)])];
  if (!Number.isInteger(vocabularySize) || vocabularySize < tokens.length)
    throw new InputError(
      `a WordPiece vocabulary of this corpus needs at least ${tokens.length} tokens (${special.length} special ones, ${alphabet.length} characters at the beginning of words and ${inside.length} inside them), got ${vocabularySize}`,
    );
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const symbolsOf = (word: string) =>
    Array.from(word, (character, i) => ids.get(i === 0 ? character : prefix + character)).filter((id) => id !== undefined);
  const learner = new MergeLearner(counts, symbolsOf, tokens, prefix);
  counts.clear();
  while (tokens.length < vocabularySize && learner.step()) await progress.learned(tokens.length);
  progress.finish(tokens.length);
  return assemble(special, tokens, normal, cut);
}

/** The characters that stand inside a word, in the order of the alphabet. */
function alphabetInside(counts: ReadonlyMap<string, number>, alphabet: ReadonlySet<string>): string[] {
  const inside = new Set<string>();
  for (const word of counts.keys()) for (const [i, character] of [...word].entries()) if (i > 0) inside.add(character);
  return [...alphabet].filter((character) => inside.has(character));
}

function assemble(
  special: readonly string[],
  tokens: readonly string[],
  normal: TokenizerFile["normalizer"],
  cut: TokenizerFile["pre_tokenizer"],
): Tokenizer {
  const piece = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const text = (id: "A" | "B", type_id: number) => ({ Sequence: { id, type_id } });
  const single = [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0)];
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => specialToken(id, content)),
    normalizer: normal,
    pre_tokenizer: cut,
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, text("B", 1), piece("[SEP]", 1)],
      special_tokens: Object.fromEntries(["[CLS]", "[SEP]"].map((id) => [id, { id, ids: [tokens.indexOf(id)], tokens: [id] }])),
    },
    decoder: { type: "WordPiece", prefix, cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: prefix,
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
  return new PipelineTokenizer(TokenizerFile.parse(file), {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    ...roles,
  });
}
