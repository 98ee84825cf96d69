// Beam search: several continuations of each prompt side by side, of which the likeliest as a whole is returned.
import { InputError } from "../errors.ts";
import type { LowRankAdapter } from "./adapter-bank.ts";
import type { Predictions } from "./next-token.ts";
import { blockRepeats } from "./repeated-ngrams.ts";
import { largest } from "./sampling.ts";

/** What beam search runs: a batch of texts, one a row, whose rows may fork, move and go between steps. */
export interface BeamModel {
  readonly vocabulary: number;
  /** The most rows there can be. */
  readonly slots: number;
  /** What stands before the first new token, where that is not the prompt: an encoder–decoder's first token. */
  readonly begins?: readonly number[];
  /** How many tokens can be added to a prompt. */
  room(prompt: ArrayLike<number>): number;
  /** Begins texts in the rows 0, 1, …, one for each prompt, whatever was there before; with an adapter where one is given. */
  start(prompts: readonly ArrayLike<number>[], adapter?: LowRankAdapter): Promise<Predictions>;
  /** Afterwards row i holds what row `parents[i]` held, and `tokens[i]` after it; rows behind `tokens.length` are forgotten. */
  step(tokens: ArrayLike<number>, parents: ArrayLike<number>): Promise<Predictions>;
}

/** When a search ends before `maxTokens`; see `BeamSearchOptions`. */
export type EarlyStopping = boolean | "never";

export interface BeamSearchOptions {
  /** How many continuations of a prompt are followed; with one, the likeliest token is taken each time. */
  readonly beams: number;
  /** The most tokens to add. */
  readonly maxTokens: number;
  /** Tokens that end a text; they belong to it. */
  readonly ends: Iterable<number>;
  /** A text's score is its log-probability divided by its length to this power: above 0 favours long texts (Wu et al. 2016). 1 when left out. */
  readonly lengthPenalty?: number;
  /**
   * true: as soon as there are as many finished texts as beams. false (when left out): when the best unfinished one, were it to end
   * here, would not be among them. "never": when none could come to be among them at any length.
   */
  readonly earlyStopping?: EarlyStopping;
  /** No run of so many tokens occurs twice, prompt and continuation together; 0 when left out: they may. */
  readonly noRepeatNgram?: number;
  /** How many texts to return for each prompt, the best first; 1 when left out, `beams` at most. */
  readonly texts?: number;
  /** Only tokens below this are chosen: a model may have rows that no token stands for. All when left out. */
  readonly known?: number;
  /** What is added to the base for these texts. */
  readonly adapter?: LowRankAdapter | undefined;
  /** Ends the search with its reason. */
  readonly signal?: AbortSignal;
}

export interface BeamText {
  /** What was added, the end token included where it came. */
  readonly tokens: readonly number[];
  /** Of each token, given those before it. */
  readonly logprobs: readonly number[];
  /** The sum of `logprobs` divided by the length to the power of the length penalty. */
  readonly score: number;
}

/**
 * The best continuations of each prompt, as Transformers' `generate(num_beams=…)` finds them. Prompts that do not find room
 * together (`beams` rows each) are searched one after another. A prompt that leaves no room for a token has no continuation.
 * @throws InputError for an option out of its range, and where a prompt or the beams do not fit the model
 */
export async function beamSearch(
  model: BeamModel,
  prompts: readonly ArrayLike<number>[],
  options: BeamSearchOptions,
): Promise<BeamText[][]> {
  check(model, options);
  const together = Math.floor(model.slots / options.beams);
  const found: BeamText[][] = [];
  for (let at = 0; at < prompts.length; at += together) {
    const searches = prompts.slice(at, at + together).map((prompt) => new Search(model, prompt, options));
    await run(model, searches, options);
    found.push(...searches.map((search) => search.best(options.texts ?? 1)));
  }
  return found;
}

function check(model: BeamModel, { beams, maxTokens, lengthPenalty = 1, noRepeatNgram = 0, texts = 1 }: BeamSearchOptions): void {
  const wrong = (name: string, expected: string, value: number) => {
    throw new InputError(`${name} must be ${expected}, got ${value}`);
  };
  if (!Number.isInteger(beams) || beams < 1) wrong("beams", "a whole number of 1 or more", beams);
  if (beams > model.slots) wrong("beams", `no more than the ${model.slots} texts that the model has room for at once`, beams);
  if (!Number.isInteger(maxTokens) || maxTokens < 1) wrong("maxTokens", "a whole number of 1 or more", maxTokens);
  if (!Number.isFinite(lengthPenalty)) wrong("lengthPenalty", "a number", lengthPenalty);
  if (!Number.isInteger(noRepeatNgram) || noRepeatNgram < 0) wrong("noRepeatNgram", "a whole number ≥ 0", noRepeatNgram);
  if (!Number.isInteger(texts) || texts < 1 || texts > beams) wrong("texts", `from 1 to the ${beams} beams`, texts);
}

