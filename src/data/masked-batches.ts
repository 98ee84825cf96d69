// Batches for masked language modelling: some tokens are hidden, and the model says what they were (Devlin et al. 2019).
import { z } from "zod";
import { ignoredTarget } from "../graph/index.ts";
import { Random } from "../runtime/random.ts";
import type { BatchShape } from "./packing.ts";
import type { TokenDocuments } from "./shard.ts";
import {
  content,
  PackingState,
  type Piece,
  parseState,
  piecesInOrder,
  refuseShortRows,
  ShuffledPieces,
} from "./shuffled-pieces.ts";

/** What a masked model is fed. `places` and `targets` are as long as the masked tokens, rounded up: what is added counts nothing. */
export interface MaskedBatch {
  /** `[rows, length]`. */
  readonly tokens: Int32Array<ArrayBuffer>;
  /** From 0 in every segment. */
  readonly positions: Int32Array<ArrayBuffer>;
  /** Texts of a row do not see each other; padding is −1. */
  readonly segments: Int32Array<ArrayBuffer>;
  /** Where masked tokens stand in `tokens`, row after row. */
  readonly places: Int32Array<ArrayBuffer>;
  /** What they were. */
  readonly targets: Int32Array<ArrayBuffer>;
  readonly rows: number;
  readonly length: number;
  readonly counted: number;
  /** UTF-8 bytes of the masked tokens. */
  readonly bytes: number;
}

export interface MaskingOptions extends BatchShape {
  /** What stands before and after each text, hides a token, and fills what is left of a row. */
  readonly special: { readonly cls: number; readonly sep: number; readonly mask: number; readonly pad: number };
  readonly vocabulary: number;
  /** Share of tokens that are to be predicted: of these 80 % are masked, 10 % become any token, 10 % stay. */
  readonly share: number;
  /** Where given, whole words are chosen: tells whether a token begins one. */
  readonly beginsWord?: (token: number) => boolean;
}

/** Rows are filled with texts until less room than this is left. */
const leastPiece = 16;
/** Masked tokens of a batch are rounded up to a multiple, so that few sizes occur. */
const roundTo = 32;

const MaskedState = z.strictObject({ pieces: PackingState, batches: z.int().min(0) });

/** An endless stream of batches, packed: `[CLS] text [SEP]` one after another, a text that does not fit going on in the next row. */
export class MaskedBatches {
  readonly #documents: TokenDocuments;
  readonly #options: MaskingOptions;
  readonly #pieces: ShuffledPieces;
  #batches = 0;

  /** @throws InputError when there are no documents, or rows are too short for a token of text */
  constructor(documents: TokenDocuments, options: MaskingOptions & { seed: number }, pieces?: ShuffledPieces) {
    refuseShortRows(options.length);
    this.#documents = documents;
    this.#options = options;
    this.#pieces = pieces ?? new ShuffledPieces(documents, options.seed, content);
  }

  /** Goes on where `state` was taken. Throws InputError where it is not a state of this class, or of another corpus. */
  static restore(documents: TokenDocuments, options: MaskingOptions, state: unknown): MaskedBatches {
    const from = parseState(MaskedState, state);
    const pieces = ShuffledPieces.restore(documents, from.pieces, content);
    const batches = new MaskedBatches(documents, { ...options, seed: pieces.seed }, pieces);
    batches.#batches = from.batches;
    return batches;
  }

  state(): z.infer<typeof MaskedState> {
    return { pieces: this.#pieces.state(), batches: this.#batches };
  }

  next(): MaskedBatch {
    const random = new Random(this.#pieces.seed, "masking").fork(this.#batches++);
    return maskedBatch(this.#documents, this.#options, random, (room) => this.#pieces.take(room))!;
  }
}

/** All documents once, in their own order, masked the same way each time: for validation. */
export function* maskedValidation(documents: TokenDocuments, options: MaskingOptions): Generator<MaskedBatch> {
  refuseShortRows(options.length);
  const take = piecesInOrder(documents, content);
  const random = new Random(0, "masking validation");
  for (let count = 0; ; count++) {
    const batch = maskedBatch(documents, options, random.fork(count), take);
    if (!batch) return;
    yield batch;
  }
}

/** One batch of the pieces that `take` gives; undefined when it gives none. */
function maskedBatch(
  { tokens: corpus }: TokenDocuments,
  options: MaskingOptions,
  random: Random,
  take: (room: number) => Piece | undefined,
): MaskedBatch | undefined {
  const { rows, length, bytesPerToken, special } = options;
  const tokens = new Int32Array(rows * length).fill(special.pad);
  const positions = new Int32Array(rows * length);
  const segments = new Int32Array(rows * length).fill(-1);
  const places: number[] = [];
  const targets: number[] = [];
  let bytes = 0;
  let empty = true;
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * length;
    let at = row * length;
    for (let segment = 0; end - at - 2 >= Math.min(leastPiece, length - 2); segment++) {
      const piece = take(end - at - 2);
      if (!piece) break;
      empty = false;
      const size = piece.to - piece.from + 2;
      tokens[at] = special.cls;
      tokens.set(corpus.subarray(piece.from, piece.to), at + 1);
      tokens[at + size - 1] = special.sep;
      segments.fill(segment, at, at + size);
      for (let i = 0; i < size; i++) positions[at + i] = i;
      for (const place of chosen(tokens, at + 1, at + size - 1, options, random)) {
        const token = tokens[place]!;
        places.push(place);
        targets.push(token);
        bytes += bytesPerToken[token]!;
        const fate = random.uniform();
        if (fate < 0.8) tokens[place] = special.mask;
        else if (fate < 0.9) tokens[place] = random.integer(options.vocabulary);
      }
      at += size;
    }
  }
  if (empty) return undefined;
  const counted = places.length;
  const room = Math.max(roundTo, Math.ceil(counted / roundTo) * roundTo);
  const filled = (values: number[], rest: number) => Int32Array.from({ length: room }, (_, i) => values[i] ?? rest);
  return {
    ...{ tokens, positions, segments, rows, length, counted, bytes },
    places: filled(places, 0),
    targets: filled(targets, ignoredTarget),
  };
}

/** Which of `tokens[from … to)` are to be predicted. Control tokens never are: what they stand for is not in the text. */
function chosen(tokens: Int32Array, from: number, to: number, options: MaskingOptions, random: Random): number[] {
  const { share, beginsWord, bytesPerToken } = options;
  const places: number[] = [];
  let taken = false;
  for (let at = from; at < to; at++) {
    if (!beginsWord || at === from || beginsWord(tokens[at]!)) taken = random.uniform() < share;
    if (taken && bytesPerToken[tokens[at]!]! > 0) places.push(at);
  }
  return places;
}
