// What an encoder–decoder is fed: rows of source tokens, and of the target tokens that each should become.
import { ignoredTarget } from "../graph/index.ts";

export interface PairBatch {
  /** `[rows, sourceLength]`. */
  readonly source: Int32Array<ArrayBuffer>;
  /** 0 for text, −1 for padding. */
  readonly sourceSegments: Int32Array<ArrayBuffer>;
  /** `[rows, targetLength]`: what the decoder has read; the targets, moved one place on. */
  readonly decoder: Int32Array<ArrayBuffer>;
  /** What it should say next; `ignoredTarget` in padding. */
  readonly targets: Int32Array<ArrayBuffer>;
  readonly rows: number;
  readonly sourceLength: number;
  readonly targetLength: number;
  readonly counted: number;
  /** UTF-8 bytes of the counted targets. */
  readonly bytes: number;
}

export interface PairTokens {
  readonly source: ArrayLike<number>;
  readonly target: ArrayLike<number>;
}

/** Pads pairs to the given lengths. What is longer must have been cut before. */
export function pairBatch(
  pairs: readonly PairTokens[],
  { rows = pairs.length, sourceLength, targetLength }: { rows?: number; sourceLength: number; targetLength: number },
  { pad, start, bytesPerToken }: { pad: number; start: number; bytesPerToken: Uint16Array },
): PairBatch {
  const source = new Int32Array(rows * sourceLength).fill(pad);
  const sourceSegments = new Int32Array(rows * sourceLength).fill(-1);
  const decoder = new Int32Array(rows * targetLength).fill(pad);
  const targets = new Int32Array(rows * targetLength).fill(ignoredTarget);
  let counted = 0;
  let bytes = 0;
  pairs.forEach((pair, row) => {
    source.set(pair.source, row * sourceLength);
    sourceSegments.fill(0, row * sourceLength, row * sourceLength + pair.source.length);
    targets.set(pair.target, row * targetLength);
    decoder[row * targetLength] = start;
    for (let i = 0; i + 1 < pair.target.length; i++) decoder[row * targetLength + i + 1] = pair.target[i]!;
    for (let i = 0; i < pair.target.length; i++) bytes += bytesPerToken[pair.target[i]!]!;
    counted += pair.target.length;
  });
  // A row that is padding alone looks at itself: attention to nothing has no meaning.
  for (let row = pairs.length; row < rows; row++) sourceSegments[row * sourceLength] = 0;
  return { source, sourceSegments, decoder, targets, rows, sourceLength, targetLength, counted, bytes };
}
