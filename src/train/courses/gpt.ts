// What the courses of a GPT have in common: its shape, the rows of its batches, the files that it is saved with, and its samples.
import { join } from "node:path";
import { type GenerationOptions, textModelFrom } from "../../generate/index.ts";
import { type GptConfig, gptConfigFrom, gptConfigToJson, gptShape } from "../../models/index.ts";
import { virtualTokenIds } from "../../nn/index.ts";
import { checkRows, type Tokenizer } from "../../tokenizer/index.ts";
import { continuedConfig } from "../continued.ts";
import type { AnyCourse, PresentModel } from "../course.ts";
import type { Recipe } from "../recipe.ts";
import { rowsOf } from "./batches.ts";
import type { Lesson } from "./lesson.ts";

/** Tokens of a sample in the report. */
const sampleTokens = 160;

/** The shape of the model that is trained further, or the recipe's. Throws InputError where the tokenizer has tokens that a base has not. */
export function gptOf({ recipe, tokenizer, base }: Lesson): GptConfig {
  const { model, context, width, layers, heads, kvHeads, hidden, window, dropout, tied = true } = recipe;
  const vocabulary = tokenizer.vocabularySize;
  const shape = { context, width, layers, heads, kvHeads, hidden, window, dropout, tied, vocabulary };
  if (!base) return gptShape({ ...shape, kind: model as GptConfig["kind"] });
  const config = { ...gptConfigFrom(base.config, join(base.path, "config.json")), dropout };
  checkRows(tokenizer, config.vocabulary, base.path);
  return config;
}

/** Rows of a batch, which prompt tuning begins with virtual tokens. */
export function gptRowsOf(recipe: Recipe, tokenizer: Tokenizer, { vocabulary }: GptConfig) {
  const count = recipe.method === "prompt" ? recipe.virtualTokens : 0;
  return { ...rowsOf(recipe, tokenizer), before: virtualTokenIds(count, vocabulary) };
}

/** `config.json` and `generation_config.json`. */
export function gptFiles(
  { tokenizer: { endOfText }, base }: Lesson,
  config: GptConfig,
): Pick<AnyCourse, "config" | "generationConfig"> {
  const made = gptConfigToJson(config, endOfText);
  return {
    config: base ? continuedConfig(base, made) : made,
    generationConfig: base?.spelled.generationConfig ?? { bos_token_id: endOfText, eos_token_id: endOfText, do_sample: true },
  };
}

/** What the model, as it is, writes after a prompt. */
export async function continuation(
  { recipe, tokenizer }: Lesson,
  model: PresentModel & { readonly config: GptConfig },
  prompt: string | readonly number[],
  options: Omit<GenerationOptions, "maxTokens">,
): Promise<string> {
  const textModel = await textModelFrom({ ...model, tokenizer, name: recipe.name, live: true, slots: 1 });
  try {
    let text = "";
    for await (const event of textModel.generate(prompt, { maxTokens: sampleTokens, ...options })) text += event.delta;
    return text;
  } finally {
    await textModel.close();
  }
}
