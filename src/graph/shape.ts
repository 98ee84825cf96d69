// Operators that move elements without changing them: reshape, transpose, slice, concat, pad, expand.
import { axisOf, fixed, product, quotient, resolveShape, sameShape } from "./dims.ts";
import { sumTo } from "./reduce.ts";
import { constant, type Dim, graphError, operation, operations, type Shape, type Tensor } from "./tensor.ts";

/** The sizes of `x`, when the graph runs, as int64. */
function shapeOf(x: Tensor): Tensor {
  return operation("Shape", [x], ["int64", [x.rank]], { gradient: () => [undefined] });
}

/** How many elements lie along the given axes (all when left out), as an int64 scalar. */
export function sizeOf(x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i)): Tensor {
  const count = product(axes.map((axis) => x.shape[axisOf("sizeOf", x, axis)]!));
  if (typeof count === "number") return constant(count, "int64");
  const sizes = operation(
    "Gather",
    [
      shapeOf(x),
      constant(
        axes.map((axis) => axisOf("sizeOf", x, axis)),
        "int64",
      ),
    ],
    ["int64", [axes.length]],
  );
  return operation("ReduceProd", [sizes], ["int64", []], { attributes: { keepdims: 0 }, gradient: () => [undefined] });
}

/** A shape as an int64 tensor; named dimensions are read from where they stand in `from`. */
function dynamicShape(type: string, shape: Shape, from: Tensor): Tensor {
  if (shape.every((dim) => typeof dim === "number")) return constant(shape as number[], "int64");
  const parts = shape.map((dim) => {
    if (typeof dim === "number") return constant([dim], "int64");
    const axis = from.shape.indexOf(dim);
    if (axis < 0) throw graphError(type, `cannot find the size "${dim}" in ${from}`);
    return operation("Gather", [shapeOf(from), constant([axis], "int64")], ["int64", [1]]);
  });
  return operation("Concat", parts, ["int64", [shape.length]], { attributes: { axis: 0 } });
}

/** What to write in the target of ONNX Reshape: 0 copies the input's size at that place, -1 infers the one left. */
function reshapeTarget(x: Tensor, shape: Shape): Tensor {
  const target = shape.map((dim, i) => (typeof dim === "number" ? dim : dim === x.shape[i] ? 0 : -1));
  if (target.filter((dim) => dim === -1).length > 1) return dynamicShape("reshape", shape, x);
  return constant(target, "int64");
}

/** The same elements in row-major order under another shape; one size may be -1, which is inferred. */
export function reshape(x: Tensor, to: Shape): Tensor {
  const total = product(x.shape);
  const known = product(to.filter((dim) => dim !== -1));
  const shape = to.map((dim) => (dim === -1 ? quotient(total, known) : dim));
  if (shape.some((dim) => dim === undefined) || product(shape as Dim[]) !== total)
    throw graphError("reshape", `${x} does not fit the shape [${to.join(", ")}]`);
  if (sameShape(shape as Dim[], x.shape)) return x;
  return operation("Reshape", [x, reshapeTarget(x, shape as Dim[])], [x.dtype, shape as Dim[]], {
    gradient: (dy) => [reshape(dy!, x.shape)],
  });
}

/** Axes in a new order: output axis i is input axis `order[i]`. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  if (order.length !== x.rank || new Set(order.map((axis) => axisOf("transpose", x, axis))).size !== x.rank) {
    throw graphError("transpose", `the order [${order.join(", ")}] does not name every axis of ${x} once`);
  }
  const axes = order.map((axis) => axisOf("transpose", x, axis));
  const inverse = axes.map((_, i) => axes.indexOf(i));
  return operation("Transpose", [x], [x.dtype, axes.map((axis) => x.shape[axis]!)], {
    attributes: { perm: axes },
    gradient: (dy) => [transpose(dy!, inverse)],
  });
}

/** Elements start ≤ i < end of one axis; negative bounds count from the end. The axis must have a fixed size. */
export function slice(x: Tensor, axis: number, start: number, end?: number): Tensor {
  const at = axisOf("slice", x, axis);
  const size = fixed("slice", x, at);
  const bound = (i: number) => Math.min(Math.max(i < 0 ? size + i : i, 0), size);
  const from = bound(start);
  const to = bound(end ?? size);
  if (to < from) throw graphError("slice", `starts at ${start} and ends at ${end} on axis ${axis} of ${x}`);
  if (from === 0 && to === size) return x;
  const shape = x.shape.map((dim, i) => (i === at ? to - from : dim));
  const bounds = [[from], [to], [at]].map((value) => constant(value, "int64"));
  return operation("Slice", [x, ...bounds], [x.dtype, shape], { gradient: (dy) => [pad(dy!, at, from, size - to)] });
}

