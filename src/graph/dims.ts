// Arithmetic of dimensions, where some are numbers and some are names that are bound when the graph runs.
import { type Dim, graphError, type Shape, type Tensor } from "./tensor.ts";

/** The number and the sorted names whose product a dimension is. */
function factors(dim: Dim): { count: number; names: string[] } {
  if (typeof dim === "number") return { count: dim, names: [] };
  let count = 1;
  const names: string[] = [];
  for (const part of dim.split("*")) {
    if (/^\d+$/.test(part)) count *= Number(part);
    else names.push(part);
  }
  return { count, names: names.sort() };
}

function join(count: number, names: readonly string[]): Dim {
  if (names.length === 0 || count === 0) return count;
  return (count === 1 ? [...names] : [String(count), ...names]).join("*");
}

/** `product([4, "batch", 2])` is `"8*batch"`. */
export function product(dims: Shape): Dim {
  let count = 1;
  const names: string[] = [];
  for (const dim of dims) {
    const f = factors(dim);
    count *= f.count;
    names.push(...f.names);
  }
  return join(count, names.sort());
}

/** `a / b`, or undefined where b does not divide a. */
export function quotient(a: Dim, b: Dim): Dim | undefined {
  const over = factors(a);
  const under = factors(b);
  const names = [...over.names];
  for (const name of under.names) {
    const at = names.indexOf(name);
    if (at < 0) return undefined;
    names.splice(at, 1);
  }
  if (under.count === 0 || over.count % under.count !== 0) return undefined;
  return join(over.count / under.count, names);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** An axis counted from the end when negative, checked against the rank. */
export function axisOf(operator: string, x: Tensor, axis: number): number {
  const at = axis < 0 ? x.rank + axis : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= x.rank) throw graphError(operator, `${x} has no axis ${axis}`);
  return at;
}

/** The shape that tensors broadcast to (ONNX multidirectional broadcasting, which is NumPy's). */
export function broadcast(operator: string, ...tensors: readonly Tensor[]): Dim[] {
  const rank = Math.max(...tensors.map((t) => t.rank));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = new Set(tensors.map((t) => t.shape[t.rank - rank + i] ?? 1));
    if (sizes.size > 1) sizes.delete(1);
    if (sizes.size > 1) throw graphError(operator, `the shapes of ${tensors.join(" and ")} do not broadcast together`);
    return [...sizes][0]!;
  });
}

/** The dimension as a number, for operators that need it static. */
export function fixed(operator: string, x: Tensor, axis: number): number {
  const dim = x.shape[axisOf(operator, x, axis)]!;
  if (typeof dim !== "number") throw graphError(operator, `needs a fixed size on axis ${axis} of ${x}, which is "${dim}"`);
  return dim;
}

/** Binds names to numbers: `resolve(["batch", 4], { batch: 2 })` is `[2, 4]`. */
export function resolveShape(shape: Shape, sizes: Readonly<Record<string, number>>): number[] {
  return shape.map((dim) => {
    const { count, names } = factors(dim);
    return names.reduce((size, name) => {
      const bound = sizes[name];
      if (bound === undefined)
        throw new Error(
          `the dimension "${name}" of [${shape.join(", ")}] is not bound; bound are: ${Object.keys(sizes).join(", ") || "none"}`,
        );
      return size * bound;
    }, count);
  });
}
