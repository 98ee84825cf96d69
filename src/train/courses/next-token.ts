// The course of a GPT: the next token of plain text.
import { PackedBatches, RandomWindows, validationBatches } from "../../data/index.ts";
import type { Course } from "../course.ts";
import { nextToken, type TokenBatch } from "../objectives/next-token.ts";
import { first, sourceOf } from "./batches.ts";
import { continuation, gptFiles, gptOf, gptRowsOf } from "./gpt.ts";
import type { Lesson } from "./lesson.ts";
import { openLessonShard, textOf } from "./shard.ts";

export async function nextTokenCourse(lesson: Lesson): Promise<Course<TokenBatch>> {
  const { recipe, tokenizer } = lesson;
  const config = gptOf(lesson);
  const shard = await openLessonShard(lesson);
  const options = gptRowsOf(recipe, tokenizer, config);
  const packed = recipe.batches === "packed";
  return {
    objective: nextToken(config, { ...options, packed }),
    // Held-out texts share rows, also where training takes one window a row.
    evaluation: nextToken(config, { ...options, packed: true }),
    batches: () =>
      packed
        ? sourceOf(PackedBatches, shard.train, options, recipe.seed)
        : sourceOf(RandomWindows, shard.train, options, recipe.seed),
    validation: () => first(recipe.evaluateBatches, validationBatches(shard.validation, options)),
    tokensIn: () => options.rows * options.length,
    batchesPerEpoch: Math.ceil(shard.header.train.tokens / (options.rows * options.length)),
    trainingTokens: shard.header.train.tokens,
    trainingText: textOf(shard),
    ...gptFiles(lesson, config),
    sample: (prompt, seed, present) =>
      continuation(lesson, { config, ...present }, prompt, { temperature: 0.7, topP: 0.95, seed }),
    [Symbol.dispose]: () => shard.close(),
  };
}
