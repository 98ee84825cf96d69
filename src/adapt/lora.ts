// LoRA (Hu et al. 2021): beside a frozen matrix W, the product of two narrow ones: y = W·x + (alpha / rank)·B·A·x. With DoRA's magnitudes.
import { z } from "zod";
import type { Weight } from "../checkpoint/index.ts";
import { add, dropout, linear, matmul, mul, sub, type Tensor, take, transpose } from "../graph/index.ts";
import type { EmbeddingCall, LinearCall, Params } from "../nn/index.ts";
import { directionScale, magnitudeName, magnitudeOf, type OutputAxis, withLengths } from "./dora.ts";
import type { Adapter, ChangedLayer, Method, OwnWeights } from "./method.ts";
import { layerFields, readPeftFields, selectionFields, selectionFrom, selectionToJson } from "./peft-config.ts";
import { isSaved, patternTable, type Selection } from "./targets.ts";
import { watchedLayers } from "./watched-layers.ts";

export interface LoraConfig extends Selection {
  readonly method: "lora";
  readonly rank: number;
  /** The addition is multiplied by alpha / rank, or alpha / √rank where it is `rankStabilised`. */
  readonly alpha: number;
  /** Other ranks and alphas for layers whose paths end in a match of a regular expression. */
  readonly rankPattern?: Readonly<Record<string, number>>;
  readonly alphaPattern?: Readonly<Record<string, number>>;
  /** Share of a layer's inputs that its addition does not see while it is trained. */
  readonly dropout: number;
  /** rsLoRA (Kalajdzievski 2023). */
  readonly rankStabilised: boolean;
  /** DoRA (Liu et al. 2024): each output has a length that is learned apart from its direction. */
  readonly decomposed?: boolean;
  /** Which biases of the base are trained: none when left out, those of the changed layers, or all. */
  readonly bias?: "none" | "lora_only" | "all";
  /** Layers that are changed keep their matrices `[in, out]`, as GPT-2's do: said in PEFT's file, and known from the layers themselves. */
  readonly fanInFanOut?: boolean;
}

/** Dropout masks of adapters are numbered from here, so that none is one of the model's own. */
const firstSite = 1 << 20;

const names = {
  linear: { a: "lora_A.weight", b: "lora_B.weight" },
  embedding: { a: "lora_embedding_A", b: "lora_embedding_B" },
} as const;
const own = /\.lora_([AB]\.weight|embedding_[AB]|magnitude_vector)$/;

/** The rank of the addition to the layer of a path, and what the product of its A and B is multiplied by. */
export function loraFactors(config: LoraConfig) {
  const [rankIn, alphaIn] = [patternTable(config.rankPattern), patternTable(config.alphaPattern)];
  const rankOf = (path: string) => rankIn(path) ?? config.rank;
  const scaleOf = (path: string) => {
    const rank = rankOf(path);
    return (alphaIn(path) ?? config.alpha) / (config.rankStabilised ? Math.sqrt(rank) : rank);
  };
  return { rankOf, scaleOf };
}

function loraAdapter(config: LoraConfig): Adapter<LoraConfig> {
  const { offered, changed, isTarget, takes, takesLinear } = watchedLayers(config);
  const { rankOf, scaleOf } = loraFactors(config);
  /** What DoRA multiplies each output by; nothing without it. */
  const stretch = (scope: Params, { a, b }: Factors, shape: readonly number[], axis: OutputAxis): Tensor | undefined => {
    if (!config.decomposed) return undefined;
    const weight = scope.weight("weight", shape);
    const magnitude = scope.weight(magnitudeName, [shape[axis]!], magnitudeOf(scope.name("weight"), shape, axis));
    return directionScale(magnitude, add(weight, product(a, b, axis, scaleOf(scope.path))), axis);
  };

  function changeLinear(call: LinearCall, plain: (x?: Tensor) => Tensor, drop: Drop): Tensor {
    const scope = takesLinear(call);
    if (!scope || rankOf(scope.path) === 0) return plain();
    const { x, outputs, options } = call;
    const inputs = x.shape.at(-1) as number;
    // PEFT draws A from a uniform distribution; this is the normal one with its variance.
    const a = scope.weight(names.linear.a, [rankOf(scope.path), inputs], { normal: 1 / Math.sqrt(3 * inputs) });
    const b = scope.weight(names.linear.b, [outputs, rankOf(scope.path)], { fill: 0 });
    const [seen, y] = [drop(x), plain()];
    const addition = matmul(linear(seen, a), b, { transposeB: true, scale: scaleOf(scope.path) });
    const axis = outputAxis(changed.get(scope.path)!);
    const factor = stretch(scope, { a, b }, axis === 0 ? [outputs, inputs] : [inputs, outputs], axis);
    if (!factor) return add(y, addition);
    // The bias has no direction. Where inputs are dropped, the learned length is of the sum over those that are left, as in PEFT.
    const bias = options.bias ? scope.weight("bias", [outputs]) : undefined;
    const kept = seen === x ? y : plain(seen);
    const stretched = mul(factor, add(kept, addition));
    const rest = bias && sub(bias, mul(factor, bias));
    if (seen === x) return rest ? add(stretched, rest) : stretched;
    return add(add(sub(y, kept), stretched), rest ?? 0);
  }

  function changeEmbedding({ p, ids, name, rows, width }: EmbeddingCall, plain: () => Tensor): Tensor {
    const scope = p.at(name);
    if (!takes(scope.path, { kind: "embedding" }) || rankOf(scope.path) === 0) return plain();
    const a = scope.weight(names.embedding.a, [rankOf(scope.path), rows], { fill: 0 });
    const b = scope.weight(names.embedding.b, [width, rankOf(scope.path)], { normal: 1 });
    const addition = matmul(take(transpose(a, [1, 0]), ids), b, { transposeB: true, scale: scaleOf(scope.path) });
    const y = add(plain(), addition);
    const factor = stretch(scope, { a, b }, [rows, width], 1);
    return factor ? mul(factor, y) : y;
  }

  return {
    config,
    offered,
    changed,
    adds: (name) => own.test(name),
    trains: (name) => own.test(name) || isSaved(name, config.modulesToSave) || trainsBias(name),
    rules(dropoutKey) {
      let site = firstSite;
      const drop = (x: Tensor) => (dropoutKey && config.dropout > 0 ? dropout(x, config.dropout, dropoutKey, site++) : x);
      return {
        linear: (call, plain) => changeLinear(call, plain, drop),
        embedding: (call, plain) => changeEmbedding(call, plain),
      };
    },
    merge(name, weight, own) {
      const path = name.slice(0, -".weight".length);
      const layer = name.endsWith(".weight") ? changed.get(path) : undefined;
      return layer && rankOf(path) > 0 ? merged(path, layer, weight, own) : undefined;
    },
  };

  function trainsBias(name: string): boolean {
    if (!name.endsWith(".bias") || (config.bias ?? "none") === "none") return false;
    return config.bias === "all" || isTarget(name.slice(0, -".bias".length), "linear");
  }

  function merged(path: string, layer: ChangedLayer, weight: Weight, own: OwnWeights): Float32Array {
    const [a, b] = [own(`${path}.${names[layer.kind].a}`), own(`${path}.${names[layer.kind].b}`)];
    const axis = outputAxis(layer);
    const sum = plusProduct(weight, a, b, scaleOf(path), axis);
    if (config.decomposed) withLengths({ shape: weight.shape, data: sum }, own(`${path}.${magnitudeName}`).data, axis);
    return sum;
  }
}

