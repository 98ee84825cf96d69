// Training of a Unigram tokenizer: many pieces at first, whose probabilities are estimated while the least useful ones go.
import { InputError } from "../errors.ts";
import { frequentSubstrings } from "./frequent-substrings.ts";
import { normalizer } from "./normalizers.ts";
import { PieceLattice } from "./piece-lattice.ts";
import { PipelineTokenizer } from "./pipeline-tokenizer.ts";
import { frameTemplate } from "./post-processor.ts";
import { preTokenizer } from "./pre-tokenizers.ts";
import { sentinelNames } from "./sentencepiece.ts";
import { SourceText, widthAt } from "./source-text.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { specialToken, TokenizerFile } from "./tokenizer-file.ts";
import { alphabetOf, countWords, ProgressReport, type TrainingProgress } from "./word-counts.ts";

export interface UnigramTrainingOptions {
  /** Tokens wanted, control tokens, characters and sentinels among them. A small corpus may not have enough pieces to fill it. */
  vocabularySize: number;
  /** How many sentinels `<extra_id_N>` stand at the end of the vocabulary, the first with the highest id. Default: 100. */
  sentinels?: number;
  /** Only so many different characters get tokens, the most frequent ones. Default: 1000. */
  alphabetLimit?: number;
  /** Called about ten times a second. */
  onProgress?: (progress: TrainingProgress) => void;
}

const control = ["<pad>", "</s>", "<unk>"];
const replace = (pattern: string, content: string) => ({ type: "Replace", pattern: { Regex: pattern }, content });
/** SentencePiece's `nmt_nfkc` in words that every library knows: control characters vanish, what has no width becomes a blank. */
const normal = {
  type: "Sequence",
  normalizers: [
    replace("[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]", ""),
    replace("[\u200b-\u200f\u2581\ufeff\ufffd]", " "),
    { type: "NFKC" },
  ],
};
const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
const cut = { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace] };

/** Pieces of more UTF-16 units are not considered, nor more pieces than this to begin with; each round leaves three of four. */
const longestPiece = 16;
const mostSeeds = 1_000_000;
const shrinking = 0.75;

/** Pieces with the natural logarithms of their probabilities. */
interface Pieces {
  texts: string[];
  scores: Float64Array;
}

/**
 * Learns a Unigram tokenizer in the manner of T5 (Kudo 2018; Raffel et al. 2020): `<pad>`, `</s>` and `<unk>` have the first ids,
 * sentinels the last. Only the distinct words of the corpus and their counts are held in memory;
 * the result depends on the corpus alone, not on the order of its documents.
 * @param source the documents
 * @throws InputError when the vocabulary cannot hold the characters, control tokens and sentinels, or the corpus is empty
 */
export async function trainUnigram(
  source: AsyncIterable<string> | Iterable<string>,
  options: UnigramTrainingOptions,
): Promise<Tokenizer> {
  const { vocabularySize, sentinels = 100, alphabetLimit = 1000 } = options;
  const normalize = normalizer(normal);
  const words = preTokenizer(cut);
  const progress = new ProgressReport(options.onProgress, vocabularySize, "prune");
  const wordsOf = (text: string) => words(normalize(SourceText.of(text))).map((word) => word.text);
  const all = await countWords(source, wordsOf, progress, 0);
  const alphabet = alphabetOf(all, alphabetLimit);
  const wanted = vocabularySize - control.length - sentinels;
  if (!Number.isInteger(vocabularySize) || wanted < alphabet.length)
    throw new InputError(
      `a Unigram vocabulary of this corpus needs at least ${control.length + sentinels + alphabet.length} tokens (${control.length} control tokens, ${sentinels} sentinels and ${alphabet.length} characters), got ${vocabularySize}`,
    );
  const counts = within(all, alphabet);
  all.clear();

  let pieces = seeds(counts, alphabet);
  for (;;) {
    for (let round = 0; round < 2; round++) {
      pieces = await estimate(pieces, alphabet.length, counts, progress);
    }
    // A little more than wanted remain for the last choice, which goes by probability.
    const enough = Math.floor(wanted * 1.1);
    if (pieces.texts.length <= enough) break;
    pieces = await prune(
      pieces,
      alphabet.length,
      counts,
      Math.max(enough, Math.floor(pieces.texts.length * shrinking)),
      progress,
    );
  }
  const vocabulary = choose(pieces, alphabet.length, wanted);
  progress.finish(control.length + vocabulary.length + sentinels);
  return assemble(vocabulary, sentinels);
}

