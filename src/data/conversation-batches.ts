// Batches of conversations: whole ones, packed into rows so that little is padded, in which only the assistant's tokens are targets.
import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Random } from "../runtime/random.ts";
import type { ConversationTokens } from "../tokenizer/index.ts";
import { type Batch, emptyBatch, markSegment } from "./batch.ts";
import type { BatchShape, PackingOptions } from "./packing.ts";
import { CorpusFingerprint, parseState, refuseChange } from "./shuffled-pieces.ts";

export interface ConversationBatch extends Batch {
  /** Tokens of conversations, what fills the rows left out. */
  filled: number;
}

/** Conversations that are packed together: more waste less, fewer give a freer order. */
const windowSize = 1024;

/** Places in a row that a conversation takes: its last token is only predicted, never read. */
const sizeOf = ({ tokens }: ConversationTokens, before: readonly number[]) => before.length + tokens.length - 1;

/**
 * Fills rows with conversations: each, the longest first, goes into the row with the least room that it fits into (best fit
 * decreasing). Returns the conversations of each row.
 * @throws InputError for one that is longer than a row
 */
function packRows(which: Uint32Array, sizes: Uint32Array, length: number): number[][] {
  const rows: number[][] = [];
  /** Rows by the room that is left in them. */
  const byRoom: number[][] = Array.from({ length: length + 1 }, () => []);
  for (const i of which.toSorted((a, b) => sizes[b]! - sizes[a]!)) {
    const size = sizes[i]!;
    if (size > length) throw new InputError(`a conversation of ${size} tokens does not fit into a row of ${length}: cut it`);
    let room = size;
    while (room <= length && byRoom[room]!.length === 0) room++;
    let row = byRoom[room]?.pop();
    if (row === undefined) {
      row = rows.push([]) - 1;
      room = length;
    }
    rows[row]!.push(i);
    byRoom[room - size]!.push(row);
  }
  return rows;
}

function batchOf(
  rowsOf: readonly (readonly number[])[],
  conversations: readonly ConversationTokens[],
  options: BatchShape,
): ConversationBatch {
  const { rows, length, before = [] } = options;
  const batch: ConversationBatch = { ...emptyBatch(rows, length), filled: 0 };
  for (let row = 0; row < rows; row++) {
    let [at, segment] = [row * length, 0];
    for (const i of rowsOf[row] ?? []) at = place(batch, at, segment++, conversations[i]!, before, options.bytesPerToken);
    batch.filled += at - row * length;
    markSegment(batch, at, (row + 1) * length, segment);
  }
  return batch;
}

/** Writes one conversation as a segment, and returns where the next begins. */
function place(
  batch: Batch,
  at: number,
  segment: number,
  { tokens, counted }: ConversationTokens,
  before: readonly number[],
  bytesPerToken: Uint16Array,
): number {
  batch.tokens.set(before, at);
  const first = at + before.length;
  batch.tokens.set(tokens.subarray(0, -1), first);
  const end = first + tokens.length - 1;
  markSegment(batch, at, end, segment);
  for (let i = 0; i < tokens.length; i++) {
    const target = first + i - 1;
    if (!counted[i] || target < at) continue;
    batch.targets[target] = tokens[i]!;
    batch.counted++;
    batch.bytes += bytesPerToken[tokens[i]!]!;
  }
  return end;
}

const PackedState = z.strictObject({
  seed: z.int().min(0),
  epoch: z.int().min(0),
  /** The next batch of the epoch. */
  batch: z.int().min(0),
  conversations: z.int().min(0),
  fingerprint: CorpusFingerprint,
});

/**
 * An endless stream of batches. Each epoch shuffles the conversations, packs stretches of 1024 of them, and shuffles the rows of each
 * stretch; every conversation comes once. The last batch of an epoch may have rows that predict nothing.
 */
export class PackedConversations {
  readonly #conversations: readonly ConversationTokens[];
  readonly #options: PackingOptions;
  readonly #sizes: Uint32Array;
  readonly #fingerprint: string;
  #epoch = 0;
  #batch = 0;
  #rows: readonly (readonly number[])[];

  /** @throws InputError when there are no conversations, or one is longer than a row */
  constructor(conversations: readonly ConversationTokens[], options: PackingOptions) {
    if (conversations.length === 0) throw new InputError("there is nothing to train on: there are no conversations");
    this.#conversations = conversations;
    this.#options = options;
    this.#sizes = Uint32Array.from(conversations, (conversation) => sizeOf(conversation, options.before ?? []));
    const hash = createHash("sha256");
    for (const { tokens, counted } of conversations) hash.update(Int32Array.of(tokens.length)).update(tokens).update(counted);
    this.#fingerprint = hash.digest("hex");
    this.#rows = this.#packed();
  }

  /** Goes on where `state` was taken. Throws InputError where it is not a state of this class, or of other conversations. */
  static restore(conversations: readonly ConversationTokens[], options: BatchShape, state: unknown): PackedConversations {
    const from = parseState(PackedState, state);
    const batches = new PackedConversations(conversations, { ...options, seed: from.seed });
    refuseChange(from, batches.state(), ({ conversations }) => `${conversations} conversations`);
    batches.#epoch = from.epoch;
    batches.#batch = from.batch;
    batches.#rows = batches.#packed();
    return batches;
  }

  /** Batches of the present epoch; another differs by very few. */
  get batchesPerEpoch(): number {
    return Math.ceil(this.#rows.length / this.#options.rows);
  }

  state(): z.infer<typeof PackedState> {
    const { seed } = this.#options;
    const conversations = this.#conversations.length;
    return { seed, epoch: this.#epoch, batch: this.#batch, conversations, fingerprint: this.#fingerprint };
  }

  next(): ConversationBatch {
    const { rows } = this.#options;
    const at = this.#batch++ * rows;
    const batch = batchOf(this.#rows.slice(at, at + rows), this.#conversations, this.#options);
    if (at + rows >= this.#rows.length) {
      this.#epoch++;
      this.#batch = 0;
      this.#rows = this.#packed();
    }
    return batch;
  }

  /** The rows of this epoch, in order. */
  #packed(): number[][] {
    const random = new Random(this.#options.seed, "conversations").fork(this.#epoch);
    const order = random.order(this.#conversations.length);
    const packed: number[][] = [];
    for (let from = 0; from < order.length; from += windowSize) {
      const rows = packRows(order.subarray(from, from + windowSize), this.#sizes, this.#options.length);
      packed.push(...random.shuffle(rows));
    }
    return packed;
  }
}

/** All conversations once, for validation: the same batches each time. */
export function* conversationValidation(
  conversations: readonly ConversationTokens[],
  options: BatchShape,
): Generator<ConversationBatch> {
  if (conversations.length === 0) return;
  const batches = new PackedConversations(conversations, { ...options, seed: 0 });
  for (let left = batches.batchesPerEpoch; left > 0; left--) yield batches.next();
}