/** Takes all searches to their ends, a token of each of their beams at every step. */
async function run(model: BeamModel, searches: readonly Search[], { adapter, signal }: BeamSearchOptions): Promise<void> {
  signal?.throwIfAborted();
  const prompts = searches.map((search) => search.prompt);
  let going = searches.filter((search) => !search.done);
  if (going.length === 0) return;
  // A search begins with one row, that of its prompt.
  let predictions = await model.start(prompts, adapter);
  for (const [row, search] of searches.entries()) search.advance(predictions, row);
  for (;;) {
    going = going.filter((search) => !search.done);
    if (going.length === 0) return;
    signal?.throwIfAborted();
    const beams = going.flatMap((search) => search.beams);
    predictions = await model.step(
      beams.map((beam) => beam.tokens.at(-1)!),
      beams.map((beam) => beam.parent),
    );
    let row = 0;
    for (const search of going) row += search.advance(predictions, row);
  }
}

/** A text on its way. */
interface Beam {
  /** The row that holds the text without its last token. */
  readonly parent: number;
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly logprob: number;
}

/** The search for one prompt's continuation. */
class Search {
  readonly prompt: ArrayLike<number>;
  /** The texts that go on, the likeliest first. */
  beams: readonly Beam[] = [{ parent: 0, tokens: [], logprobs: [], logprob: 0 }];
  done: boolean;
  /** The best that have ended, best first; no more than there are beams. */
  #finished: BeamText[] = [];
  readonly #history: readonly number[];
  readonly #ends: ReadonlySet<number>;
  readonly #most: number;
  readonly #known: number;
  readonly #vocabulary: number;
  readonly #options: BeamSearchOptions;

  constructor(model: BeamModel, prompt: ArrayLike<number>, options: BeamSearchOptions) {
    this.prompt = prompt;
    this.#options = options;
    this.#history = model.begins ?? Array.from(prompt);
    this.#ends = new Set(options.ends);
    this.#most = Math.min(options.maxTokens, model.room(prompt));
    if (this.#most < 0)
      throw new InputError(`the prompt has ${prompt.length} tokens, ${-this.#most} more than the model takes: shorten it`);
    this.#known = Math.min(options.known ?? model.vocabulary, model.vocabulary);
    this.#vocabulary = model.vocabulary;
    this.done = this.#most === 0;
  }

  /** The best texts so far. */
  best(count: number): BeamText[] {
    return this.#finished.slice(0, count);
  }

  /**
   * Takes what the model says of this search's rows, from `row` on, and returns how many they were. With B beams, the
   * likeliest 2·B continuations are looked at, or more where several tokens end a text, so that B of them go on whatever ends.
   */
  advance(predictions: Predictions, row: number): number {
    const rows = this.beams.length;
    if (this.done) return rows;
    const { beams: width } = this.#options;
    const candidates = this.#continuations(predictions, row, Math.max(2, 1 + this.#ends.size) * width);
    const length = this.beams[0]!.tokens.length + 1;
    const ends = ({ tokens }: Beam) => length === this.#most || this.#ends.has(tokens.at(-1)!);
    // Those that end further down the list only made room for others.
    const ended = candidates.slice(0, width).filter(ends);
    this.beams = candidates.filter((beam) => !ends(beam)).slice(0, width);
    this.#finish(ended);
    this.done = this.beams.length === 0 || !this.#canImprove(length);
    return rows;
  }

  /** The `count` likeliest texts that are one token longer, likeliest first. */
  #continuations({ logits, logSums }: Predictions, row: number, count: number): Beam[] {
    const { noRepeatNgram = 0 } = this.#options;
    const found = this.beams.flatMap((beam, i) => {
      const start = (row + i) * this.#vocabulary;
      const known = logits.subarray(start, start + this.#known);
      const logSum = logSums[row + i]!;
      if (!Number.isFinite(logSum))
        throw new InputError(
          `the model's outputs are not numbers after ${this.#history.length + beam.tokens.length} tokens (log-sum ${logSum}): its weights are damaged, or its training diverged`,
        );
      if (noRepeatNgram > 0) blockRepeats(known, [...this.#history, ...beam.tokens], noRepeatNgram);
      return Array.from(largest(known, count), (token) => {
        const logprob = known[token]! - logSum;
        return { beam, parent: row + i, token, logprob, total: beam.logprob + logprob };
      });
    });
    return found
      .filter(({ total }) => total > -Infinity)
      .sort((a, b) => b.total - a.total)
      .slice(0, count)
      .map(({ beam, parent, token, logprob, total }) => ({
        parent,
        tokens: [...beam.tokens, token],
        logprobs: [...beam.logprobs, logprob],
        logprob: total,
      }));
  }

  #finish(ended: readonly Beam[]): void {
    const texts = ended.map(({ tokens, logprobs, logprob }) => ({
      tokens,
      logprobs,
      score: this.#score(logprob, tokens.length),
    }));
    this.#finished = [...this.#finished, ...texts].sort((a, b) => b.score - a.score).slice(0, this.#options.beams);
  }

  #score(logprob: number, length: number): number {
    return logprob / length ** (this.#options.lengthPenalty ?? 1);
  }

  /** Whether a text that goes on could still be better than one that has ended. */
  #canImprove(length: number): boolean {
    const { beams, earlyStopping = false, lengthPenalty = 1 } = this.#options;
    if (this.#finished.length < beams) return true;
    // One beam is greedy search, which takes the first end.
    if (earlyStopping === true || beams === 1) return false;
    const atBest = earlyStopping === "never" && lengthPenalty > 0 ? this.#most : length;
    return this.#score(this.beams[0]!.logprob, atBest) > this.#finished.at(-1)!.score;
  }
}
