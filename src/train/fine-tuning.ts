// What a fine-tuning begins with where its user does not say: numbers that follow from the model, the method and the data.
import { join } from "node:path";
import type { ModelFolder } from "../checkpoint/index.ts";
import { endingOf } from "../data/index.ts";
import { familyOf } from "../models/index.ts";
import { checkRecipe } from "./check-recipe.ts";
import { withShapeOf } from "./continued.ts";
import type { Recipe, RecipeInput } from "./recipe.ts";

/** Peak learning rates for a model 256 wide, for others by its width: at 4096, LoRA's usual 2e-4. The less a method changes, the more it bears. */
const rates: Record<Recipe["method"], number> = {
  full: 5e-4,
  ...{ lora: 3e-3, qlora: 3e-3, dora: 3e-3, bottleneck: 3e-3 },
  ...{ bitfit: 3e-3, ia3: 2e-2, prefix: 1e-2, prompt: 3e-2 },
};
const lowRank: readonly Recipe["method"][] = ["lora", "qlora", "dora"];

/** Tokens of one step, about. */
const tokensPerStep = 2048;
const longestRow = 1024;

/**
 * A recipe for training the model in `base` further on `data`, with what the user says of it (`given`) over the rest. A GPT learns from
 * conversations, or from plain text where the data is that. Learning rates fall with the width, as wider models bear less.
 * @throws InputError where the fields given make no recipe
 */
export function fineTuningRecipe(base: ModelFolder, given: Partial<RecipeInput> & { name: string }): RecipeInput {
  const { data, method = "lora", field, steps, minutes, epochs, virtualTokens } = given;
  const family = familyOf(base.config, join(base.path, "config.json"));
  const isText = field !== undefined || [data ?? []].flat().some((path) => [".txt", ".md"].includes(endingOf(path)));
  const objective = family === "gpt" ? (isText ? "next-token" : "conversation") : undefined;
  // Virtual tokens take room that rows do not have then.
  const least = { name: given.name, from: base.path, method, virtualTokens, steps: 1, context: longestRow };
  const shape = withShapeOf(checkRecipe(least, given.name), base);
  const { length = shape.length! } = given;
  return {
    from: base.path,
    method,
    ...(objective && { objective }),
    ...(lowRank.includes(method) && { targets: "all-linear" }),
    length,
    batch: Math.max(1, Math.round(tokensPerStep / length)),
    learningRate: rounded((rates[method] * 256) / shape.width),
    ...{ weightDecay: 0, warmup: 20, validation: 0.05, evaluateEvery: 50, worldTokens: 1_000_000 },
    ...(family === "gpt" && [steps, minutes, epochs].every((span) => span === undefined) && { epochs: 3 }),
    ...given,
  };
}

/** To two digits, as people write them. */
const rounded = (rate: number) => Number(rate.toPrecision(2));
