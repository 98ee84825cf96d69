// Losses of classifiers and of extractive answers: one number a text or a token, whose mean is the loss of Transformers.
import { add, crossEntropy, type Dim, mean, mul, reshape, slice, softplus, sub, type Tensor } from "../graph/index.ts";

/** Squared errors: `values [batch]`, `targets float32[batch]` → `[batch]`. */
export function squaredErrors(values: Tensor, targets: Tensor): Tensor {
  const difference = sub(values, targets);
  return mul(difference, difference);
}

/**
 * Binary cross-entropy of labels that do not exclude each other, its mean over the labels: `logits [batch, labels]`,
 * `targets float32[batch, labels]` from 0 to 1 → `[batch]`.
 */
export function multiLabelLosses(logits: Tensor, targets: Tensor): Tensor {
  return mean(sub(softplus(logits), mul(logits, targets)), { axes: [-1] });
}

/**
 * Cross-entropy over the tokens of where an answer begins and of where it ends, their mean: `logits [batch, time, 2]`,
 * `starts` and `ends int[batch]` → `[batch]`. Where a target is -100, its half counts as 0.
 */
export function answerLosses(logits: Tensor, starts: Tensor, ends: Tensor): Tensor {
  const [batch, time] = logits.shape as [Dim, Dim, number];
  const of = (which: number, targets: Tensor) =>
    crossEntropy(reshape(slice(logits, 2, which, which + 1), [batch, time]), targets);
  return mul(add(of(0, starts), of(1, ends)), 0.5);
}
