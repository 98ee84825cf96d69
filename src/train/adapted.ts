// The adapter that a recipe asks for, over the model that it is for.
import { type Adapter, adapterFor } from "../adapt/index.ts";
import type { ModelFolder } from "../checkpoint/index.ts";
import { Int8Scope, PackedScope } from "../nn/index.ts";
import { type Adaptation, frozenIn, packedIn } from "./adaptation.ts";
import { adapterConfigOf } from "./adapter-config.ts";
import type { Recipe } from "./recipe.ts";

/** An adapter that is trained, and the model that it changes. */
export interface Adapted extends Adaptation {
  readonly adapter: Adapter;
}

/** Throws InputError where the recipe's method is none for that model, or names layers that it does not have. */
export async function adaptedFrom(recipe: Recipe, base: ModelFolder): Promise<Adapted> {
  const { adapter } = adapterFor(await adapterConfigOf(recipe, base), base, recipe.name);
  const trains = (name: string) => adapter.trains(name);
  if (recipe.method !== "qlora" && recipe.arithmetic === "float32")
    return { adapter, rules: (key) => [adapter.rules(key)], trains, ...frozenIn(base) };
  const isFrozen = (name: string) => !trains(name);
  const scope = recipe.method === "qlora" ? new PackedScope(isFrozen) : new Int8Scope(isFrozen);
  return { adapter, rules: (key) => [adapter.rules(key), scope.rules()], trains, ...packedIn(base, scope) };
}
