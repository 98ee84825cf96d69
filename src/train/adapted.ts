// The adapter that a recipe asks for, over the model that it is for.
import { type Adapter, adapterOf, type Targets } from "../adapt/index.ts";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { PackedScope } from "../nn/index.ts";
import { type Adaptation, frozenIn, packedIn } from "./adaptation.ts";
import { adapterConfigOf } from "./adapter-config.ts";
import type { Recipe } from "./recipe.ts";

/** An adapter that is trained, and the model that it changes. */
export interface Adapted extends Adaptation {
  readonly adapter: Adapter;
}

/** Throws InputError where the recipe's method is none for that model. */
export async function adaptedFrom(recipe: Recipe, base: ModelFolder): Promise<Adapted> {
  const adapter = adapterOf(await adapterConfigOf(recipe, base));
  const trains = (name: string) => adapter.trains(name);
  if (recipe.method !== "qlora") return { adapter, rules: (key) => [adapter.rules(key)], trains, ...frozenIn(base) };
  const scope = new PackedScope((name) => !trains(name));
  return { adapter, rules: (key) => [adapter.rules(key), scope.rules()], trains, ...packedIn(base, scope) };
}

/**
 * Throws InputError where the adapter has changed no layer of the graphs that were built with it, and says which there are.
 */
export function checkChanged({ adapter }: Adapted, where: string): void {
  const { targets } = adapter.config as { readonly targets?: Targets };
  if (targets === undefined || adapter.changed.size > 0) return;
  const kinds = [...new Set(Array.from(adapter.offered, (path) => path.slice(path.lastIndexOf(".") + 1)))];
  throw new InputError(
    `${where}: targets ${JSON.stringify(targets)} match no layer of the model; its layers end in ${kinds.join(", ")}.`,
  );
}
