// The order in which training goes through a corpus: documents shuffled anew each epoch, taken piece by piece.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import { fingerprintOf, type TokenDocuments } from "./shard.ts";

const Count = z.int().min(0);

/** `fingerprintOf` the corpus; empty in states from before it was noted, which then belong to no corpus. */
export const CorpusFingerprint = z.string().default("");

/** Where one stands in a corpus; plain JSON. */
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

/** A part of one document: `tokens[from … to)`, at least one. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** It is the document's first. */
  readonly begins: boolean;
}

/** Which tokens of document d are taken: `tokens[from … end)`. */
export type DocumentRange = (documents: TokenDocuments, d: number) => { readonly from: number; readonly end: number };

/**
 * What is predicted of document d: `tokens[from … end)`. Without an end-of-text token to stand before it, nothing predicts
 * the document's first token.
 */
export const predicted: DocumentRange = ({ starts, endOfText }, d) => ({
  from: starts[d]! + (endOfText === null ? 1 : 0),
  end: starts[d + 1]!,
});

/** All of document d but its end-of-text token. */
export const content: DocumentRange = ({ starts, endOfText }, d) => ({
  from: starts[d]!,
  end: starts[d + 1]! - (endOfText === null ? 0 : 1),
});

/** All documents once, in their own order: each call gives the next piece of no more than `room` tokens, undefined after the last. */
export function piecesInOrder(documents: TokenDocuments, range: DocumentRange): (room: number) => Piece | undefined {
  let document = 0;
  let offset = 0;
  return (room) => {
    for (; document + 1 < documents.starts.length; document++, offset = 0) {
      const { from: first, end } = range(documents, document);
      const from = first + offset;
      if (from >= end) continue;
      const to = Math.min(end, from + room);
      offset += to - from;
      return { from, to, begins: from === first };
    }
    return undefined;
  };
}

/** Each epoch takes the documents in an order of its own, by seed and epoch. */
export class ShuffledPieces {
  readonly seed: number;
  readonly #documents: TokenDocuments;
  readonly #range: DocumentRange;
  #order: Uint32Array;
  #epoch = 0;
  #document = 0;
  #offset = 0;
  #fingerprint: string | undefined;

  /** @throws InputError when there are no documents */
  constructor(documents: TokenDocuments, seed: number, range: DocumentRange = predicted) {
    if (!piecesInOrder(documents, range)(1)) throw new InputError("there is nothing to train on: the corpus has no tokens");
    this.seed = seed;
    this.#documents = documents;
    this.#range = range;
    this.#order = this.#shuffled();
  }

  /** @throws InputError when the state is not one of this class, or belongs to another corpus */
  static restore(documents: TokenDocuments, state: unknown, range?: DocumentRange): ShuffledPieces {
    const from = parseState(PackingState, state);
    const pieces = new ShuffledPieces(documents, from.seed, range);
    refuseChange(from, pieces.state(), ({ documents, tokens }) => `${documents} documents of ${tokens} tokens`);
    pieces.#epoch = from.epoch;
    pieces.#document = from.document;
    pieces.#offset = from.offset;
    pieces.#order = pieces.#shuffled();
    return pieces;
  }

  state(): PackingState {
    const { starts, tokens } = this.#documents;
    this.#fingerprint ??= fingerprintOf(this.#documents);
    return {
      seed: this.seed,
      epoch: this.#epoch,
      document: this.#document,
      offset: this.#offset,
      documents: starts.length - 1,
      tokens: tokens.length,
      fingerprint: this.#fingerprint,
    };
  }

  /** The next piece, of no more than `room` tokens. */
  take(room: number): Piece {
    for (;;) {
      const { from: first, end } = this.#range(this.#documents, this.#order[this.#document]!);
      const begins = this.#offset === 0;
      const from = first + this.#offset;
      const to = Math.min(end, from + room);
      if (to < end) this.#offset += to - from;
      else this.#nextDocument();
      if (to > from) return { from, to, begins };
    }
  }

  #nextDocument(): void {
    this.#offset = 0;
    this.#document++;
    if (this.#document < this.#order.length) return;
    this.#document = 0;
    this.#epoch++;
    this.#order = this.#shuffled();
  }

  /** The order of the documents in the present epoch. */
  #shuffled(): Uint32Array {
    return new Random(this.seed, "documents").fork(this.#epoch).order(this.#documents.starts.length - 1);
  }
}

/** A row holds at least one token of text, and two that its objective adds. Throws InputError where it cannot. */
export function refuseShortRows(length: number): void {
  if (length < 3) throw new InputError(`rows must have 3 tokens or more, got ${length}: make length (or context) greater`);
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
