// Batches as nanoGPT makes them: windows from anywhere in one long stream of tokens, documents or not.
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import { type Batch, emptyBatch, placeSegment } from "./batch.ts";
import type { PackingOptions } from "./packing.ts";
import type { TokenDocuments } from "./shard.ts";

/** Where a `RandomWindows` stands; plain JSON. */
export interface WindowState {
  seed: number;
  /** Random numbers drawn so far. */
  drawn: number;
  /** Size of the corpus, so that a state is not continued on another one. */
  tokens: number;
}

/** An endless stream of batches; each row is one segment that starts at a random token, and all of its tokens have a target. */
export class RandomWindows {
  readonly #tokens: TokenDocuments["tokens"];
  readonly #options: PackingOptions;
  readonly #random: Random;

  /** @throws InputError when there are too few tokens for one row and its targets */
  constructor({ tokens }: Pick<TokenDocuments, "tokens">, options: PackingOptions) {
    if (tokens.length <= options.length)
      throw new InputError(
        `windows of ${options.length} tokens need a corpus of at least ${options.length + 1}, this one has ${tokens.length}: shorten the context or add text`,
      );
    this.#tokens = tokens;
    this.#options = options;
    this.#random = new Random(options.seed, "windows");
  }

  /**
   * Goes on where `state` was taken.
   * @throws InputError when the state belongs to another corpus
   */
  static restore(
    documents: Pick<TokenDocuments, "tokens">,
    options: Omit<PackingOptions, "seed">,
    state: WindowState,
  ): RandomWindows {
    const tokens = documents.tokens.length;
    if (tokens !== state.tokens)
      throw new InputError(
        `the training data has changed: the run was started on ${state.tokens} tokens, now there are ${tokens}; bring the old data back, or start a new run`,
      );
    const windows = new RandomWindows(documents, { ...options, seed: state.seed });
    windows.#random.counter = state.drawn;
    return windows;
  }

  state(): WindowState {
    return { seed: this.#options.seed, drawn: this.#random.counter, tokens: this.#tokens.length };
  }

  next(): Batch {
    const { rows, length, bytesPerToken } = this.#options;
    const batch = emptyBatch(rows, length);
    for (let row = 0; row < rows; row++) {
      const from = this.#random.integer(this.#tokens.length - length);
      placeSegment(batch, row * length, 0, this.#tokens, from, from + length, this.#tokens.length, bytesPerToken);
    }
    return batch;
  }
}
