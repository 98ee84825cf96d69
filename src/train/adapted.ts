// The adapter that a recipe asks for, over the model that it is for.
import { type Adapter, adapterFor } from "../adapt/index.ts";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { weightsIn } from "../generate/index.ts";
import { addsUpInt8, Int8Scope, PackedScope } from "../nn/index.ts";
import { openEngine } from "../runtime/index.ts";
import { adapterConfigOf } from "./adapter-config.ts";
import { type Adaptation, frozenIn, packedIn } from "./frozen-base.ts";
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
    return { adapter, rules: (key) => [adapter.rules(key)], trains, ...frozenIn(weightsIn(base)) };
  if (recipe.arithmetic === "int8" && !(await addsUpInt8(await openEngine())))
    throw new InputError(
      "arithmetic: int8 needs a processor that adds up 8-bit products exactly (on x86 one with VNNI), and this one does not; leave it out.",
    );
  const isFrozen = (name: string) => !trains(name);
  const scope = recipe.method === "qlora" ? new PackedScope(isFrozen) : new Int8Scope(isFrozen);
  return { adapter, rules: (key) => [adapter.rules(key), scope.rules()], trains, ...packedIn(base, scope) };
}
