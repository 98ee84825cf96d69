// Refuses a run that cannot fit into the machine's memory, before it begins.
import { totalmem } from "node:os";
import { spanSizes } from "../data/index.ts";
import { InputError } from "../errors.ts";
import { familyOf, usualHidden } from "../models/index.ts";
import type { Recipe } from "./recipe.ts";

const bytesPerNumber = 4;
const gibibyte = 2 ** 30;
/** What a base held in few bits takes of its float32 at the most, that is where it is all tables. */
const packedShare = 0.3;

/**
 * About how much memory a recipe needs, in bytes: weights, gradients and two moments, and what the backward pass keeps of
 * each token in each layer (a dozen vectors of the residual stream, five of the feed-forward layer, the rows of attention), and
 * the tables of rotary positions (for two bases, in the graph and in its file). `frozen` numbers are held once and not trained,
 * with method qlora in fewer bits.
 */
export function memoryOf(recipe: Recipe, parameters: number, frozen = 0): number {
  const { model, width, layers, heads, batch, context, length = context, accumulation } = recipe;
  const family = familyOf({ model_type: model });
  const hidden = hiddenOf(recipe);
  const copies = 4 + (accumulation > 1 ? 1 : 0) + (recipe.optimizer === "muon" ? 1 : 0);
  const kept = (tokens: number, seen: number) => batch * tokens * layers * (12 * width + 5 * hidden + heads * seen);
  const target = family === "t5" ? targetLengthOf(recipe, length) : 0;
  const tables = family === "t5" || learnsPositions(model) ? 0 : 4 * context * (width / heads);
  const held = recipe.method === "qlora" ? packedShare * frozen : frozen;
  return bytesPerNumber * (parameters * copies + held + kept(length, length) + kept(target, target + length) + tables);
}

/** Parameters that the model of a recipe has at the least: the feed-forward layers, and a table of positions where it learns one. */
export function leastParameters(recipe: Recipe): number {
  const { model, width, layers, context } = recipe;
  const sides = familyOf({ model_type: model }) === "t5" ? 2 : 1;
  return sides * layers * 2 * width * hiddenOf(recipe) + (learnsPositions(model) ? context * width : 0);
}

/** GPT-2 and the BERTs before ModernBERT, whose feed-forward layer is plain, too. */
const learnsPositions = (model: Recipe["model"]) =>
  model === "gpt2" || (familyOf({ model_type: model }) === "bert" && model !== "modernbert");

const hiddenOf = ({ model, width, hidden }: Recipe) => hidden ?? usualHidden(learnsPositions(model) ? "gpt2" : "llama", width);

/** Tokens of a row that the decoder reads. */
function targetLengthOf({ objective, targetLength, maskShare, spanLength }: Recipe, length: number): number {
  return objective === "span-corruption" ? spanSizes(length, maskShare, spanLength).target : (targetLength ?? length);
}

/** Throws InputError where training so many parameters, beside `frozen` ones, needs more memory than the machine has. */
export function checkMemory(recipe: Recipe, parameters: number, frozen = 0): void {
  const needed = memoryOf(recipe, parameters, frozen);
  const there = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  if (needed <= there) return;
  const gib = (bytes: number) => (bytes / gibibyte).toLocaleString("en", { maximumFractionDigits: 1 });
  throw new InputError(
    `this run needs about ${gib(needed)} GiB of memory and the machine has ${gib(there)}: make width, layers, context, batch or length smaller.`,
  );
}
