// An adapter that meets the base it is for: every weight has its place, and programs read base and adapter as one model.
import { join, resolve } from "node:path";
import type { ModelFolder, StoredWeight, Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { type ParameterSpec, Params, type ScopeRules } from "../nn/index.ts";
import { type AdapterConfig, adapterOf } from "./adapter.ts";
import type { AdapterFolder } from "./adapter-folder.ts";
import { checkMatches, outputLayer } from "./matches.ts";
import type { Adapter } from "./method.ts";
import { buildModel } from "./model-scope.ts";

/** Base and adapter together. Leave its rules out of a scope, and read the base's weights, to have the base as it was. */
export interface FittedAdapter {
  readonly folder: AdapterFolder;
  readonly base: ModelFolder;
  readonly adapter: Adapter;
  /** How the scope of one graph answers. */
  rules(): readonly ScopeRules[];
  /** Every weight of the model, those of the adapter among them. */
  readonly specs: readonly ParameterSpec[];
  /** The adapter's weight of that name, where it has one. */
  own(name: string): Weight | undefined;
  /** The adapter's, or the base's. The arguments are those of {@link ModelFolder.weight}, whose errors it throws. */
  weights(name: string, shape: readonly number[], scratch?: Float32Array): Float32Array;
  /** Where a weight lies in the base's files; undefined for what is the adapter's. */
  stored(name: string, shape: readonly number[]): StoredWeight | undefined;
}

/**
 * The adapter of these settings for a base, and every weight of the two together.
 * @param where names the settings in errors
 * @throws InputError where they name layers that the base does not have
 */
export function adapterFor(config: AdapterConfig, base: ModelFolder, where: string): Pick<FittedAdapter, "adapter" | "specs"> {
  const adapter = checked(config, where);
  const p = new Params([adapter.rules()]);
  buildModel(p, base.config, join(base.path, "config.json"));
  checkMatches(adapter, p.all, base.config, where);
  return { adapter, specs: p.all };
}

function checked(config: AdapterConfig, where: string): Adapter {
  try {
    return adapterOf(config);
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${where}: ${error.message}`, { cause: error }) : error;
  }
}

/**
 * Puts an adapter beside a base.
 * @throws InputError where it is for another base: layers that are not there, weights of other shapes or too few
 */
export function fitAdapter(folder: AdapterFolder, base: ModelFolder): FittedAdapter {
  const made = folder.base ? `made for ${folder.base}` : "";
  const { adapter, specs } = adapterFor(folder.config, base, made ? `${folder.path} (${made})` : folder.path);
  const isMeant = folder.base !== "" && resolve(folder.base) === resolve(base.path);
  const stranger = (problem: string) =>
    new InputError(
      isMeant
        ? `${folder.path}${problem}: the adapter was made for ${base.path}, so one of the two is damaged or has changed since; train the adapter again, or put back what it was.`
        : `${folder.path}${problem}: this adapter is for another base than ${base.path}${made && ` (it was ${made})`}.`,
    );
  const unread = new Set(folder.weights.keys());
  const owned = new Map<string, Weight>();
  for (const { name, shape } of specs) {
    // An adapter that was made for a model without a head has its paths without the model's name.
    const stored = [name, name.slice(name.indexOf(".") + 1)].find((spelled) => folder.weights.has(spelled));
    if (stored === undefined) {
      if (adapter.trains(name)) throw stranger(` lacks the tensor ${name} of [${shape.join(", ")}]`);
      continue;
    }
    const weight = folder.weights.get(stored)!;
    if (weight.shape.join() !== shape.join())
      throw stranger(`, tensor ${stored}: its shape is [${weight.shape.join(", ")}] and should be [${shape.join(", ")}]`);
    unread.delete(stored);
    owned.set(name, weight);
    // What the base has in that place is asked for once, so that nobody takes it for a tensor that its config does not call for.
    if (base.storedName(name) !== undefined) base.stored(name, shape);
  }
  const [first] = unread;
  if (first !== undefined) {
    const layer = first.replace(/\.lora_.*$/, "");
    if (outputLayer.test(layer) || specs.some(({ name }) => name === `${layer}.weight` && !adapter.offered.has(layer)))
      throw new InputError(
        `${folder.path} holds the tensor ${first}: slovo does not adapt that layer of ${base.path}, which PEFT can; train the adapter without it.`,
      );
    throw stranger(` holds the tensor ${first}, for which the model has no place`);
  }
  return {
    folder,
    base,
    adapter,
    rules: () => [adapter.rules()],
    specs,
    own: (name) => owned.get(name),
    weights: (name, shape, scratch) => owned.get(name)?.data ?? base.weight(name, shape, scratch).data,
    stored: (name, shape) => (owned.has(name) ? undefined : base.stored(name, shape)),
  };
}
