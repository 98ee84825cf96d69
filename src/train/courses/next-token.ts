// The course of a GPT: the next token of plain text.
import { join } from "node:path";
import { PackedBatches, RandomWindows, validationBatches } from "../../data/index.ts";
import { textModelFrom } from "../../generate/index.ts";
import { type GptConfig, gptConfigFrom, gptConfigToJson, gptShape } from "../../models/index.ts";
import { checkRows } from "../../tokenizer/index.ts";
import { continuedConfig } from "../continued.ts";
import type { Course } from "../course.ts";
import { nextToken, type TokenBatch } from "../objectives/next-token.ts";
import type { Recipe } from "../recipe.ts";
import type { Lesson } from "./lesson.ts";
import { first, gptRowsOf, openLessonShard, sourceOf, textOf } from "./shard.ts";

/** Tokens of a sample in the report. */
const sampleTokens = 160;

export async function nextTokenCourse(lesson: Lesson): Promise<Course<TokenBatch>> {
  const { recipe, tokenizer, base } = lesson;
  const config = base
    ? { ...gptConfigFrom(base.config, join(base.path, "config.json")), dropout: recipe.dropout }
    : gptShape({ ...shapeFields(recipe), kind: recipe.model as GptConfig["kind"], vocabulary: tokenizer.vocabularySize });
  if (base) checkRows(tokenizer, config.vocabulary, base.path);
  const shard = await openLessonShard(lesson);
  const options = gptRowsOf(recipe, tokenizer, config);
  const packed = recipe.batches === "packed";
  const { endOfText } = tokenizer;
  const made = gptConfigToJson(config, endOfText);
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
    config: base ? continuedConfig(base, made) : made,
    generationConfig: base?.spelled.generationConfig ?? { bos_token_id: endOfText, eos_token_id: endOfText, do_sample: true },
    async sample(prompt, seed, present) {
      const model = await textModelFrom({ config, ...present, tokenizer, name: recipe.name, live: true, slots: 1 });
      try {
        let text = "";
        const maxTokens = Math.max(1, Math.min(sampleTokens, config.context - tokenizer.encode(prompt).length - 1));
        for await (const event of model.generate(prompt, { maxTokens, temperature: 0.7, topP: 0.95, seed })) text += event.delta;
        return text;
      } finally {
        await model.close();
      }
    },
    [Symbol.dispose]: () => shard.close(),
  };
}

export function shapeFields({ context, width, layers, heads, kvHeads, hidden, window, dropout, tied }: Recipe) {
  return { context, width, layers, heads, kvHeads, hidden, window, dropout, tied: tied ?? true };
}