/** Puts `before` and `after` elements of `value` around one axis. */
export function pad(x: Tensor, axis: number, before: number, after: number, value = 0): Tensor {
  if (before === 0 && after === 0) return x;
  const at = axisOf("pad", x, axis);
  const size = fixed("pad", x, at);
  const shape = x.shape.map((dim, i) => (i === at ? size + before + after : dim));
  return operation(
    "Pad",
    [x, constant([before, after], "int64"), constant(value, x.dtype), constant([at], "int64")],
    [x.dtype, shape],
    {
      gradient: (dy) => [slice(dy!, at, before, before + size)],
    },
  );
}

/** Parts of the given sizes along one axis. */
export function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  const at = axisOf("split", x, axis);
  if (sizes.reduce((a, b) => a + b, 0) !== fixed("split", x, at)) {
    throw graphError("split", `the sizes [${sizes.join(", ")}] do not add up to axis ${axis} of ${x}`);
  }
  const outputs = sizes.map((size) => [x.dtype, x.shape.map((dim, i) => (i === at ? size : dim))] as const);
  const parts: Tensor[] = operations("Split", [x, constant(sizes, "int64")], outputs, {
    attributes: { axis: at },
    gradient: (...dys) => [
      concat(
        dys.map((dy, i) => dy ?? expandTo(constant(0, x.dtype), parts[i]!)),
        at,
      ),
    ],
  });
  return parts;
}

/** Tensors one after another along an axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  if (!first) throw graphError("concat", "needs at least one tensor");
  if (parts.length === 1) return first;
  const at = axisOf("concat", first, axis);
  for (const part of parts) {
    if (
      part.dtype !== first.dtype ||
      part.rank !== first.rank ||
      part.shape.some((dim, i) => i !== at && dim !== first.shape[i])
    ) {
      throw graphError("concat", `${first} and ${part} differ outside axis ${axis}`);
    }
  }
  const sizes = parts.map((part) => part.shape[at]!);
  const whole = sizes.every((dim) => typeof dim === "number")
    ? sizes.reduce<number>((a, b) => a + (b as number), 0)
    : sizes.join("+");
  return operation("Concat", parts, [first.dtype, first.shape.map((dim, i) => (i === at ? whole : dim))], {
    attributes: { axis: at },
    gradient: (dy) =>
      split(
        dy!,
        sizes.map((dim, i) => (typeof dim === "number" ? dim : fixed("concat", parts[i]!, at))),
        at,
      ),
  });
}

/** Repeats axes of size 1 to the shape of `like`. */
export function expandTo(x: Tensor, like: Tensor): Tensor {
  if (sameShape(x.shape, like.shape)) return x;
  const target = like.shape.every((dim) => typeof dim === "number")
    ? constant(resolveShape(like.shape, {}), "int64")
    : shapeOf(like);
  return operation("Expand", [x, target], [x.dtype, like.shape], { gradient: (dy) => [sumTo(dy!, x)] });
}

/** Repeats axes of size 1 to a shape; named sizes are looked up in `from`. */
export function expand(x: Tensor, shape: Shape, from: Tensor = x): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const fits = shape.length >= x.rank && x.shape.every((dim, i) => dim === 1 || dim === shape[shape.length - x.rank + i]);
  if (!fits) throw graphError("expand", `${x} does not broadcast to [${shape.join(", ")}]`);
  return operation("Expand", [x, dynamicShape("expand", shape, from)], [x.dtype, shape], { gradient: (dy) => [sumTo(dy!, x)] });
}
