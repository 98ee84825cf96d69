// Refuses a run that cannot fit into the machine's memory, before it begins.
import { totalmem } from "node:os";
import { spanSizes } from "../data/index.ts";
import { InputError } from "../errors.ts";
import { familyOf, usualHidden } from "../models/index.ts";
import { parametersOf } from "./loss-program.ts";
import type { Counted, Objective } from "./objective.ts";
import type { Recipe } from "./recipe.ts";

const bytesPerNumber = 4;
const gibibyte = 2 ** 30;

/**
 * About how much memory a recipe needs, in bytes: weights, gradients and two moments, and what the backward pass keeps of
 * each token in each layer (a dozen vectors of the residual stream, five of the feed-forward layer, the rows of attention).
 */
export function memoryOf(recipe: Recipe, parameters: number): number {
  const { model, width, layers, heads, batch, context, length = context, accumulation } = recipe;
  const family = familyOf({ model_type: model });
  const plain = model === "gpt2" || (family === "bert" && model !== "modernbert");
  const hidden = recipe.hidden ?? usualHidden(plain ? "gpt2" : "llama", width);
  const copies = 4 + (accumulation > 1 ? 1 : 0) + (recipe.optimizer === "muon" ? 1 : 0);
  const kept = (tokens: number, seen: number) => batch * tokens * layers * (12 * width + 5 * hidden + heads * seen);
  const target = family === "t5" ? targetLengthOf(recipe, length) : 0;
  return bytesPerNumber * (parameters * copies + kept(length, length) + kept(target, target + length));
}

/** Tokens of a row that the decoder reads. */
function targetLengthOf({ objective, targetLength, maskShare, spanLength }: Recipe, length: number): number {
  return objective === "span-corruption" ? spanSizes(length, maskShare, spanLength).target : (targetLength ?? length);
}

/** Throws InputError where training the model of an objective needs more memory than the machine has. */
export function checkMemory<Batch extends Counted>(recipe: Recipe, objective: Objective<Batch>): void {
  const parameters = parametersOf(objective).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const needed = memoryOf(recipe, parameters);
  const there = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  if (needed <= there) return;
  const gib = (bytes: number) => (bytes / gibibyte).toLocaleString("en", { maximumFractionDigits: 1 });
  throw new InputError(
    `this run needs about ${gib(needed)} GiB of memory and the machine has ${gib(there)}: make width, layers, batch or length smaller.`,
  );
}
