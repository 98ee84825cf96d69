// What a training step is fed: rows of tokens with what each of them should predict.
import { ignoredTarget } from "../graph/index.ts";

/** All arrays are `[rows, length]`, row after row. */
export interface Batch {
  tokens: Int32Array<ArrayBuffer>;
  /** The next token of the same document; `ignoredTarget` where nothing is to be predicted. */
  targets: Int32Array<ArrayBuffer>;
  /** From 0 at the start of every segment. */
  positions: Int32Array<ArrayBuffer>;
  /** Number of the segment within its row, from 0: a token may attend to earlier tokens of its own segment only. */
  segments: Int32Array<ArrayBuffer>;
  rows: number;
  length: number;
  /** Targets that are not `ignoredTarget`. */
  counted: number;
  /** UTF-8 bytes of text that the counted targets stand for: bits per byte = (sum of their losses in nats) / (ln 2 · bytes). */
  bytes: number;
}

/** An empty batch: nothing in it is a target, every row is one segment. */
export function emptyBatch(rows: number, length: number): Batch {
  const zeros = () => new Int32Array(rows * length);
  return {
    tokens: zeros(),
    targets: zeros().fill(ignoredTarget),
    positions: zeros(),
    segments: zeros(),
    rows,
    length,
    counted: 0,
    bytes: 0,
  };
}

/** Tokens as shards hold them. */
export type Tokens = Uint16Array | Uint32Array;

/**
 * Writes one segment into a batch: `tokens[from … to)` are what is predicted, each from the token before it. Returns where the next
 * segment begins.
 * @param at where in the batch's arrays
 * @param first what stands before `tokens[from]`, where that is not the token before it in the array
 * @param lead ids that begin the segment and predict nothing
 */
export function placeSegment(
  batch: Batch,
  at: number,
  { segment, tokens, from, to, first, lead = [] }: { segment: number; lead?: readonly number[] | undefined } & SegmentText,
  bytesPerToken: Uint16Array,
): number {
  const start = at + lead.length;
  const end = start + to - from;
  batch.tokens.set(lead, at);
  batch.tokens[start] = first ?? tokens[from - 1]!;
  batch.tokens.set(tokens.subarray(from, to - 1), start + 1);
  batch.targets.set(tokens.subarray(from, to), start);
  for (let i = from; i < to; i++) batch.bytes += bytesPerToken[tokens[i]!]!;
  markSegment(batch, at, end, segment);
  batch.counted += to - from;
  return end;
}

interface SegmentText {
  readonly tokens: Tokens;
  readonly from: number;
  readonly to: number;
  readonly first?: number | undefined;
}

/** Makes the places `[at … end)` one segment: its number, and positions from 0 on. */
export function markSegment(batch: Batch, at: number, end: number, segment: number): void {
  batch.segments.fill(segment, at, end);
  for (let i = at; i < end; i++) batch.positions[i] = i - at;
}
