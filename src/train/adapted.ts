// The adapter that a recipe asks for, over the model that it is for.
import { type Adapter, type AdapterConfig, adapterOf, defaultTargets } from "../adapt/index.ts";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { type Adaptation, frozenIn } from "./adaptation.ts";
import type { Recipe } from "./recipe.ts";

/** An adapter that is trained, and the model that it changes. */
export interface Adapted extends Adaptation {
  readonly adapter: Adapter;
}

/** Throws InputError where the recipe's method is none for that model. */
export function adaptedFrom(recipe: Recipe, base: ModelFolder): Adapted {
  const adapter = adapterOf(configFrom(recipe, base));
  return { adapter, rules: (key) => [adapter.rules(key)], trains: (name) => adapter.trains(name), ...frozenIn(base) };
}

function configFrom(recipe: Recipe, base: ModelFolder): AdapterConfig {
  const { rank, alpha = 2 * rank, adapterDropout: dropout, rankStabilised, modulesToSave } = recipe;
  const targets = recipe.targets ?? defaultTargets(base.config.model_type as string);
  const fanInFanOut = base.config.model_type === "gpt2";
  return { method: "lora", rank, alpha, dropout, rankStabilised, targets, modulesToSave, fanInFanOut };
}

/**
 * Throws InputError where the adapter has changed no layer of the graphs that were built with it, and says which there are.
 */
export function checkChanged({ adapter }: Adapted, where: string): void {
  if (adapter.changed.size > 0) return;
  const kinds = [...new Set(Array.from(adapter.offered, (path) => path.slice(path.lastIndexOf(".") + 1)))];
  throw new InputError(
    `${where}: targets ${JSON.stringify((adapter.config as { targets?: unknown }).targets)} match no layer of the model; its layers end in ${kinds.join(", ")}.`,
  );
}
