// Pairs of texts for text-to-text training, in batches whose rows are about equally long.
import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { isHeldOut } from "./build-shard.ts";
import type { DocumentSource } from "./document.ts";
import { type PairBatch, type PairTokens, pairBatch } from "./pair-batch.ts";
import { CorpusFingerprint, parseState, refuseChange } from "./shuffled-pieces.ts";

export interface PairCorpus {
  readonly train: readonly PairTokens[];
  readonly validation: readonly PairTokens[];
  /** Pairs of which an end was cut off. */
  readonly cut: number;
}

export interface ReadPairsOptions {
  readonly tokenizer: Tokenizer;
  /** The most tokens, the end-of-text token included. */
  readonly sourceLength: number;
  readonly targetLength: number;
  /** Share of the pairs held out, by the hash of their source. */
  readonly validation: number;
  readonly onProgress?: (pairs: number) => void;
}

/**
 * Reads and tokenises pairs; each side ends with the end-of-text token.
 * @throws InputError where a document has no target, or no pair is there
 */
export async function readPairs(documents: DocumentSource, options: ReadPairsOptions): Promise<PairCorpus> {
  const { tokenizer, sourceLength, targetLength } = options;
  const sides = { train: [] as PairTokens[], validation: [] as PairTokens[] };
  let cut = 0;
  const ended = (text: string, length: number) => {
    const tokens = tokenizer.encode(text);
    if (tokens.length >= length) cut++;
    return Int32Array.of(...tokens.subarray(0, length - 1), tokenizer.endOfText);
  };
  for await (const { text, target } of documents.documents()) {
    if (target === undefined)
      throw new InputError(
        "text-to-text training needs pairs: rows of JSON Lines, CSV or Parquet with a source and a target field",
      );
    const side = isHeldOut(text, options.validation) ? sides.validation : sides.train;
    side.push({ source: ended(text, sourceLength), target: ended(target, targetLength) });
    options.onProgress?.(sides.train.length + sides.validation.length);
  }
  const { train, validation: heldOut } = sides;
  if (train.length + heldOut.length === 0) throw new InputError("there is nothing to train on: no pair was read");
  // Each side gets a pair, training first.
  if (train.length === 0) train.push(heldOut.pop()!);
  if (heldOut.length === 0 && train.length > 1) heldOut.push(train.pop()!);
  return { ...sides, cut };
}

export interface PairBatchOptions {
  readonly rows: number;
  readonly special: { readonly pad: number; readonly start: number };
  readonly bytesPerToken: Uint16Array;
}

/** Batches whose lengths are sorted together: more give less padding, fewer a freer order. */
const bucketBatches = 50;
/** Lengths are rounded up to a multiple, so that few sizes occur. */
const roundTo = 16;

const rounded = (length: number) => Math.ceil(length / roundTo) * roundTo;

function padded(pairs: readonly PairTokens[], { rows, special, bytesPerToken }: PairBatchOptions): PairBatch {
  const longest = (side: keyof PairTokens) => rounded(Math.max(...pairs.map((pair) => pair[side].length)));
  const lengths = { sourceLength: longest("source"), targetLength: longest("target") };
  return pairBatch(pairs, { rows, ...lengths }, { ...special, bytesPerToken });
}

const byLength = (a: PairTokens, b: PairTokens) => a.source.length - b.source.length || a.target.length - b.target.length;

const BucketState = z.strictObject({
  seed: z.int().min(0),
  epoch: z.int().min(0),
  /** The next batch of the epoch. */
  batch: z.int().min(0),
  pairs: z.int().min(0),
  fingerprint: CorpusFingerprint,
});

/**
 * An endless stream of batches. Each epoch shuffles the pairs, sorts stretches of fifty batches by length so that a batch is padded
 * little, and shuffles the batches of a stretch.
 */
export class BucketedPairs {
  readonly #pairs: readonly PairTokens[];
  readonly #options: PairBatchOptions & { seed: number };
  readonly #fingerprint: string;
  #epoch = 0;
  #batch = 0;
  #order: Uint32Array;

  constructor(pairs: readonly PairTokens[], options: PairBatchOptions & { seed: number }) {
    this.#pairs = pairs;
    this.#options = options;
    const hash = createHash("sha256");
    for (const { source, target } of pairs)
      hash.update(Int32Array.of(source.length, ...Array.from(source), ...Array.from(target)));
    this.#fingerprint = hash.digest("hex");
    this.#order = this.#ordered();
  }

  /** Goes on where `state` was taken. Throws InputError where it is not a state of this class, or of other pairs. */
  static restore(pairs: readonly PairTokens[], options: PairBatchOptions, state: unknown): BucketedPairs {
    const from = parseState(BucketState, state);
    const batches = new BucketedPairs(pairs, { ...options, seed: from.seed });
    refuseChange(from, batches.state(), (state) => `${state.pairs} pairs`);
    batches.#epoch = from.epoch;
    batches.#batch = from.batch;
    batches.#order = batches.#ordered();
    return batches;
  }

  state(): z.infer<typeof BucketState> {
    const { seed } = this.#options;
    return { seed, epoch: this.#epoch, batch: this.#batch, pairs: this.#pairs.length, fingerprint: this.#fingerprint };
  }

  next(): PairBatch {
    const { rows } = this.#options;
    const at = this.#batch * rows;
    const pairs = Array.from(this.#order.subarray(at, at + rows), (i) => this.#pairs[i]!);
    this.#batch++;
    if (at + rows >= this.#order.length) {
      this.#epoch++;
      this.#batch = 0;
      this.#order = this.#ordered();
    }
    return padded(pairs, this.#options);
  }

  /** The pairs in the order of this epoch, batch after batch; the last batch alone may be smaller. */
  #ordered(): Uint32Array {
    const { rows, seed } = this.#options;
    const random = new Random(seed, "pairs").fork(this.#epoch);
    const order = random.order(this.#pairs.length);
    const stretch = rows * bucketBatches;
    for (let from = 0; from < order.length; from += stretch) {
      const part = order.subarray(from, from + stretch);
      part.sort((a, b) => byLength(this.#pairs[a]!, this.#pairs[b]!));
      const whole = Math.floor(part.length / rows);
      const sorted = part.slice();
      random.order(whole).forEach((place, i) => {
        part.set(sorted.subarray(place * rows, (place + 1) * rows), i * rows);
      });
    }
    return order;
  }
}

/** All pairs once, for validation. */
export function* pairValidation(pairs: readonly PairTokens[], options: PairBatchOptions): Generator<PairBatch> {
  const sorted = pairs.toSorted(byLength);
  for (let at = 0; at < sorted.length; at += options.rows) yield padded(sorted.slice(at, at + options.rows), options);
}