/** The words cut at characters outside the alphabet, in an order of their own, by which sums of small numbers come out the same. */
function within(counts: ReadonlyMap<string, number>, alphabet: readonly string[]): Map<string, number> {
  const known = new Set(alphabet);
  const kept = new Map<string, number>();
  const add = (word: string, count: number) => word !== "" && kept.set(word, (kept.get(word) ?? 0) + count);
  for (const [word, count] of counts) {
    let part = "";
    for (const character of word) {
      if (known.has(character)) part += character;
      else {
        add(part, count);
        part = "";
      }
    }
    add(part, count);
  }
  return new Map([...kept].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The characters, then the substrings that cover most of the corpus; a piece's probability at first is its share of that. Whole
 * words count among them when they come twice, though no other word holds them.
 */
function seeds(counts: ReadonlyMap<string, number>, alphabet: readonly string[]): Pieces {
  const repeated = frequentSubstrings(counts, longestPiece);
  for (const [word, count] of counts)
    if (count > 1 && word.length <= longestPiece && word.length > widthAt(word, 0) && !repeated.has(word))
      repeated.set(word, count);
  const frequent = Array.from(repeated, ([text, count]) => ({ text, weight: count * text.length }));
  frequent.sort((a, b) => b.weight - a.weight || (a.text < b.text ? -1 : 1));
  const ofCharacters = new Map(alphabet.map((character) => [character, 0]));
  for (const [word, count] of counts) for (const c of word) ofCharacters.set(c, ofCharacters.get(c)! + count);
  const chosen = [
    ...Array.from(ofCharacters, ([text, weight]) => ({ text, weight: Math.max(weight, 1) })),
    ...frequent.slice(0, mostSeeds),
  ];
  const sum = chosen.reduce((total, { weight }) => total + weight, 0);
  return {
    texts: chosen.map(({ text }) => text),
    scores: Float64Array.from(chosen, ({ weight }) => Math.log(weight / sum)),
  };
}

/** One round of expectation and maximisation; pieces that are hardly ever used go, characters stay. */
async function estimate(
  { texts, scores }: Pieces,
  characters: number,
  counts: ReadonlyMap<string, number>,
  progress: ProgressReport,
): Promise<Pieces> {
  const lattice = new PieceLattice(texts, scores);
  const expected = new Float64Array(texts.length);
  for (const [word, count] of counts) {
    lattice.addExpected(word, count, expected);
    await progress.learned(texts.length);
  }
  const kept = texts.map((_, id) => id).filter((id) => id < characters || expected[id]! >= 0.5);
  const frequencies = kept.map((id) => Math.max(expected[id]!, 0.5));
  // The digamma function in place of the logarithm is a prior for few pieces (Liang & Klein 2007, as SentencePiece has it).
  const logSum = digamma(frequencies.reduce((a, b) => a + b));
  return {
    texts: kept.map((id) => texts[id]!),
    scores: Float64Array.from(frequencies, (frequency) => digamma(frequency) - logSum),
  };
}

/**
 * The `size` pieces whose loss would make the corpus least probable, if each took its best replacement (Kudo 2018, section 3.2);
 * characters stay.
 */
async function prune(
  { texts, scores }: Pieces,
  characters: number,
  counts: ReadonlyMap<string, number>,
  size: number,
  progress: ProgressReport,
): Promise<Pieces> {
  const lattice = new PieceLattice(texts, scores);
  const frequency = new Float64Array(texts.length);
  for (const [word, count] of counts) {
    for (const id of lattice.best(word)) frequency[id]! += count;
    await progress.learned(texts.length);
  }
  const total = frequency.reduce((a, b) => a + b);
  const losses: { id: number; loss: number }[] = [];
  for (let id = characters; id < texts.length; id++) {
    const own = frequency[id]!;
    if (own === 0) continue;
    const instead = lattice.best(texts[id]!, id);
    const totalInstead = Math.log(total + own * (instead.length - 1));
    const logInstead = instead.reduce((sum, other) => sum + Math.log(frequency[other]! + own) - totalInstead, 0);
    losses.push({ id, loss: own * (Math.log(own / total) - logInstead) });
    await progress.learned(texts.length);
  }
  losses.sort((a, b) => b.loss - a.loss || a.id - b.id);
  const kept = Array.from({ length: characters }, (_, id) => id).concat(losses.slice(0, size - characters).map(({ id }) => id));
  return { texts: kept.map((id) => texts[id]!), scores: Float64Array.from(kept, (id) => scores[id]!) };
}

/** The characters and the first other pieces, in the order of their probabilities. */
function choose({ texts, scores }: Pieces, characters: number, wanted: number): [string, number][] {
  const all = texts.map((text, id): [string, number] => [text, scores[id]!]);
  const byScore = (a: [string, number], b: [string, number]) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
  const others = all.slice(characters).sort(byScore);
  return [...all.slice(0, characters), ...others.slice(0, wanted - characters)].sort(byScore);
}

/** The logarithmic derivative of the gamma function, by its asymptotic series. */
function digamma(x: number): number {
  let result = 0;
  let at = x;
  for (; at < 7; at++) result -= 1 / at;
  const half = at - 0.5;
  const square = 1 / (half * half);
  return result + Math.log(half) + square * (1 / 24 - square * (7 / 960 - square * (31 / 8064 - (square * 127) / 30720)));
}

function assemble(vocabulary: readonly [string, number][], sentinels: number): Tokenizer {
  const names = sentinelNames(sentinels);
  const vocab = [...control.map((token) => [token, 0]), ...vocabulary, ...names.map((token) => [token, 0])];
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      ...control.map((token, id) => specialToken(id, token)),
      ...names.map((token, i) => specialToken(control.length + vocabulary.length + i, token)),
    ],
    normalizer: normal,
    pre_tokenizer: cut,
    post_processor: frameTemplate({ eos: ["</s>", 1], secondType: 0 }),
    decoder: metaspace,
    model: { type: "Unigram", unk_id: 2, vocab, byte_fallback: false },
  };
  return new PipelineTokenizer(TokenizerFile.parse(file), {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    pad_token: "<pad>",
    eos_token: "</s>",
    unk_token: "<unk>",
  });
}
