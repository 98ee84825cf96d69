// Cross-entropy losses, one number a row, that never hold more of the vocabulary-wide tensors than they must.
import { sameShape } from "./dims.ts";
import { add, cast, equal, log, maximum, mul, neg, not, sub, where } from "./elementwise.ts";
import { scatterAdd, scatterAlong, take, takeAlong } from "./gather.ts";
import { linear, matmul } from "./matmul.ts";
import { after } from "./order.ts";
import { max, sum } from "./reduce.ts";
import { concat, reshape, split } from "./shape.ts";
import { softmax } from "./softmax.ts";
import { type Dim, graphError, type Tensor, withGradient } from "./tensor.ts";

/** The target that is not counted, as in PyTorch and Hugging Face. */
export const ignoredTarget = -100;

/** Rows whose target counts, and targets with the others replaced by class 0. */
function usable(targets: Tensor): { counted: Tensor; classes: Tensor } {
  const counted = not(equal(targets, ignoredTarget));
  return { counted, classes: where(counted, targets, 0) };
}

/** How many targets count, at least 1, as a float32 scalar: divide a sum of losses by it. */
export function countedTargets(targets: Tensor): Tensor {
  return maximum(sum(cast(usable(targets).counted, "float32")), 1);
}

/**
 * log Σ exp of each row `[rows, 1]`, from logits and their softmax, without another exponential over them:
 * it is z − log p at any place, and at the largest p is at least 1/classes.
 */
function logSumFrom(logits: Tensor, probabilities: Tensor): Tensor {
  return sub(max(logits, { axes: [-1], keep: true }), log(max(probabilities, { axes: [-1], keep: true })));
}

/** −log softmax(logits)[target] of each row: `logits [rows, classes]`, `targets int[rows]` → `[rows]`; 0 where ignored. */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const rows = checkTargets("crossEntropy", logits, targets);
  const { counted, classes } = usable(targets);
  const column = reshape(classes, [rows, 1]);
  const probabilities = softmax(logits);
  const losses = where(counted, reshape(sub(logSumFrom(logits, probabilities), takeAlong(logits, column)), [rows]), 0);
  return withGradient([logits], losses, (dy) => {
    const d = reshape(where(counted, dy!, 0), [rows, 1]);
    return [scatterAlong(mul(probabilities, d), column, neg(d))];
  });
}

/** Rows are taken in chunks such that no vocabulary-wide tensor has more elements than this (16 MiB of float32). */
const chunkElements = 4 * 1024 * 1024;

/** How many rows each chunk has; named numbers of rows make one chunk. */
function chunkLengths(rows: Dim, classes: number): Dim[] {
  if (typeof rows !== "number") return [rows];
  const chunks = Math.min(rows, Math.ceil((rows * classes) / chunkElements));
  const bound = (i: number) => Math.floor((rows * i) / chunks);
  return Array.from({ length: chunks }, (_, i) => bound(i + 1) - bound(i));
}

/**
 * Cross-entropy of a linear layer's outputs, the end of every language model: `x [rows, width]`, `weight [classes, width]`,
 * `targets int[rows]`, and where there is one `bias [classes]` → losses `[rows]`; 0 where ignored.
 *
 * The gradient touches tensors as wide as the vocabulary only in matrix products: with p the softmax and g the rows' upstream
 * gradient, dx = g·(p·W − W[t]) and dW = pᵀ(g·x) − Σ_t g·x, where the second terms are a lookup and an addition of rows.
 * Rows are taken in chunks. Where g does not depend on the losses (a sum, a mean, a weighting), the gradient of one chunk is
 * computed before the logits of the next, so that they exist for one chunk at a time.
 */
export function linearCrossEntropy(x: Tensor, weight: Tensor, targets: Tensor, bias?: Tensor): Tensor {
  const rows = checkTargets("linearCrossEntropy", x, targets);
  const classes = weight.shape[0];
  if (weight.rank !== 2 || weight.shape[1] !== x.shape[1] || typeof classes !== "number") {
    throw graphError("linearCrossEntropy", `needs weight [classes, ${x.shape[1]}] for ${x}, got ${weight}`);
  }
  if (bias && (bias.dtype !== "float32" || !sameShape(bias.shape, [classes]))) {
    throw graphError("linearCrossEntropy", `needs bias [${classes}] for weight ${weight}, got ${bias}`);
  }
  const lengths = chunkLengths(rows, classes);
  const chunks = split(x, lengths, 0).map((part) => {
    const logits = linear(part, weight, bias);
    const probabilities = softmax(logits);
    return { probabilities, logSum: logSumFrom(logits, probabilities) };
  });
  const { counted, classes: found } = usable(targets);
  const targetRows = take(weight, found);
  const products = sum(mul(x, targetRows), { axes: [-1], keep: true });
  const targetLogits = bias ? add(products, reshape(take(bias, found), [rows, 1])) : products;
  const logSums = concat(
    chunks.map((chunk) => chunk.logSum),
    0,
  );
  const losses = where(counted, reshape(sub(logSums, targetLogits), [rows]), 0);

  return withGradient(bias ? [x, weight, bias] : [x, weight], losses, (dy) => {
    const d = reshape(where(counted, dy!, 0), [rows, 1]);
    const scaled = mul(x, d);
    const [dParts, scaledParts] = [split(d, lengths, 0), split(scaled, lengths, 0)];
    const expected: Tensor[] = [];
    let [dWeight, dBias]: (Tensor | undefined)[] = [];
    const inTurn = (part: Tensor, ...before: readonly (Tensor | undefined)[]) =>
      chunks.length > 1 ? after(part, ...before.filter((tensor) => tensor !== undefined)) : part;
    chunks.forEach(({ probabilities, logSum }, i) => {
      // The runtime looks for what to compute first behind the last of these.
      const before = [logSum, dBias, expected.at(-1), dWeight];
      const weightPart = matmul(probabilities, inTurn(scaledParts[i]!, ...before), { transposeA: true });
      const biasPart = bias && matmul(inTurn(dParts[i]!, ...before), probabilities, { transposeA: true });
      // Where the weight is frozen the graph has only these, so they take turns among themselves too.
      expected.push(inTurn(matmul(probabilities, weight), logSum, expected.at(-1)));
      dWeight = dWeight ? add(dWeight, weightPart) : weightPart;
      dBias = biasPart && (dBias ? add(dBias, biasPart) : biasPart);
    });
    const column = cast(reshape(found, [rows, 1]), "int64");
    return [
      mul(sub(concat(expected, 0), targetRows), d),
      scatterAdd(dWeight!, column, neg(scaled)),
      dBias && scatterAdd(reshape(dBias, [classes]), column, neg(reshape(d, [rows]))),
    ];
  });
}

function checkTargets(type: string, x: Tensor, targets: Tensor) {
  const rows = x.shape[0]!;
  if (x.rank !== 2 || !sameShape(targets.shape, [rows]) || (targets.dtype !== "int32" && targets.dtype !== "int64")) {
    throw graphError(type, `needs rows [rows, n] and whole-number targets [rows], got ${x} and ${targets}`);
  }
  return rows;
}
