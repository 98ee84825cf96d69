// Softmax and its logarithm along the last axis.
import { exp, mul, sub } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { operation, type Tensor } from "./tensor.ts";

/** exp x / Σ exp x along the last axis. */
export function softmax(x: Tensor): Tensor {
  const y: Tensor = operation("Softmax", [x], [x.dtype, x.shape], {
    attributes: { axis: -1 },
    gradient: (dy) => [mul(y, sub(dy!, sum(mul(dy!, y), { axes: [-1], keep: true })))],
  });
  return y;
}

/** log softmax x along the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  const y: Tensor = operation("LogSoftmax", [x], [x.dtype, x.shape], {
    attributes: { axis: -1 },
    gradient: (dy) => [sub(dy!, mul(exp(y), sum(dy!, { axes: [-1], keep: true })))],
  });
  return y;
}
