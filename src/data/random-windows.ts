// Batches as nanoGPT makes them: windows from anywhere in one long stream of tokens, documents or not.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import { type Batch, emptyBatch, placeSegment } from "./batch.ts";
import type { BatchShape, PackingOptions } from "./packing.ts";
import { fingerprintOf, type TokenDocuments } from "./shard.ts";
import { CorpusFingerprint, parseState, refuseChange } from "./shuffled-pieces.ts";

/** Where a `RandomWindows` stands; plain JSON. */
export const WindowState = z.strictObject({
  seed: z.int().min(0),
  /** Random numbers drawn so far. */
  drawn: z.int().min(0),
  /** What the corpus was, so that a state is not continued on another one. */
  tokens: z.int().min(0),
  fingerprint: CorpusFingerprint,
});
export type WindowState = z.infer<typeof WindowState>;

/** An endless stream of batches; each row is one segment that starts at a random token, and all of its tokens have a target. */
export class RandomWindows {
  readonly #documents: TokenDocuments;
  readonly #shape: BatchShape;
  readonly #random: Random;
  #fingerprint: string | undefined;

  /** @throws InputError when there are too few tokens for one row and its targets */
  constructor(documents: TokenDocuments, options: PackingOptions) {
    const { tokens } = documents;
    const count = options.length - (options.before?.length ?? 0);
    if (tokens.length <= count)
      throw new InputError(
        `windows of ${count} tokens need a corpus of at least ${count + 1}, this one has ${tokens.length}: shorten the context or add text`,
      );
    this.#documents = documents;
    this.#shape = options;
    this.#random = new Random(options.seed, "windows");
  }

  /**
   * Goes on where `state` was taken.
   * @throws InputError when the state is not one of this class, or belongs to another corpus
   */
  static restore(documents: TokenDocuments, shape: BatchShape, state: unknown): RandomWindows {
    const from = parseState(WindowState, state);
    const now = { ...from, tokens: documents.tokens.length, fingerprint: fingerprintOf(documents) };
    refuseChange(from, now, ({ tokens }) => `${tokens} tokens`);
    const windows = new RandomWindows({ ...documents, fingerprint: now.fingerprint }, { ...shape, seed: from.seed });
    windows.#random.counter = from.drawn;
    return windows;
  }

  state(): WindowState {
    this.#fingerprint ??= fingerprintOf(this.#documents);
    const { seed, counter: drawn } = this.#random;
    return { seed, drawn, tokens: this.#documents.tokens.length, fingerprint: this.#fingerprint };
  }

  next(): Batch {
    const { rows, length, before: lead = [], bytesPerToken } = this.#shape;
    const { tokens } = this.#documents;
    const count = length - lead.length;
    const batch = emptyBatch(rows, length);
    for (let row = 0; row < rows; row++) {
      const from = this.#random.integer(tokens.length - count) + 1;
      placeSegment(batch, row * length, { segment: 0, tokens, from, to: from + count, lead }, bytesPerToken);
    }
    return batch;
  }
}
