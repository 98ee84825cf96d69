// Packing without padding: shuffled documents follow one another through the rows of a batch.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import { type Batch, emptyBatch, placeSegment } from "./batch.ts";
import { fingerprintOf, type TokenDocuments } from "./shard.ts";

export interface BatchShape {
  rows: number;
  /** Tokens a row. */
  length: number;
  /** UTF-8 bytes by token id (`bytesPerToken`). */
  bytesPerToken: Uint16Array;
}

export interface PackingOptions extends BatchShape {
  seed: number;
}

const Count = z.int().min(0);

/** `fingerprintOf` the corpus; empty in states from before it was noted, which then belong to no corpus. */
export const CorpusFingerprint = z.string().default("");

/** Where a `PackedBatches` stands; plain JSON. */
export const PackingState = z.strictObject({
  seed: Count,
  /** Times that all documents have been gone through. */
  epoch: Count,
  /** The next document, as its place in the epoch's order, and the next token in it. */
  document: Count,
  offset: Count,
  /** What the corpus was, so that a state is not continued on another one. */
  documents: Count,
  tokens: Count,
  fingerprint: CorpusFingerprint,
});
export type PackingState = z.infer<typeof PackingState>;

/**
 * What is predicted of document d: `tokens[from … end)`. Without an end-of-text token to stand before it, nothing predicts
 * the document's first token.
 */
function predicted({ starts, endOfText }: TokenDocuments, d: number): { from: number; end: number } {
  return { from: starts[d]! + (endOfText === null ? 1 : 0), end: starts[d + 1]! };
}

/**
 * An endless stream of full batches. Each epoch takes the documents in an order of its own (by seed and epoch), and lays them end to
 * end: a row is filled to its last token, and a document that does not fit goes on in the next row as a new segment, whose positions
 * start again at 0 and which sees of the part before only its last token. In an epoch every token is a target exactly once,
 * predicted from the one before it: the first of a document from the end-of-text token.
 */
export class PackedBatches {
  readonly #documents: TokenDocuments;
  readonly #options: PackingOptions;
  readonly #order: Uint32Array;
  #epoch = 0;
  #document = 0;
  #offset = 0;
  #fingerprint: string | undefined;

  /** @throws InputError when there are no documents */
  constructor(documents: TokenDocuments, options: PackingOptions) {
    const predictions = documents.tokens.length - (documents.endOfText === null ? documents.starts.length - 1 : 0);
    if (predictions <= 0) throw new InputError("there is nothing to train on: the corpus has no tokens");
    this.#documents = documents;
    this.#options = options;
    this.#order = new Uint32Array(documents.starts.length - 1);
    this.#shuffle();
  }

  /**
   * Goes on where `state` was taken: the next batches are those that would have followed.
   * @throws InputError when the state is not one of this class, or belongs to another corpus
   */
  static restore(documents: TokenDocuments, shape: BatchShape, state: unknown): PackedBatches {
    const from = parseState(PackingState, state);
    const batches = new PackedBatches(documents, { ...shape, seed: from.seed });
    refuseChange(from, batches.state(), ({ documents, tokens }) => `${documents} documents of ${tokens} tokens`);
    batches.#epoch = from.epoch;
    batches.#document = from.document;
    batches.#offset = from.offset;
    batches.#shuffle();
    return batches;
  }

  state(): PackingState {
    const { starts, tokens } = this.#documents;
    this.#fingerprint ??= fingerprintOf(this.#documents);
    return {
      seed: this.#options.seed,
      epoch: this.#epoch,
      document: this.#document,
      offset: this.#offset,
      documents: starts.length - 1,
      tokens: tokens.length,
      fingerprint: this.#fingerprint,
    };
  }

  next(): Batch {
    const { rows, length, bytesPerToken } = this.#options;
    const { tokens, endOfText } = this.#documents;
    const batch = emptyBatch(rows, length);
    for (let row = 0; row < rows; row++) {
      let segment = 0;
      for (let filled = 0; filled < length; ) {
        const { from: first, end } = predicted(this.#documents, this.#order[this.#document]!);
        const from = first + this.#offset;
        const to = Math.min(end, from + length - filled);
        const before = this.#offset === 0 && endOfText !== null ? endOfText : undefined;
        if (to > from) placeSegment(batch, row * length + filled, segment++, tokens, from, to, bytesPerToken, before);
        filled += Math.max(0, to - from);
        if (to < end) this.#offset += to - from;
        else this.#nextDocument();
      }
    }
    return batch;
  }

  #nextDocument(): void {
    this.#offset = 0;
    this.#document++;
    if (this.#document < this.#order.length) return;
    this.#document = 0;
    this.#epoch++;
    this.#shuffle();
  }

  /** The order of the documents in the present epoch (Fisher–Yates). */
  #shuffle(): void {
    const order = this.#order;
    const random = new Random(this.#options.seed, "documents").fork(this.#epoch);
    for (let i = 0; i < order.length; i++) order[i] = i;
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
  }
}

/** A state from a checkpoint, checked. */
export function parseState<T>(shape: z.ZodType<T>, state: unknown): T {
  const result = shape.safeParse(state);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new InputError(
    `the checkpoint's place in the training data is damaged (\`${issue.path.join(".")}\`: ${issue.message}): go back to an earlier one`,
  );
}

/** Throws InputError where a state was taken on another corpus than there is now. */
export function refuseChange<T extends { fingerprint: string }>(state: T, now: T, sizeOf: (state: T) => string): void {
  if (state.fingerprint === now.fingerprint) return;
  const [was, is] = [sizeOf(state), sizeOf(now)];
  throw new InputError(
    `the training data has changed: the run was started on ${was}, now there are ${is === was ? "as many of another text" : is}; bring the old data back, or start a new run`,
  );
}

/**
 * All documents once, in their own order, packed as `PackedBatches` does: for validation. What is left of the last batch is
 * filled with segments of token 0 that predict nothing.
 */
export function* validationBatches(documents: TokenDocuments, shape: BatchShape): Generator<Batch> {
  const { rows, length, bytesPerToken } = shape;
  const { tokens, starts, endOfText } = documents;
  let batch = emptyBatch(rows, length);
  let at = 0;
  let segment = 0;
  for (let document = 0; document + 1 < starts.length; document++) {
    const { from: first, end } = predicted(documents, document);
    for (let from = first; from < end; ) {
      if (at % length === 0) segment = 0;
      const to = Math.min(end, from + length - (at % length));
      const before = from === first && endOfText !== null ? endOfText : undefined;
      placeSegment(batch, at, segment++, tokens, from, to, bytesPerToken, before);
      at += to - from;
      from = to;
      if (at < rows * length) continue;
      yield batch;
      batch = emptyBatch(rows, length);
      at = 0;
    }
  }
  if (at === 0) return;
  for (let row = Math.floor(at / length); row < rows; row++) {
    const start = Math.max(at, row * length);
    const rest = (row + 1) * length - start;
    if (start > row * length) batch.segments.fill(segment, start, start + rest);
    for (let i = 0; i < rest; i++) batch.positions[start + i] = i;
  }
  yield batch;
}
