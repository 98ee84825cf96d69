// Merging: the base's own matrices as they become with an adapter in them, in memory or as a model folder.
import { type ModelFolder, narrowFloats, type Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { methodOf } from "./adapter.ts";
import { withAddedBiases } from "./added-biases.ts";
import type { FittedAdapter } from "./fitted-adapter.ts";

/** What an adapter makes of the base's weights; those that stay are not among them. */
function* mergedWeights(
  fitted: FittedAdapter,
  read: (name: string, shape: readonly number[]) => Weight,
): Generator<[name: string, weight: Weight]> {
  const { adapter, specs, base } = fitted;
  const { merge } = adapter;
  const method = methodOf(adapter.config).peftType;
  if (!merge)
    throw new InputError(
      `${fitted.folder.path}: an adapter of the type ${method} changes no matrix of the base, so it cannot be merged; use it with --adapter.`,
    );
  const own = (name: string) => fitted.own(name)!;
  for (const { name, shape } of specs) {
    if (adapter.adds(name)) continue;
    // What the adapter has in the base's place may itself be changed: PEFT keeps a copy of a table of embeddings that it changes.
    const inPlace = fitted.own(name);
    const changed = merge(name, inPlace ?? read(name, shape), own);
    const data = changed ?? inPlace?.data;
    if (!data) continue;
    if (changed && base.config.tie_word_embeddings !== false && isTable(fitted, name))
      throw new InputError(
        `${fitted.folder.path} changes the embeddings ${name}, which are also the output layer of ${base.path} (tie_word_embeddings): merging would change that too; use the adapter with --adapter.`,
      );
    yield [name, { shape, data }];
  }
}

const isTable = ({ adapter }: FittedAdapter, name: string): boolean =>
  adapter.changed.get(name.replace(/\.weight$/, ""))?.kind === "embedding" && !/position|token_type/.test(name);

/** Weights in memory that an adapter was merged into. */
export interface Merged {
  /** Puts back the bits that were there before. */
  unmerge(): void;
}

/**
 * Merges an adapter into arrays that hold the base's weights, by name: `W + B·A` in place of `W`, and no further work in any step.
 * What was there is kept for `unmerge`: copies of the matrices that change, and of no others.
 *
 * @throws InputError where the method cannot be merged, or would change two layers where it means one; nothing is changed then
 */
export function mergeInto(fitted: FittedAdapter, weights: ReadonlyMap<string, Weight>): Merged {
  const before = new Map<Float32Array, Float32Array>();
  const [homeless] = withAddedBiases(fitted).biases.keys();
  if (homeless !== undefined)
    throw new InputError(
      `${fitted.folder.path} holds the bias ${homeless}, for which the base in memory has no place: use it with --adapter, or write a merged model.`,
    );
  const changes = [...mergedWeights(fitted, (name) => weights.get(name)!)];
  for (const [name, { data }] of changes) {
    const target = weights.get(name)!.data;
    before.set(target, target.slice());
    target.set(data);
  }
  return {
    unmerge() {
      for (const [target, data] of before) target.set(data);
      before.clear();
    },
  };
}

/** A model folder that is not written yet. */
export type MergedModel = Pick<ModelFolder, "path" | "tensors" | "spelled">;

/**
 * The base's folder with an adapter merged into it, to be written: tensors that change keep their element type, the others their bytes,
 * which are views of the base's files, so these must stay open until then. `config.json` says so where there are biases now.
 *
 * @throws InputError as {@link mergeInto} does, and where the model's type has no place for a bias
 */
export function mergedModel(fitted: FittedAdapter): MergedModel {
  const { base, folder } = fitted;
  const { config, biases } = withAddedBiases(fitted);
  const tensors = new Map(base.tensors);
  for (const [name, { shape, data }] of mergedWeights(fitted, (name, shape) => base.weight(name, shape))) {
    const stored = base.storedName(name) ?? name;
    const dtype = (base.tensors.get(stored)?.stored?.dtype ?? "F32") as "F32" | "F16" | "BF16";
    const where = `${folder.path} merged into ${base.path}, tensor ${name}`;
    tensors.set(stored, { dtype: "float32", shape, data, stored: narrowFloats(data, dtype, where) });
  }
  for (const [name, weight] of biases) tensors.set(name, { dtype: "float32", ...weight });
  return { path: base.path, tensors, spelled: { ...base.spelled, config } };
}
