// Checks of the operators that move elements.
import fc from "fast-check";
import * as graph from "../../src/graph/index.ts";
import type { OperandSpec, OperatorCase, OperatorCheck } from "../check-operator.ts";
import { NdArray as Nd, type NdArray, ndArray } from "../nd-array.ts";

type Build = (x: graph.Tensor, size: (dim: graph.Dim) => graph.Dim) => graph.Tensor | graph.Tensor[];

/** A case of one operand `x`. */
const one = (shape: graph.Shape, build: Build, reference: (x: NdArray) => NdArray | NdArray[], spec: Partial<OperandSpec> = {}) =>
  ({
    operands: { x: { shape, ...spec } },
    build: ({ x }, size) => build(x!, size),
    reference: ({ x }) => reference(x!),
  }) satisfies OperatorCase as OperatorCase;

const prod = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function joined(parts: readonly NdArray[], axis: number): NdArray {
  const shape = parts[0]!.shape.with(
    axis,
    parts.reduce((sum, part) => sum + part.shape[axis]!, 0),
  );
  return ndArray(shape, (...at) => {
    let place = at[axis]!;
    const part = parts.find((candidate) => {
      if (place < candidate.shape[axis]!) return true;
      place -= candidate.shape[axis]!;
      return false;
    })!;
    return part.at(...at.with(axis, place));
  });
}

function sliced(x: NdArray, axis: number, start: number, end: number): NdArray {
  return ndArray(x.shape.with(axis, end - start), (...at) => x.at(...at.with(axis, at[axis]! + start)));
}

