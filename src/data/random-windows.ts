// Batches as nanoGPT makes them: windows from anywhere in one long stream of tokens, documents or not.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import { type Batch, emptyBatch, placeSegment } from "./batch.ts";
import { type BatchShape, changed, type PackingOptions, parseState } from "./packing.ts";
import type { TokenDocuments } from "./shard.ts";

/** Where a `RandomWindows` stands; plain JSON. */
export const WindowState = z.strictObject({
  seed: z.int().min(0),
  /** Random numbers drawn so far. */
  drawn: z.int().min(0),
  /** Size of the corpus, so that a state is not continued on another one. */
  tokens: z.int().min(0),
});
export type WindowState = z.infer<typeof WindowState>;

/** An endless stream of batches; each row is one segment that starts at a random token, and all of its tokens have a target. */
export class RandomWindows {
  readonly #tokens: TokenDocuments["tokens"];
  readonly #shape: BatchShape;
  readonly #random: Random;

  /** @throws InputError when there are too few tokens for one row and its targets */
  constructor({ tokens }: Pick<TokenDocuments, "tokens">, options: PackingOptions) {
    if (tokens.length <= options.length)
      throw new InputError(
        `windows of ${options.length} tokens need a corpus of at least ${options.length + 1}, this one has ${tokens.length}: shorten the context or add text`,
      );
    this.#tokens = tokens;
    this.#shape = options;
    this.#random = new Random(options.seed, "windows");
  }

  /**
   * Goes on where `state` was taken.
   * @throws InputError when the state is not one of this class, or belongs to another corpus
   */
  static restore(documents: Pick<TokenDocuments, "tokens">, shape: BatchShape, state: unknown): RandomWindows {
    const { seed, drawn, tokens } = parseState(WindowState, state);
    if (tokens !== documents.tokens.length) throw changed(`${tokens} tokens`, String(documents.tokens.length));
    const windows = new RandomWindows(documents, { ...shape, seed });
    windows.#random.counter = drawn;
    return windows;
  }

  state(): WindowState {
    return { seed: this.#random.seed, drawn: this.#random.counter, tokens: this.#tokens.length };
  }

  next(): Batch {
    const { rows, length, bytesPerToken } = this.#shape;
    const batch = emptyBatch(rows, length);
    for (let row = 0; row < rows; row++) {
      const from = this.#random.integer(this.#tokens.length - length);
      placeSegment(batch, row * length, 0, this.#tokens, from + 1, from + length + 1, bytesPerToken);
    }
    return batch;
  }
}
