// Operators that move elements without changing them: reshape, transpose, slice, concat, pad, expand.

import { axisOf, broadcastShapes, evaluateDim, minus, plus, product, quotient, sameShape } from "./dims.ts";
import { add, mul } from "./elementwise.ts";
import { sumTo } from "./reduce.ts";
import { constant, type Dim, graphError, operation, operations, type Shape, type Tensor } from "./tensor.ts";

/** An input that has an axis of this name, among everything `x` was computed from. */
function inputWith(name: string, x: Tensor): { input: Tensor; axis: number } | undefined {
  const seen = new Set<Tensor>();
  const stack = [x];
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    const axis = tensor.shape.indexOf(name);
    if (tensor.source.kind === "input" && axis >= 0) return { input: tensor, axis };
    if (tensor.source.kind !== "operation") continue;
    // Whoever has the name in its own shape is looked at first, which finds the input without searching the graph.
    const operands = tensor.source.inputs.filter((operand) => operand !== undefined);
    const carries = (operand: Tensor) => operand.shape.some((dim) => String(dim).includes(name));
    stack.push(...operands.filter((operand) => !carries(operand)), ...operands.filter(carries));
  }
  return undefined;
}

/** A shape, or any list of sizes, as an int64 tensor; names are read from the inputs that `from` was computed from. */
export function sizes(type: string, shape: Shape, from: Tensor): Tensor {
  if (shape.every((dim) => typeof dim === "number")) return constant(shape as number[], "int64");
  const name = (name: string): Tensor => {
    const found = inputWith(name, from);
    if (!found) throw graphError(type, `nothing that ${from} depends on has an axis "${name}", of [${shape.join(", ")}]`);
    const { input, axis } = found;
    return operation("Shape", [input], ["int64", [1]], {
      attributes: { start: axis, end: axis + 1 },
      gradient: () => [undefined],
    });
  };
  const parts = shape.map((dim) => evaluateDim<Tensor>(dim, { name, number: (n) => constant([n], "int64"), add, mul }));
  return concat(parts, 0);
}

/** How many elements lie along the given axes (all when left out), as an int64 scalar. */
export function sizeOf(x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i)): Tensor {
  const count = product(axes.map((axis) => x.shape[axisOf("sizeOf", x, axis)]!));
  return typeof count === "number" ? constant(count, "int64") : reshape(sizes("sizeOf", [count], x), []);
}

/** What to write in the target of ONNX Reshape: 0 copies the input's size at that place, -1 infers the one left. */
function reshapeTarget(x: Tensor, shape: Shape): Tensor {
  const target = shape.map((dim, i) => (typeof dim === "number" ? dim : dim === x.shape[i] ? 0 : -1));
  return target.filter((dim) => dim === -1).length > 1 ? sizes("reshape", shape, x) : constant(target, "int64");
}

/** The same elements in row-major order under another shape; one size may be -1, which is inferred. */
export function reshape(x: Tensor, to: Shape): Tensor {
  const total = product(x.shape);
  const known = product(to.filter((dim) => dim !== -1));
  const shape = to.map((dim) => (dim === -1 ? quotient(total, known) : product([dim])));
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

/**
 * Elements start ≤ i < end of one axis; negative bounds count from the end. Along an axis of fixed size bounds beyond it
 * are cut to it; along a named one they may be named too (`"past"`), and must lie within.
 */
export function slice(x: Tensor, axis: number, start: Dim, end?: Dim): Tensor {
  const at = axisOf("slice", x, axis);
  const size = x.shape[at]!;
  const bound = (i: Dim): Dim => {
    const place = typeof i === "number" && i < 0 ? plus(size, i) : i;
    return typeof place === "number" && typeof size === "number" ? Math.min(Math.max(place, 0), size) : product([place]);
  };
  const from = bound(start);
  const to = bound(end ?? size);
  const length = minus(to, from);
  if (typeof length === "number" && length < 0) {
    throw graphError("slice", `starts at ${start} and ends at ${end ?? size} on axis ${axis} of ${x}`);
  }
  if (from === 0 && to === size) return x;
  const shape = x.shape.map((dim, i) => (i === at ? length : dim));
  const bounds = [sizes("slice", [from], x), sizes("slice", [to], x), constant([at], "int64")];
  return operation("Slice", [x, ...bounds], [x.dtype, shape], { gradient: (dy) => [pad(dy!, at, from, minus(size, to))] });
}

/** Puts `before` and `after` elements of `value` around one axis. */
export function pad(x: Tensor, axis: number, before: Dim, after: Dim, value = 0): Tensor {
  const at = axisOf("pad", x, axis);
  for (const amount of [before, after]) {
    if (typeof amount === "number" && !(Number.isInteger(amount) && amount >= 0))
      throw graphError("pad", `cannot put ${before} before and ${after} after axis ${axis} of ${x}`);
  }
  if (before === 0 && after === 0) return x;
  const size = x.shape[at]!;
  const shape = x.shape.map((dim, i) => (i === at ? plus(before, size, after) : dim));
  const amounts = sizes("pad", [before, after], x);
  return operation("Pad", [x, amounts, constant(value, x.dtype), constant([at], "int64")], [x.dtype, shape], {
    gradient: (dy) => [slice(dy!, at, before, plus(before, size))],
  });
}

/** Parts of the given sizes along one axis. */
export function split(x: Tensor, lengths: readonly Dim[], axis: number): Tensor[] {
  const at = axisOf("split", x, axis);
  if (plus(...lengths) !== x.shape[at]) {
    throw graphError("split", `the sizes [${lengths.join(", ")}] do not add up to axis ${axis} of ${x}`);
  }
  if (lengths.length === 1) return [x];
  const outputs = lengths.map((size) => [x.dtype, x.shape.map((dim, i) => (i === at ? product([size]) : dim))] as const);
  const parts: Tensor[] = operations("Split", [x, sizes("split", lengths, x)], outputs, {
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
    const fits = part.dtype === first.dtype && part.rank === first.rank;
    if (!fits || part.shape.some((dim, i) => i !== at && dim !== first.shape[i])) {
      throw graphError("concat", `${first} and ${part} differ outside axis ${axis}`);
    }
  }
  const lengths = parts.map((part) => part.shape[at]!);
  const shape = first.shape.map((dim, i) => (i === at ? plus(...lengths) : dim));
  return operation("Concat", parts, [first.dtype, shape], {
    attributes: { axis: at },
    gradient: (dy) => split(dy!, lengths, at),
  });
}

/** Repeats axes of size 1 to the shape of `like`. */
export function expandTo(x: Tensor, like: Tensor): Tensor {
  return expand(x, like.shape, like);
}

/** Repeats axes of size 1 to a shape; the sizes of its names come from the inputs that `from` was computed from. */
export function expand(x: Tensor, shape: Shape, from: Tensor = x): Tensor {
  const whole = shape.map((dim) => product([dim]));
  if (sameShape(x.shape, whole)) return x;
  const result = broadcastShapes([x.shape, whole]);
  if (!result || !sameShape(result, whole)) throw graphError("expand", `${x} does not broadcast to [${shape.join(", ")}]`);
  return operation("Expand", [x, sizes("expand", whole, from)], [x.dtype, whole], { gradient: (dy) => [sumTo(dy!, x)] });
}
