// The settings of the adapter that a recipe asks for, beside the model that it is for.
import { join } from "node:path";
import {
  type AdapterConfig,
  bottleneckTargets,
  ia3Targets,
  loraTargets,
  type PrefixTuningConfig,
  type PromptTuningConfig,
  type Targets,
  withPeftFields,
} from "../adapt/index.ts";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { familyOf, type GptConfig, gptConfigFrom } from "../models/index.ts";
import { Random } from "../runtime/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import type { Recipe } from "./recipe.ts";

/** Throws InputError where the recipe's method is none for that model, or its settings are none of the method. */
export async function adapterConfigOf(recipe: Recipe, base: ModelFolder): Promise<AdapterConfig> {
  const config = await methodConfig(recipe, base);
  if (recipe.peft && config.method === "prompt")
    throw new InputError(
      `${recipe.name}: method: prompt takes no field peft; virtualTokens, promptInit and promptText say all that there is to say.`,
    );
  return recipe.peft ? withPeftFields(config, recipe.peft, `${recipe.name}, peft`) : config;
}

async function methodConfig(recipe: Recipe, base: ModelFolder): Promise<AdapterConfig> {
  const { method, rank, alpha = 2 * rank, adapterDropout: dropout, rankStabilised, modulesToSave } = recipe;
  const modelType = base.config.model_type as string;
  const selection = (usual: Targets) => ({ targets: recipe.targets ?? usual, modulesToSave });
  const fanInFanOut = modelType === "gpt2";
  switch (method) {
    case "prompt":
      return promptConfig(recipe, base);
    case "prefix":
      return prefixConfig(recipe, base);
    case "bottleneck":
      return { method, width: recipe.bottleneck, ...selection(bottleneckTargets(modelType)) };
    case "bitfit":
      return { method, ...selection("all-linear") };
    case "ia3": {
      const { targets, feedForward } = ia3Targets(modelType);
      return { method, feedForward, ...selection(targets), fanInFanOut };
    }
    default: {
      const layers = selection(loraTargets(modelType));
      return { method: "lora", rank, alpha, dropout, rankStabilised, decomposed: method === "dora", ...layers, fanInFanOut };
    }
  }
}

/** The words that virtual tokens begin as are drawn from the whole vocabulary, or are those of a text, over and over until they suffice. */
async function promptConfig(recipe: Recipe, base: ModelFolder): Promise<PromptTuningConfig> {
  const { virtualTokens, promptText, promptInit, seed, name } = recipe;
  const { width, vocabulary } = gptOf(recipe, base);
  const config = { method: "prompt", virtualTokens, width } as const;
  if (promptText !== undefined) {
    const ids = (await loadTokenizer(base.path)).encode(promptText);
    if (ids.length === 0)
      throw new InputError(`${name}: promptText must hold at least one token, got ${JSON.stringify(promptText)}.`);
    const words = Array.from({ length: virtualTokens }, (_, i) => ids[i % ids.length]!);
    return { ...config, initial: { kind: "text", text: promptText, tokenizer: base.path }, words };
  }
  if (promptInit === "random") return { ...config, initial: { kind: "random" } };
  const random = new Random(seed, "prompt");
  const words = Array.from({ length: virtualTokens }, () => random.integer(vocabulary));
  return { ...config, initial: { kind: "vocabulary" }, words };
}

function prefixConfig(recipe: Recipe, base: ModelFolder): PrefixTuningConfig {
  const config = gptOf(recipe, base);
  const { layers, heads, width } = config;
  const keys =
    config.kind === "gpt2"
      ? { kvHeads: heads, headWidth: width / heads }
      : { kvHeads: config.kvHeads, headWidth: config.headWidth };
  return { method: "prefix", virtualTokens: recipe.virtualTokens, layers, ...keys };
}

function gptOf({ method, name }: Recipe, base: ModelFolder): GptConfig {
  const where = join(base.path, "config.json");
  if (familyOf(base.config, where) === "gpt") return gptConfigFrom(base.config, where);
  throw new InputError(
    `${name}: method: ${method} puts virtual tokens before a text that a GPT continues, and the model in ${base.path} is a ${base.config.model_type}: use lora, bottleneck or bitfit.`,
  );
}
