// Layer normalisation and root-mean-square normalisation over the last axis.

import { fixed, product, sameShape } from "./dims.ts";
import { add, mul, reciprocal, sqrt, sub } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { mean, sum, sumOfSquares } from "./reduce.ts";
import { reshape } from "./shape.ts";
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
      gradient: (dy) => {
        const normal = mul(sub(x, average!), inverse!);
        const d = mul(dy!, weight);
        const dx = mul(
          sub(sub(d, mean(d, { axes: [-1], keep: true })), mul(normal, mean(mul(d, normal), { axes: [-1], keep: true }))),
          inverse!,
        );
        const rows = x.shape.slice(0, -1).map((_, i) => i);
        return [dx, sum(mul(dy!, normal), { axes: rows }), sum(dy!, { axes: rows })];
      },
    },
  );
  return y!;
}

function checkWidth(type: string, x: Tensor, weight: Tensor): number {
  const width = fixed(type, x, -1);
  if (!sameShape(weight.shape, [width])) throw graphError(type, `needs a weight of shape [${width}] for ${x}, got ${weight}`);
  return width;
}
