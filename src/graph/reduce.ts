// Reductions over axes, and the sum that undoes broadcasting.
import { axisOf, sameShape } from "./dims.ts";
import { cast, div, equal, exp, mul, sub } from "./elementwise.ts";
import { expandTo, reshape, sizeOf } from "./shape.ts";
import { constant, type Dim, operation, type Shape, type Tensor } from "./tensor.ts";

export interface ReduceOptions {
  /** The axes to reduce, negative from the end; all when left out. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with size 1. */
  readonly keep?: boolean;
}

interface Reduced {
  axes: number[];
  /** The shape with reduced axes kept at size 1, and the shape asked for. */
  kept: Dim[];
  shape: Shape;
}

function reduced(type: string, x: Tensor, options: ReduceOptions): Reduced {
  const axes = (options.axes ?? x.shape.map((_, i) => i)).map((axis) => axisOf(type, x, axis)).sort((a, b) => a - b);
  const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return { axes, kept, shape: options.keep ? kept : x.shape.filter((_, i) => !axes.includes(i)) };
}

/** `gradient` gets dy with the reduced axes back at size 1, so that it broadcasts against x. */
function reduction(
  type: string,
  x: Tensor,
  options: ReduceOptions,
  gradient: (dy: Tensor, y: Tensor, r: Reduced) => Tensor,
): Tensor {
  const r = reduced(type, x, options);
  if (r.axes.length === 0) return x;
  const y: Tensor = operation(type, [x, constant(r.axes, "int64")], [x.dtype, r.shape], {
    attributes: { keepdims: options.keep ? 1 : 0 },
    gradient: (dy) => [gradient(reshape(dy!, r.kept), reshape(y, r.kept), r)],
  });
  return y;
}

export const sum = (x: Tensor, options: ReduceOptions = {}): Tensor =>
  reduction("ReduceSum", x, options, (dy) => expandTo(dy, x));

export const mean = (x: Tensor, options: ReduceOptions = {}): Tensor =>
  reduction("ReduceMean", x, options, (dy, _, r) => expandTo(div(dy, cast(sizeOf(x, r.axes), "float32")), x));

/** Σx², in one pass. */
export const sumOfSquares = (x: Tensor, options: ReduceOptions = {}): Tensor =>
  reduction("ReduceSumSquare", x, options, (dy) => mul(dy, mul(x, 2)));

/** The greatest element; its gradient is shared equally among ties. */
export const max = (x: Tensor, options: ReduceOptions = {}): Tensor => reduction("ReduceMax", x, options, extremeGradient(x));
/** The least element; its gradient is shared equally among ties. */
export const min = (x: Tensor, options: ReduceOptions = {}): Tensor => reduction("ReduceMin", x, options, extremeGradient(x));

function extremeGradient(x: Tensor) {
  return (dy: Tensor, y: Tensor, r: Reduced): Tensor => {
    const chosen = cast(equal(x, y), "float32");
    return mul(chosen, div(dy, sum(chosen, { axes: r.axes, keep: true })));
  };
}

/** log Σ exp x, without overflow. */
export function logSumExp(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduction("ReduceLogSumExp", x, options, (dy, y) => mul(dy, exp(sub(x, y))));
}

/** Index of the greatest element along an axis, as int64; the first at ties. No gradient flows. */
export function argmax(x: Tensor, axis = -1, keep = false): Tensor {
  const r = reduced("ArgMax", x, { axes: [axis], keep });
  return operation("ArgMax", [x], ["int64", r.shape], {
    attributes: { axis: r.axes[0]!, keepdims: keep ? 1 : 0 },
    gradient: () => [undefined],
  });
}

/** Running sum along an axis. */
export function cumulativeSum(x: Tensor, axis: number, reverse = false): Tensor {
  const at = axisOf("CumSum", x, axis);
  return operation("CumSum", [x, constant(at, "int64")], [x.dtype, x.shape], {
    attributes: { reverse: reverse ? 1 : 0 },
    gradient: (dy) => [cumulativeSum(dy!, at, !reverse)],
  });
}

/** Sums a gradient back over the axes along which `like` was broadcast. */
export function sumTo(x: Tensor, like: Tensor): Tensor {
  if (sameShape(x.shape, like.shape)) return x;
  const extra = x.rank - like.rank;
  const axes = x.shape.flatMap((dim, i) => (i < extra || (like.shape[i - extra] === 1 && dim !== 1) ? [i] : []));
  return reshape(sum(x, { axes, keep: true }), like.shape);
}
