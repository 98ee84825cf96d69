// Layer normalisation and root-mean-square normalisation over the last axis.

import { fixed, product, sameShape } from "./dims.ts";
import { add, mul, reciprocal, sqrt, sub } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { mean, sum, sumOfSquares } from "./reduce.ts";
import { expandTo, reshape } from "./shape.ts";
import { graphError, operation, operations, type Tensor } from "./tensor.ts";

/**
 * x / √(mean x² + ε) · weight (Zhang & Sennrich 2019). `x […, width]`, `weight [width]`.
 * The gradient is written so that each large tensor is read as few times as can be: two of its sums are matrix products.
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon = 1e-5): Tensor {
  const width = checkWidth("rmsNorm", x, weight);
  return operation("RMSNormalization", [x, weight], [x.dtype, x.shape], {
    attributes: { axis: -1, epsilon: { float: epsilon } },
    gradient: (dy) => {
      const rows = product(x.shape.slice(0, -1));
      const inverse = reciprocal(sqrt(add(mul(sumOfSquares(x, { axes: [-1], keep: true }), 1 / width), epsilon)));
      // With p = dy·x: Σ_width p·w is p × w, and the weight's gradient Σ_rows p/rms is (1/rms)ᵀ × p.
      const p = reshape(mul(dy!, x), [rows, width]);
      const projection = reshape(matmul(p, reshape(weight, [width, 1])), inverse.shape);
      const dWeight = reshape(matmul(reshape(inverse, [1, rows]), p), [width]);
      const cube = mul(mul(inverse, mul(inverse, inverse)), -1 / width);
      return [add(mul(mul(dy!, weight), inverse), mul(x, mul(cube, projection))), dWeight];
    },
  });
}

/** (x − mean) / √(variance + ε) · weight + bias (Ba et al. 2016). `x […, width]`, `weight [width]`, `bias [width]`. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  checkWidth("layerNorm", x, weight);
  checkWidth("layerNorm", x, bias);
  const statistic = [...x.shape.slice(0, -1), 1];
  const [y, average, inverse] = operations(
    "LayerNormalization",
    [x, weight, bias],
    [
      [x.dtype, x.shape],
      [x.dtype, statistic],
      [x.dtype, statistic],
    ],
    {
      attributes: { axis: -1, epsilon: { float: epsilon } },
      gradient: (...flows) => layerNormGradient(x, weight, average!, inverse!, flows),
    },
  );
  return y!;
}

/** The statistics are outputs as well: gradient flows into them when a gradient is differentiated again. */
function layerNormGradient(x: Tensor, weight: Tensor, average: Tensor, inverse: Tensor, flows: (Tensor | undefined)[]) {
  const [dy, dAverage, dInverse] = flows;
  const width = x.shape.at(-1) as number;
  const rows = x.shape.slice(0, -1).map((_, i) => i);
  const overRow = { axes: [-1], keep: true };
  const normal = mul(sub(x, average), inverse);
  let dx: Tensor | undefined;
  const flow = (part: Tensor) => {
    dx = dx ? add(dx, part) : part;
  };
  if (dy) {
    const d = mul(dy, weight);
    flow(mul(sub(sub(d, mean(d, overRow)), mul(normal, mean(mul(d, normal), overRow))), inverse));
  }
  if (dAverage) flow(expandTo(mul(dAverage, 1 / width), x));
  if (dInverse) flow(mul(normal, mul(dInverse, mul(mul(inverse, inverse), -1 / width))));
  return [dx, dy && sum(mul(dy, normal), { axes: rows }), dy && sum(dy, { axes: rows })];
}

function checkWidth(type: string, x: Tensor, weight: Tensor): number {
  const width = fixed(type, x, -1);
  if (!sameShape(weight.shape, [width])) throw graphError(type, `needs a weight of shape [${width}] for ${x}, got ${weight}`);
  return width;
}
