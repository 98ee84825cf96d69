// Texts in the frame that a model expects, and where in it they stand.
import type { Tokenizer } from "../tokenizer/index.ts";
import type { FramedText } from "./encoder.ts";

export interface PlacedText extends FramedText {
  /** Where the text's own tokens begin: of a pair, the second's. */
  readonly start: number;
}

/** Tokens that the frame adds to a text, or to a pair. */
export function frameSize(tokenizer: Tokenizer, pair = false): number {
  return tokenizer.frame([], pair ? [] : undefined).ids.length;
}

/** One text in its frame. */
export function frameText(tokenizer: Tokenizer, ids: ArrayLike<number>): PlacedText {
  // A token that no text has shows where the frame puts it.
  return { ...tokenizer.frame(ids), start: tokenizer.frame([-1]).ids.indexOf(-1) };
}

/** Two texts in their frame; `start` is of the second. */
export function framePair(tokenizer: Tokenizer, first: ArrayLike<number>, second: ArrayLike<number>): PlacedText {
  const { ids, typeIds } = tokenizer.frame(first, second);
  return { ids, typeIds, start: tokenizer.frame([-1], [-2]).ids.indexOf(-2) - 1 + first.length };
}

/** How much of two texts is kept so that together they have `most` tokens: the longer gives first, as in Transformers. */
export function fitPair(first: number, second: number, most: number): [number, number] {
  if (first + second <= most) return [first, second];
  const half = Math.floor(most / 2);
  if (first <= second) return first <= half ? [first, most - first] : [half, most - half];
  return second <= half ? [most - second, second] : [most - half, half];
}
