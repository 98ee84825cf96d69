// Several LoRA adapters as one, each with a weight: PEFT's `add_weighted_adapter`.
import type { Weight } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import type { AdapterContents, AdapterFolder } from "./adapter-folder.ts";
import { type LoraConfig, loraFactors } from "./lora.ts";

/**
 * "cat" keeps every addition whole: the rank of the whole is the sum of the ranks. "linear" adds up the factors themselves and keeps the
 * rank, which is the sum of the additions only where the adapters are alike.
 */
export const combinations = ["cat", "linear"] as const;
export type Combination = (typeof combinations)[number];

export interface WeightedAdapter {
  readonly adapter: AdapterFolder;
  readonly weight: number;
}

/** One adapter's share of a layer. */
interface Part {
  readonly a: Weight;
  readonly b: Weight;
  /** The weight times what its product is multiplied by. */
  readonly scale: number;
}

/**
 * @throws InputError where one of them is no plain LoRA, two change a layer in sizes that do not go together, or both keep a module whole
 */
export function combineAdapters(adapters: readonly WeightedAdapter[], how: Combination = "cat"): AdapterContents {
  const layers = new Map<string, Part[]>();
  const weights = new Map<string, Weight>();
  const modulesToSave = new Set<string>();
  for (const { adapter, weight } of adapters) {
    const config = plainLora(adapter);
    const { scaleOf } = loraFactors(config);
    for (const module of config.modulesToSave) modulesToSave.add(module);
    for (const [name, a] of adapter.weights) {
      const [, path, kind] = /^(.*)\.lora_(A\.weight|embedding_A|B\.weight|embedding_B)$/.exec(name) ?? [];
      if (path === undefined) {
        if (weights.has(name))
          throw new InputError(
            `${adapter.path}: another of the adapters has ${name} too, and of a whole module there can be one.`,
          );
        weights.set(name, a);
      } else if (kind!.includes("A")) {
        const b = adapter.weights.get(name.replace(/A(\.weight)?$/, "B$1"));
        if (!b) throw new InputError(`${adapter.path} has ${name}, but not the B that belongs to it: the adapter is incomplete.`);
        const parts = layers.get(name) ?? [];
        const first = parts[0] ?? { a, b };
        if (first.a.shape[1] !== a.shape[1] || first.b.shape[0] !== b.shape[0])
          throw new InputError(
            `${adapter.path}: ${path} is [${b.shape[0]}, ${a.shape[1]}], and [${first.b.shape[0]}, ${first.a.shape[1]}] in ${adapters[0]!.adapter.path}: they are for different bases.`,
          );
        layers.set(name, [...parts, { a, b, scale: weight * scaleOf(path) }]);
      }
    }
  }
  const ranks = Array.from(layers.values(), (parts) => rankOf(parts, how));
  const rank = Math.max(...ranks);
  if (how === "linear" && ranks.some((other) => other !== rank || Number.isNaN(other)))
    throw new InputError(
      `${adapters.map(({ adapter }) => adapter.path).join(" and ")} are of different ranks, which cannot be added up by "linear": use "cat".`,
    );
  for (const [name, parts] of layers) {
    const { a, b } = how === "cat" ? concatenated(parts, rank) : added(parts);
    weights.set(name, a).set(name.replace(/A(\.weight)?$/, "B$1"), b);
  }
  const targets = Array.from(layers.keys(), (name) => name.replace(/\.lora_(A\.weight|embedding_A)$/, ""));
  const { config: first, base, chatTemplate } = adapters[0]!.adapter;
  // The factors hold all scales; alpha / rank is 1.
  const plain = { method: "lora", rank, alpha: rank, dropout: 0, rankStabilised: false } as const;
  const { fanInFanOut } = first as LoraConfig;
  return { config: { ...plain, targets, modulesToSave: [...modulesToSave], fanInFanOut }, base, weights, chatTemplate };
}

function plainLora({ config, path }: AdapterFolder): LoraConfig {
  const kind =
    config.method !== "lora" ? config.method : config.decomposed ? "DoRA" : config.bias !== "none" ? "LoRA with biases" : "";
  if (config.method === "lora" && kind === "") return config;
  throw new InputError(`${path} is an adapter of the kind ${kind}; only plain LoRA adapters can be combined.`);
}

function rankOf(parts: readonly Part[], how: Combination): number {
  const ranks = parts.map(({ a }) => a.shape[0]!);
  if (how === "cat") return ranks.reduce((sum, rank) => sum + rank, 0);
  return ranks.every((rank) => rank === ranks[0]) ? ranks[0]! : Number.NaN;
}

/** A one below the other, B side by side; the rest up to `rank` is zeros. The scales are in A. */
function concatenated(parts: readonly Part[], rank: number): { a: Weight; b: Weight } {
  const inputs = parts[0]!.a.shape[1]!;
  const outputs = parts[0]!.b.shape[0]!;
  const a = { shape: [rank, inputs], data: new Float32Array(rank * inputs) };
  const b = { shape: [outputs, rank], data: new Float32Array(outputs * rank) };
  let at = 0;
  for (const { a: ownA, b: ownB, scale } of parts) {
    const own = ownA.shape[0]!;
    a.data.set(
      ownA.data.map((x) => x * scale),
      at * inputs,
    );
    for (let i = 0; i < outputs; i++) b.data.set(ownB.data.subarray(i * own, (i + 1) * own), i * rank + at);
    at += own;
  }
  return { a, b };
}

/** Both factors summed, each multiplied by the root of its scale; A has the sign. */
function added(parts: readonly Part[]): { a: Weight; b: Weight } {
  const root = ({ scale }: Part) => Math.sqrt(Math.abs(scale));
  return {
    a: weightedSum(parts.map((part) => [part.a, Math.sign(part.scale) * root(part)])),
    b: weightedSum(parts.map((part) => [part.b, root(part)])),
  };
}

function weightedSum(terms: readonly (readonly [weight: Weight, factor: number])[]): Weight {
  const [{ shape, data: first }] = terms[0]!;
  const data = new Float32Array(first.length);
  for (const [weight, factor] of terms) for (let i = 0; i < data.length; i++) data[i]! += weight.data[i]! * factor;
  return { shape, data };
}
