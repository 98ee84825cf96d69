// What courses on plain text have in common: the tokenised corpus on disk, and batches of it that can be resumed.
import { buildShard, bytesPerToken, type TokenShard } from "../../data/index.ts";
import type { GptConfig } from "../../models/index.ts";
import { virtualTokenIds } from "../../nn/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import type { Recipe } from "../recipe.ts";
import type { BatchSource } from "../trainer.ts";
import type { JobEvents, Lesson } from "./lesson.ts";

/** Tokenises the text of a lesson, or opens the tokens that are there; says what is odd about the text. */
export async function openLessonShard({ recipe, source, tokenizer, folder, events }: Lesson): Promise<TokenShard> {
  const shard = await buildShard(source, {
    folder: folder.file("data"),
    tokenizer,
    split: { by: recipe.split === "tail" ? "tail" : "hash", fraction: recipe.validation },
    onProgress: events.onTokens,
  });
  if (shard.header.skippedRows > 0) events.onNote?.(`${shard.header.skippedRows} rows that could not be read were left out.`);
  noteShortText(recipe, shard, events);
  return shard;
}

/** Says so where the text is too short to learn anything but itself, or is held out in another way than asked for. */
function noteShortText(recipe: Recipe, { header }: TokenShard, { onNote }: JobEvents): void {
  const step = recipe.batch * recipe.accumulation * (recipe.length ?? recipe.context);
  if (header.train.tokens < step) {
    onNote?.(
      `The text has ${header.train.tokens} tokens, less than one step of ${step}: the model will see it over and over and learn it by heart.`,
    );
  }
  if (recipe.split === "document" && header.split.by === "tail") {
    onNote?.(`The text is a single document, so its last ${Math.round(header.split.fraction * 100)} % are held out.`);
  }
}

/** Rows of a batch, as the recipe says. */
export function rowsOf(recipe: Recipe, tokenizer: Tokenizer) {
  return { rows: recipe.batch, length: recipe.length ?? recipe.context, bytesPerToken: bytesPerToken(tokenizer) };
}

/** The same for a GPT, which prompt tuning puts virtual tokens before. */
export function gptRowsOf(recipe: Recipe, tokenizer: Tokenizer, { vocabulary }: GptConfig) {
  const count = recipe.method === "prompt" ? recipe.virtualTokens : 0;
  return { ...rowsOf(recipe, tokenizer), before: virtualTokenIds(count, vocabulary) };
}

/** What the text came to, for the reader of a report. */
export function textOf({ header }: TokenShard): string {
  const number = (x: number) => x.toLocaleString("en");
  return `${number(header.train.tokens)} tokens in ${number(header.train.documents)} documents`;
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
