// Training of byte-level byte-pair encoding: the merges are those of Hugging Face's trainer on the same corpus.
import { InputError } from "../errors.ts";
import { byteCharacters } from "./byte-alphabet.ts";
import { ByteLevelBpe } from "./byte-level-bpe.ts";
import { MergeLearner } from "./merge-learner.ts";
import { compilePattern, slovoPattern } from "./split-pattern.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { bpeFiles } from "./tokenizer-file.ts";
import { countWords, ProgressReport, type TrainingProgress } from "./word-counts.ts";

export interface BpeTrainingOptions {
  /** Tokens wanted, special tokens and the 256 bytes among them. A small corpus may not have enough pairs to fill it. */
  vocabularySize: number;
  /** Control tokens; they take the first ids in this order. Default: `<|endoftext|>`. The first one ends a document. */
  specialTokens?: readonly string[];
  /** Called about ten times a second. */
  onProgress?: (progress: TrainingProgress) => void;
}

/**
 * Learns a byte-level BPE tokenizer (Sennrich et al. 2016; Radford et al. 2019). Only the distinct words of the corpus and
 * their counts are held in memory, never its text; the result depends on the corpus alone, not on the order of its documents.
 * @param source the documents; a word never crosses from one to the next
 * @throws InputError when the vocabulary cannot hold the bytes and the special tokens, or the corpus is empty
 */
export async function trainByteLevelBpe(
  source: AsyncIterable<string> | Iterable<string>,
  options: BpeTrainingOptions,
): Promise<Tokenizer> {
  const { vocabularySize, specialTokens = ["<|endoftext|>"] } = options;
  const special = [...new Set(specialTokens)];
  const least = special.length + byteCharacters.length;
  if (!Number.isInteger(vocabularySize) || vocabularySize < least)
    throw new InputError(
      `a byte-level vocabulary needs at least ${least} tokens (256 bytes and ${special.length} special tokens), got ${vocabularySize}`,
    );

  const progress = new ProgressReport(options.onProgress, vocabularySize);
  const pattern = compilePattern(slovoPattern);
  const counts = await countWords(source, (text) => text.match(pattern) ?? [], progress, least);

  // Characters are numbered in the order of their code points, special tokens first: ties between pairs fall by these numbers.
  const tokens = [...special, ...byteCharacters.toSorted()];
  const idOfByte = byteCharacters.map((character) => tokens.indexOf(character));
  const learner = new MergeLearner(counts, (word) => Array.from(Buffer.from(word), (byte) => idOfByte[byte]!), tokens);
  counts.clear();
  while (tokens.length < vocabularySize && learner.step()) await progress.learned(tokens.length);
  progress.finish(tokens.length);
  return assemble(special, tokens, learner.merges());
}

function assemble(special: readonly string[], tokens: readonly string[], merges: [string, string][]): Tokenizer {
  const { file, config } = bpeFiles({
    special,
    tokens,
    merges,
    preTokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: slovoPattern }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    endOfText: special[0],
  });
  return ByteLevelBpe.fromFile(file, config)!;
}
