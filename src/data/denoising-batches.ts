// Batches that make a text-to-text model out of plain text: span corruption and prefix language modelling (Raffel et al. 2020).
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import type { BatchShape } from "./packing.ts";
import { type PairBatch, type PairTokens, pairBatch } from "./pair-batch.ts";
import type { TokenDocuments } from "./shard.ts";
import {
  PackingState,
  type Piece,
  parseState,
  piecesInOrder,
  predicted,
  refuseShortRows,
  ShuffledPieces,
} from "./shuffled-pieces.ts";

export interface DenoisingOptions extends BatchShape {
  /** What a text becomes: its beginning and its end, or the text with holes and what stood in them. */
  readonly task: "span-corruption" | "prefix";
  /** Share of tokens that are taken out. */
  readonly share: number;
  /** Mean number of tokens of a span that is taken out. */
  readonly spanLength: number;
  /** What stands where a span was: the first span's sentinel, the second's, … */
  readonly sentinels: readonly number[];
  readonly special: { readonly pad: number; readonly eos: number; readonly start: number };
}

/** How many tokens of text make a row, and what becomes of them. */
export interface SpanSizes {
  readonly text: number;
  readonly noise: number;
  readonly spans: number;
  readonly source: number;
  readonly target: number;
}

/** As T5's own code rounds: rows of 64 tokens, among others, depend on it. */
function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}

/**
 * The longest text whose source, one sentinel for each span and an end of text, is no longer than `length`, which is 3 or more: 568
 * tokens for 512 at 15 % and spans of 3 (Raffel et al. 2020, 3.1.4).
 */
export function spanSizes(length: number, share: number, spanLength: number): SpanSizes {
  const sizes = (text: number): SpanSizes => {
    const noise = Math.min(Math.max(roundHalfToEven(text * share), 1), text - 1);
    const spans = Math.min(Math.max(roundHalfToEven(noise / spanLength), 1), text - noise);
    return { text, noise, spans, source: text - noise + spans + 1, target: noise + spans + 1 };
  };
  let text = 2;
  while (sizes(text + 1).source <= length) text++;
  return sizes(text);
}

const DenoisingState = z.strictObject({ pieces: PackingState, batches: z.int().min(0) });

/** An endless stream of batches without padding: texts, each with its end of text, are laid end to end and cut into rows of one size. */
export class DenoisingBatches {
  readonly #documents: TokenDocuments;
  readonly #options: DenoisingOptions;
  readonly #pieces: ShuffledPieces;
  #batches = 0;

  /** @throws InputError when there are no documents, rows are too short, or there are fewer sentinels than a row has spans */
  constructor(documents: TokenDocuments, options: DenoisingOptions & { seed: number }, pieces?: ShuffledPieces) {
    check(options);
    this.#documents = documents;
    this.#options = options;
    this.#pieces = pieces ?? new ShuffledPieces(documents, options.seed);
  }

  /** Goes on where `state` was taken. Throws InputError where it is not a state of this class, or of another corpus. */
  static restore(documents: TokenDocuments, options: DenoisingOptions, state: unknown): DenoisingBatches {
    const from = parseState(DenoisingState, state);
    const pieces = ShuffledPieces.restore(documents, from.pieces);
    const batches = new DenoisingBatches(documents, { ...options, seed: pieces.seed }, pieces);
    batches.#batches = from.batches;
    return batches;
  }

  state(): z.infer<typeof DenoisingState> {
    return { pieces: this.#pieces.state(), batches: this.#batches };
  }

  next(): PairBatch {
    const random = new Random(this.#pieces.seed, "denoising").fork(this.#batches++);
    return denoisingBatch(this.#documents, this.#options, random, (room) => this.#pieces.take(room))!;
  }
}

/** All documents once, in their own order, taken apart the same way each time: for validation. The rest of a row at the end is left out. */
export function* denoisingValidation(documents: TokenDocuments, options: DenoisingOptions): Generator<PairBatch> {
  check(options);
  const take = piecesInOrder(documents, predicted);
  const random = new Random(0, "denoising validation");
  for (let count = 0; ; count++) {
    const batch = denoisingBatch(documents, options, random.fork(count), take);
    if (!batch) return;
    yield batch;
  }
}

function check({ task, length, share, spanLength, sentinels }: DenoisingOptions): void {
  refuseShortRows(length);
  const needed = spanSizes(length, share, spanLength).spans;
  if (task === "span-corruption" && sentinels.length < needed) {
    throw new InputError(
      `span corruption of rows of ${length} tokens needs ${needed} sentinels such as <extra_id_0>, and the tokenizer has ${sentinels.length}: take a T5 tokenizer, shorter rows or longer spans`,
    );
  }
}

/** One batch of the pieces that `take` gives; undefined when they do not fill a single row. */
function denoisingBatch(
  { tokens }: TokenDocuments,
  options: DenoisingOptions,
  random: Random,
  take: (room: number) => Piece | undefined,
): PairBatch | undefined {
  const { task, rows, length, share, spanLength, special } = options;
  const sizes = spanSizes(length, share, spanLength);
  const textLength = task === "prefix" ? length - 1 : sizes.text;
  // All texts of a batch are parted at the same place, so that nothing is padded.
  const parting = 1 + random.integer(textLength - 1);
  const pairs: PairTokens[] = [];
  for (let row = 0; row < rows; row++) {
    const text = new Int32Array(textLength);
    for (let filled = 0; filled < textLength; ) {
      const piece = take(textLength - filled);
      if (!piece) return pairs.length > 0 ? finish() : undefined;
      text.set(tokens.subarray(piece.from, piece.to), filled);
      filled += piece.to - piece.from;
    }
    pairs.push(task === "prefix" ? prefix(text, parting, special.eos) : corrupt(text, sizes, options, random));
  }
  return finish();

  function finish(): PairBatch {
    const { source, target } = pairs[0]!;
    return pairBatch(pairs, { rows, sourceLength: source.length, targetLength: target.length }, { ...special, ...options });
  }
}

function prefix(text: Int32Array, parting: number, eos: number): PairTokens {
  return { source: [...text.subarray(0, parting), eos], target: [...text.subarray(parting), eos] };
}

/** Takes spans out of a text: kept and taken stretches alternate, kept first. */
function corrupt(
  text: Int32Array,
  { noise, spans }: SpanSizes,
  { sentinels, special }: DenoisingOptions,
  random: Random,
): PairTokens {
  const kept = randomParts(text.length - noise, spans, random);
  const taken = randomParts(noise, spans, random);
  const source: number[] = [];
  const target: number[] = [];
  let at = 0;
  for (let span = 0; span < spans; span++) {
    source.push(...text.subarray(at, at + kept[span]!), sentinels[span]!);
    at += kept[span]!;
    target.push(sentinels[span]!, ...text.subarray(at, at + taken[span]!));
    at += taken[span]!;
  }
  return { source: [...source, special.eos], target: [...target, special.eos] };
}

/** `total` as a sum of `parts` whole numbers above 0, every such sum equally likely. */
function randomParts(total: number, parts: number, random: Random): number[] {
  // The places between items where one part ends: parts − 1 of the total − 1 there are (Floyd's sampling).
  const ends = new Set<number>();
  for (let last = total - parts + 1; last < total; last++) {
    const place = 1 + random.integer(last);
    ends.add(ends.has(place) ? last : place);
  }
  const bounds = [0, ...[...ends].sort((a, b) => a - b), total];
  return bounds.slice(1).map((bound, i) => bound - bounds[i]!);
}
