// The batches of a course: their rows by the recipe, and streams of them that can go back to where they were.
import { bytesPerToken } from "../../data/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import type { Recipe } from "../recipe.ts";
import type { BatchSource } from "../trainer.ts";

/** Rows of a batch, as the recipe says. */
export function rowsOf(recipe: Recipe, tokenizer: Tokenizer) {
  return { rows: recipe.batch, length: recipe.length ?? recipe.context, bytesPerToken: bytesPerToken(tokenizer) };
}

/** A class of batches: made from the beginning, or where a state was taken. */
export interface BatchKind<Data, Options, Batch> {
  new (data: Data, options: Options & { seed: number }): { next(): Batch; state(): unknown };
  restore(data: Data, options: Options, state: unknown): { next(): Batch; state(): unknown };
}

/** Batches of some data as a source that can go back to where it was. */
export function sourceOf<Data, Options, Batch>(
  kind: BatchKind<Data, Options, Batch>,
  data: Data,
  options: Options,
  seed: number,
): BatchSource<Batch> {
  let batches = new kind(data, { ...options, seed });
  return {
    next: () => batches.next(),
    state: () => batches.state(),
    restore: (state) => {
      batches = kind.restore(data, options, state);
    },
  };
}

/** The first batches of a stretch of validation text, at least one; no more of them are made. */
export function* first<Batch>(count: number, batches: Iterable<Batch>): Generator<Batch> {
  let taken = 0;
  for (const batch of batches) {
    yield batch;
    if (++taken >= count) return;
  }
}
