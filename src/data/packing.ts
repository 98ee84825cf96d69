// Packing without padding: shuffled documents follow one another through the rows of a batch.
import { type Batch, emptyBatch, placeSegment } from "./batch.ts";
import type { TokenDocuments } from "./shard.ts";
import { type PackingState, predicted, ShuffledPieces } from "./shuffled-pieces.ts";

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

/**
 * An endless stream of full batches. Documents are laid end to end: a row is filled to its last token, and a document that does not
 * fit goes on in the next row as a new segment, whose positions start again at 0 and which sees of the part before only its
 * last token. In an epoch every token is a target exactly once, predicted from the one before it: the first of a document from
 * the end-of-text token.
 */
export class PackedBatches {
  readonly #documents: TokenDocuments;
  readonly #shape: BatchShape;
  readonly #pieces: ShuffledPieces;

  /** @throws InputError when there are no documents */
  constructor(documents: TokenDocuments, options: PackingOptions, pieces = new ShuffledPieces(documents, options.seed)) {
    this.#documents = documents;
    this.#shape = options;
    this.#pieces = pieces;
  }

  /**
   * Goes on where `state` was taken: the next batches are those that would have followed.
   * @throws InputError when the state is not one of this class, or belongs to another corpus
   */
  static restore(documents: TokenDocuments, shape: BatchShape, state: unknown): PackedBatches {
    const pieces = ShuffledPieces.restore(documents, state);
    return new PackedBatches(documents, { ...shape, seed: pieces.seed }, pieces);
  }

  state(): PackingState {
    return this.#pieces.state();
  }

  next(): Batch {
    const { rows, length, bytesPerToken } = this.#shape;
    const { tokens, endOfText } = this.#documents;
    const batch = emptyBatch(rows, length);
    for (let row = 0; row < rows; row++) {
      let segment = 0;
      for (let filled = 0; filled < length; ) {
        const { from, to, begins } = this.#pieces.take(length - filled);
        const before = begins && endOfText !== null ? endOfText : undefined;
        placeSegment(batch, row * length + filled, segment++, tokens, from, to, bytesPerToken, before);
        filled += to - from;
      }
    }
    return batch;
  }
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
