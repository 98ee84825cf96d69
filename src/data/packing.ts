// Packing without padding: shuffled documents follow one another through the rows of a batch.
import { type Batch, emptyBatch, markSegment, placeSegment } from "./batch.ts";
import type { TokenDocuments } from "./shard.ts";
import { type PackingState, type Piece, piecesInOrder, predicted, ShuffledPieces } from "./shuffled-pieces.ts";

export interface BatchShape {
  rows: number;
  /** Tokens a row. */
  length: number;
  /** UTF-8 bytes by token id (`bytesPerToken`). */
  bytesPerToken: Uint16Array;
  /** Ids that stand before each segment and predict nothing, such as the virtual tokens of prompt tuning; fewer than a row has. */
  before?: readonly number[];
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
    const { rows, length } = this.#shape;
    const batch = emptyBatch(rows, length);
    for (let row = 0; row < rows; row++) fillRow(batch, row, this.#documents, this.#shape, (room) => this.#pieces.take(room));
    return batch;
  }
}

/**
 * All documents once, in their own order, packed as `PackedBatches` does: for validation. What is left of the last batch is
 * filled with segments of token 0 that predict nothing.
 */
export function* validationBatches(documents: TokenDocuments, shape: BatchShape): Generator<Batch> {
  const { rows, length } = shape;
  const take = piecesInOrder(documents, predicted);
  for (;;) {
    const batch = emptyBatch(rows, length);
    for (let row = 0; row < rows; row++) fillRow(batch, row, documents, shape, take);
    if (batch.counted === 0) return;
    yield batch;
  }
}

/** Lays pieces into a row while there are any and they have room; what is left is a segment of token 0 that predicts nothing. */
function fillRow(
  batch: Batch,
  row: number,
  { tokens, endOfText }: TokenDocuments,
  { length, before: lead = [], bytesPerToken }: BatchShape,
  take: (room: number) => Piece | undefined,
): void {
  const end = (row + 1) * length;
  let at = row * length;
  let segment = 0;
  for (; at + lead.length < end; segment++) {
    const piece = take(end - at - lead.length);
    if (!piece) break;
    const { from, to, begins } = piece;
    const first = begins && endOfText !== null ? endOfText : undefined;
    at = placeSegment(batch, at, { segment, tokens, from, to, first, lead }, bytesPerToken);
  }
  markSegment(batch, at, end, segment);
}
