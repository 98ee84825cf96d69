// Training that goes on from a model: its shape takes the place of the recipe's, and its config.json stays, but for what changes.
import { join } from "node:path";
import type { ModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { bertConfigFrom, type Family, familyOf, gptConfigFrom, t5ConfigFrom } from "../models/index.ts";
import { checkObjective } from "./check-recipe.ts";
import type { Recipe } from "./recipe.ts";

interface Shape {
  readonly kind: Recipe["model"];
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  /** The most positions of a text, where the model sets an end. */
  readonly context?: number;
}

const shapeOf: Record<Family, (json: unknown, where: string) => Shape> = {
  gpt: gptConfigFrom,
  bert: bertConfigFrom,
  t5(json, where) {
    const { kind, width, encoderLayers: layers, heads, hidden } = t5ConfigFrom(json, where);
    return { kind, width, layers, heads, hidden };
  },
};

/**
 * The recipe with the shape of the model that it continues. Rows are as long as the recipe says, but by default no longer than
 * the model's positions. Throws InputError where the recipe asks for what that model cannot do.
 */
export function withShapeOf(recipe: Recipe, base: ModelFolder): Recipe {
  const where = join(base.path, "config.json");
  const family = familyOf(base.config, where);
  checkObjective(recipe, family, `the model in ${base.path}`, recipe.name);
  const { kind, width, layers, heads, hidden, context } = shapeOf[family](base.config, where);
  const { method, virtualTokens } = recipe;
  const positions = context ?? recipe.context;
  // A prefix stands before the rows, virtual tokens in them.
  const before = method === "prefix" ? virtualTokens : 0;
  const within = method === "prompt" ? virtualTokens : 0;
  const room = positions - before;
  const { length = Math.min(recipe.context, room) } = recipe;
  if (before + within > 0 && length - within < 2)
    throw new InputError(
      `${recipe.name}: ${virtualTokens} virtual tokens leave no room for text in rows of ${recipe.length ?? positions} tokens: give fewer virtualTokens.`,
    );
  if (context !== undefined && length > room)
    throw new InputError(
      `${recipe.name}: rows of ${length} tokens${before > 0 ? ` behind ${before} virtual ones` : ""} do not fit the model in ${base.path}, which has ${context} positions: give length: ${room} or less.`,
    );
  return { ...recipe, model: kind, width, layers, heads, hidden, length, context: positions };
}

/** `config.json` of a model that has been trained further: its own, but for its head and its numbers, which are those of `made`. */
export function continuedConfig(base: ModelFolder, made: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { torch_dtype: _, ...fields } = base.spelled.config;
  return { ...fields, architectures: made.architectures, dtype: made.dtype };
}