export const shapeChecks: OperatorCheck[] = [
  {
    operator: "reshape",
    cases: fc.constantFrom(
      one(
        ["a", 6, "b"],
        (x, size) => graph.reshape(x, [size("a"), 2, 3, size("b")]),
        (x) => new Nd([x.shape[0]!, 2, 3, x.shape[2]!], x.data),
      ),
      one(
        ["a", "b", 4],
        (x) => graph.reshape(x, [-1, 4]),
        (x) => new Nd([x.shape[0]! * x.shape[1]!, 4], x.data),
      ),
      one(
        ["a", "b"],
        (x, size) => graph.reshape(x, [2, -1, size("b*a")].slice(1)),
        (x) => new Nd([1, prod(x.shape)], x.data),
      ),
      // Both names stand at new places: their sizes must be looked up when the graph runs.
      one(
        ["a", "b"],
        (x, size) => graph.reshape(graph.reshape(x, [-1]), [1, size("a"), size("b")]),
        (x) => new Nd([1, ...x.shape], x.data),
      ),
      one(
        [1, 1],
        (x) => graph.reshape(x, []),
        (x) => new Nd([], x.data),
      ),
    ),
  },
  {
    operator: "transpose",
    cases: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }).map((order) =>
      one(
        ["a", 3, "b", "c"],
        (x) => graph.transpose(x, order),
        (x) =>
          ndArray(
            order.map((axis) => x.shape[axis]!),
            (...at) => x.at(...order.map((_, axis) => at[order.indexOf(axis)]!)),
          ),
      ),
    ),
  },
  {
    operator: "slice",
    cases: fc.constantFrom(
      one(
        ["a", 5],
        (x) => graph.slice(x, 1, 1, 3),
        (x) => sliced(x, 1, 1, 3),
      ),
      one(
        ["a", 5],
        (x) => graph.slice(x, -1, -2),
        (x) => sliced(x, 1, 3, 5),
      ),
      one(
        [5, "a"],
        (x) => graph.slice(x, 0, -9, 9),
        (x) => x,
      ),
      one(
        ["a", 3],
        (x) => graph.slice(x, 0, 1),
        (x) => sliced(x, 0, 1, x.shape[0]!),
      ),
      one(
        [3, "a"],
        (x) => graph.slice(x, 1, 0, -1),
        (x) => sliced(x, 1, 0, x.shape[1]! - 1),
      ),
      one(
        ["a", "b"],
        (x) => graph.slice(graph.concat([x, x], 0), 0, x.shape[0]!),
        (x) => x,
      ),
      one(
        ["a"],
        (x, size) => graph.slice(graph.concat([x, x, x], 0), 0, 1, size("2*a")),
        (x) => sliced(joined([x, x, x], 0), 0, 1, 2 * x.shape[0]!),
      ),
    ),
  },
  {
    operator: "pad",
    cases: fc
      .record({
        axis: fc.integer({ min: -2, max: 1 }),
        before: fc.constantFrom<graph.Dim>(0, 2, "a"),
        after: fc.constantFrom<graph.Dim>(1, "b"),
        value: fc.constantFrom(0, -1.5),
      })
      .map(({ axis, before, after, value }) => ({
        operands: { x: { shape: ["a", "b"] } },
        build: ({ x }, size) => graph.pad(x!, axis, size(before), size(after), value),
        reference: ({ x }) => {
          const at = (axis + 2) % 2;
          const around = (n: graph.Dim) =>
            ndArray(x!.shape.with(at, n === "a" ? x!.shape[0]! : n === "b" ? x!.shape[1]! : Number(n)), () => value);
          return joined([around(before), x!, around(after)], at);
        },
      })),
  },
  {
    operator: "split",
    cases: fc.constantFrom(
      one(
        ["a", 6],
        (x) => graph.split(x, [1, 2, 3], 1),
        (x) => [sliced(x, 1, 0, 1), sliced(x, 1, 1, 3), sliced(x, 1, 3, 6)],
      ),
      // A part that nobody uses gets no gradient.
      one(
        [4, "a"],
        (x) => graph.split(x, [3, 1], 0)[1]!,
        (x) => sliced(x, 0, 3, 4),
      ),
      one(
        ["a", 2],
        (x, size) => graph.split(graph.pad(x, 0, 1, 0), [1, size("a")], 0),
        (x) => [ndArray([1, 2], () => 0), x],
      ),
    ),
  },
  {
    operator: "concat",
    cases: fc.record({ axis: fc.integer({ min: -2, max: 1 }), named: fc.boolean() }).map(({ axis, named }) => ({
      operands: Object.fromEntries(
        [named ? "c" : 1, named ? "d" : 3, 2].map((size, i) => [
          `x${i}`,
          { shape: (["a", "b"] as graph.Shape).with(axis, size) },
        ]),
      ),
      build: (x) => graph.concat(Object.values(x), axis),
      reference: (x) => joined(Object.values(x), (axis + 2) % 2),
    })),
  },
  {
    operator: "expand",
    cases: fc.constantFrom(
      one(
        [1, 3],
        (x) => graph.expand(x, [2, 4, 3]),
        (x) => ndArray([2, 4, 3], (_, __, i) => x.at(0, i)),
      ),
      one(
        ["a", 1],
        (x, size) => graph.expand(x, [2, size("a"), size("a")]),
        (x) => ndArray([2, x.shape[0]!, x.shape[0]!], (_, i) => x.at(i, 0)),
      ),
    ),
  },
  {
    operator: "expandTo",
    cases: fc.constantFrom<graph.Shape>(["a", "b"], ["a", 1], [1, "b"], ["b"], []).map((shape) => ({
      operands: { x: { shape }, like: { shape: ["a", "b"] } },
      build: ({ x, like }) => graph.expandTo(x!, like!),
      reference: ({ x, like }) => ndArray(like!.shape, (...at) => x!.at(...at)),
    })),
  },
  {
    operator: "sizeOf",
    cases: fc.subarray([0, 1, 2], { minLength: 1 }).map((axes) =>
      one(
        ["a", 3, "b"],
        (x) => graph.sizeOf(x, axes),
        (x) => new Nd([], [prod(axes.map((axis) => x.shape[axis]!))]),
      ),
    ),
  },
  {
    operator: "sizes",
    cases: fc.constant(
      one(
        ["a", 3, "b"],
        (x, size) => graph.sizes("a test", [size("a"), 7, size("2*a*b+b-1"), size("0*a")], x),
        (x) => new Nd([4], [x.shape[0]!, 7, 2 * x.shape[0]! * x.shape[2]! + x.shape[2]! - 1, 0]),
      ),
    ),
  },
];
