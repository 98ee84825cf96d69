// What courses on plain text have in common: the tokenised corpus on disk, and what is said of it.
import { buildShard, type TokenShard } from "../../data/index.ts";
import type { Recipe } from "../recipe.ts";
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

/** What the text came to, for the reader of a report. */
export function textOf({ header }: TokenShard): string {
  const number = (x: number) => x.toLocaleString("en");
  return `${number(header.train.tokens)} tokens in ${number(header.train.documents)} documents`;
}
