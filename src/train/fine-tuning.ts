// What a fine-tuning begins with where its user does not say: numbers that follow from the model, the method and the data.
import { join } from "node:path";
import type { ModelFolder } from "../checkpoint/index.ts";
import { endingOf } from "../data/index.ts";
import { familyOf } from "../models/index.ts";
import { withShapeOf } from "./continued.ts";
import { checkRecipe, type RecipeInput } from "./recipe.ts";

/** Tokens of one step, about. */
const tokensPerStep = 2048;
const longestRow = 1024;

/**
 * A recipe for training the model in `base` further on `data`, with what the user says of it (`given`) over the rest. A GPT learns from
 * conversations, or from plain text where the data is that. Learning rates fall with the width, as wider models bear less; what an
 * adapter adds begins at nothing, and bears more.
 * @throws InputError where the fields given make no recipe
 */
export function fineTuningRecipe(base: ModelFolder, given: Partial<RecipeInput> & { name: string }): RecipeInput {
  const { data, method = "lora", field, steps, minutes, epochs } = given;
  const family = familyOf(base.config, join(base.path, "config.json"));
  const isText = field !== undefined || [data ?? []].flat().some((path) => [".txt", ".md"].includes(endingOf(path)));
  const objective = family === "gpt" ? (isText ? "next-token" : "conversation") : undefined;
  const shape = withShapeOf(checkRecipe({ name: given.name, from: base.path, steps: 1, context: longestRow }, given.name), base);
  const { length = shape.length! } = given;
  const full = method === "full";
  return {
    from: base.path,
    method,
    ...(objective && { objective }),
    ...(!full && { targets: "all-linear" }),
    length,
    batch: Math.max(1, Math.round(tokensPerStep / length)),
    learningRate: rounded(full ? 3e-4 * (256 / shape.width) : 1e-3 * Math.sqrt(256 / shape.width)),
    ...{ weightDecay: 0, warmup: 20, validation: 0.05, evaluateEvery: 50, worldTokens: 1_000_000 },
    ...(family === "gpt" && [steps, minutes, epochs].every((span) => span === undefined) && { epochs: 3 }),
    ...given,
  };
}

/** To two digits, as people write them. */
const rounded = (rate: number) => Number(rate.toPrecision(2));