type Drop = (x: Tensor) => Tensor;

/** `a [rank, in]` and `b [out, rank]`, whose product is the addition; of a table of embeddings its rows are the inputs. */
interface Factors {
  readonly a: Tensor;
  readonly b: Tensor;
}

const outputAxis = (layer: ChangedLayer): OutputAxis => (layer.kind === "linear" && layer.layout === "out-in" ? 0 : 1);

/** `scale · b × a` as the base keeps its matrix. */
function product(a: Tensor, b: Tensor, axis: OutputAxis, scale: number): Tensor {
  return axis === 0 ? matmul(b, a, { scale }) : matmul(a, b, { transposeA: true, transposeB: true, scale });
}

/** The same in numbers, added to the matrix of the base. */
function plusProduct(weight: Weight, a: Weight, b: Weight, scale: number, axis: OutputAxis): Float32Array {
  const [rank, inputs] = a.shape as [number, number];
  const outputs = b.shape[0]!;
  const sum = weight.data.slice();
  const [rowStep, step] = axis === 0 ? [inputs, 1] : [1, outputs];
  const row = new Float64Array(inputs);
  for (let i = 0; i < outputs; i++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = scale * b.data[i * rank + k]!;
      for (let j = 0; j < inputs; j++) row[j]! += factor * a.data[k * inputs + j]!;
    }
    for (let j = 0; j < inputs; j++) sum[i * rowStep + j * step]! += row[j]!;
  }
  return sum;
}

const patternSchema = (value: z.ZodNumber) => z.record(z.string(), value).nullish();
// Of rank 0, an adapter adds nothing; slovo trains and writes it, if only to show that.
const rank = z.number().int().min(0);

const peftSchema = z.object({
  ...selectionFields,
  ...layerFields,
  r: rank,
  lora_alpha: z.number().default(8),
  lora_dropout: z.number().min(0).lt(1).nullish(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  bias: z.enum(["none", "lora_only", "all"]).nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  rank_pattern: patternSchema(rank),
  alpha_pattern: patternSchema(z.number()),
  // The others begin by changing the base's own matrices, so that the adapter is none for the base as it was published.
  init_lora_weights: z.union([z.boolean(), z.enum(["gaussian", "eva", "orthogonal", "true", "false"])]).nullish(),
});

export const lora: Method<LoraConfig> = {
  peftType: "LORA",
  read(json, where) {
    const fields = readPeftFields(peftSchema, json, where);
    return {
      method: "lora",
      ...selectionFrom(fields, where),
      rank: fields.r,
      alpha: fields.lora_alpha,
      rankPattern: fields.rank_pattern ?? undefined,
      alphaPattern: fields.alpha_pattern ?? undefined,
      dropout: fields.lora_dropout ?? 0,
      rankStabilised: fields.use_rslora ?? false,
      decomposed: fields.use_dora ?? false,
      bias: fields.bias ?? "none",
      fanInFanOut: fields.fan_in_fan_out ?? false,
    };
  },
  write: (config) => ({
    ...selectionToJson(config),
    r: config.rank,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    use_rslora: config.rankStabilised,
    use_dora: config.decomposed ?? false,
    bias: config.bias ?? "none",
    fan_in_fan_out: config.fanInFanOut ?? false,
    rank_pattern: config.rankPattern ?? {},
    alpha_pattern: config.alphaPattern ?? {},
  }),
  adapter: loraAdapter,
};
