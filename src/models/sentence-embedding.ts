// From the hidden states of a text's tokens to one vector, as sentence-transformers composes it: pooling, dense layers, normalisation.
import {
  cast,
  type Dim,
  div,
  gelu,
  greaterOrEqual,
  matmul,
  maximum,
  mean,
  relu,
  reshape,
  sigmoid,
  slice,
  sqrt,
  sum,
  sumOfSquares,
  type Tensor,
  tanh,
} from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import { lastToken } from "./gpt-heads.ts";

/** Activations of dense layers by PyTorch's names of modules. */
export const denseActivations = {
  Identity: (x: Tensor) => x,
  Tanh: tanh,
  ReLU: relu,
  GELU: gelu,
  Sigmoid: sigmoid,
} as const;
export type DenseActivation = keyof typeof denseActivations;

/** The mean of a text's tokens, the first, or the last. */
export const poolings = ["mean", "cls", "lasttoken"] as const;
export type Pooling = (typeof poolings)[number];

/** What happens to the pooled vector, in order. */
export type EmbeddingStep =
  | {
      readonly kind: "dense";
      /** The folder its weights lie in, which is also their scope: `2_Dense`. */
      readonly name: string;
      readonly outputs: number;
      readonly bias: boolean;
      readonly activation: DenseActivation;
    }
  | { readonly kind: "normalise" };

export interface EmbeddingPipeline {
  readonly pooling: Pooling;
  readonly steps: readonly EmbeddingStep[];
}

/** One vector a text: `hidden [batch, time, width]`; `segments int[batch, time]` is below 0 where a row is filled up → `[batch, width]`. */
export function pool(hidden: Tensor, pooling: Pooling, segments?: Tensor): Tensor {
  const [batch, time, width] = hidden.shape as [Dim, Dim, number];
  if (pooling === "lasttoken") return lastToken(hidden, segments);
  if (pooling === "cls") return reshape(slice(hidden, 1, 0, 1), [batch, width]);
  if (!segments) return mean(hidden, { axes: [1] });
  const real = cast(greaterOrEqual(segments, 0), "float32");
  const weights = div(real, sum(real, { axes: [1], keep: true }));
  return reshape(matmul(reshape(weights, [batch, 1, time]), hidden), [batch, width]);
}

/** `hidden [batch, time, width]`, `segments int[batch, time]`, below 0 where a row is filled up → `[batch, size]`. */
export function sentenceEmbedding(p: Params, pipeline: EmbeddingPipeline, hidden: Tensor, segments?: Tensor): Tensor {
  return pipeline.steps.reduce(
    (x, step) => {
      if (step.kind === "normalise") return normalise(x);
      return denseActivations[step.activation](p.at(step.name).linear(x, "linear", step.outputs, { bias: step.bias }));
    },
    pool(hidden, pipeline.pooling, segments),
  );
}

/** Vectors of length 1: `[…, size]`. Nothing is divided by less than 1e-12, as in PyTorch. */
export function normalise(x: Tensor): Tensor {
  return div(x, maximum(sqrt(sumOfSquares(x, { axes: [-1], keep: true })), 1e-12));
}
