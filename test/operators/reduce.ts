// Checks of the reductions.
import fc from "fast-check";
import * as graph from "../../src/graph/index.ts";
import type { OperandSpec, OperatorCheck } from "../check-operator.ts";
import { indices, map, type NdArray, ndArray } from "../nd-array.ts";

const shape = ["a", 3, "b"];

/** `f` of the elements that differ in the reduced axes only. */
function reduceArray(x: NdArray, axes: readonly number[], keep: boolean, f: (values: number[]) => number): NdArray {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const inner = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const whole = ndArray(kept, (...at) =>
    f(Array.from(indices(inner), (within) => x.at(...at.map((i, axis) => (axes.includes(axis) ? within[axis]! : i))))),
  );
  return keep
    ? whole
    : ndArray(
        kept.filter((_, axis) => !axes.includes(axis)),
        (...at) => {
          const full = [...at];
          for (const axis of axes) full.splice(axis, 0, 0);
          return whole.at(...full);
        },
      );
}

function reduction(
  operator: string,
  build: (x: graph.Tensor, options: graph.ReduceOptions) => graph.Tensor,
  f: (values: number[]) => number,
  spec: Partial<OperandSpec> = {},
): OperatorCheck {
  const cases = fc
    .record({ axes: fc.option(fc.subarray([0, 1, 2], { minLength: 1 }), { nil: undefined }), keep: fc.boolean() })
    .map((options) => ({
      operands: { x: { shape, ...spec } },
      build: ({ x }: Record<string, graph.Tensor>) => build(x!, options),
      reference: ({ x }: Record<string, NdArray>) => reduceArray(x!, options.axes ?? [0, 1, 2], options.keep, f),
    }));
  return { operator, cases };
}

const total = (values: number[]) => values.reduce((a, b) => a + b, 0);

export const reduceChecks: OperatorCheck[] = [
  reduction("sum", graph.sum, total),
  reduction("sum", graph.sum, total, { dtype: "int64", range: [-5, 5] }),
  reduction("mean", graph.mean, (values) => total(values) / values.length),
  reduction("sumOfSquares", graph.sumOfSquares, (values) => total(values.map((x) => x * x))),
  reduction("max", graph.max, (values) => Math.max(...values)),
  reduction("min", graph.min, (values) => Math.min(...values)),
  reduction("logSumExp", graph.logSumExp, (values) => Math.log(total(values.map(Math.exp)))),
  {
    operator: "argmax",
    cases: fc.record({ axis: fc.integer({ min: -3, max: 2 }), keep: fc.boolean() }).map(({ axis, keep }) => ({
      operands: { x: { shape } },
      build: ({ x }) => graph.argmax(x!, axis, keep),
      reference: ({ x }) => reduceArray(x!, [(axis + 3) % 3], keep, (values) => values.indexOf(Math.max(...values))),
    })),
  },
  {
    operator: "cumulativeSum",
    cases: fc.record({ axis: fc.integer({ min: -3, max: 2 }), reverse: fc.boolean() }).map(({ axis, reverse }) => ({
      operands: { x: { shape } },
      build: ({ x }) => graph.cumulativeSum(x!, axis, reverse),
      reference: ({ x }) => {
        const at = (axis + 3) % 3;
        const places = Array.from({ length: x!.shape[at]! }, (_, i) => i);
        return ndArray(x!.shape, (...index) =>
          total(places.filter((i) => (reverse ? i >= index[at]! : i <= index[at]!)).map((i) => x!.at(...index.with(at, i)))),
        );
      },
    })),
  },
  {
    operator: "sumTo",
    cases: fc.constantFrom<graph.Shape>(["a", 3, "b"], [3, "b"], ["a", 1, "b"], [1, 1], []).map((like) => ({
      operands: { x: { shape }, like: { shape: like } },
      build: ({ x, like }) => graph.add(graph.sumTo(x!, like!), like!),
      reference: ({ x, like }) => {
        const extra = x!.shape.length - like!.shape.length;
        const axes = x!.shape.flatMap((_, i) => (i < extra || like!.shape[i - extra] === 1 ? [i] : []));
        const summed = reduceArray(x!, axes, true, total);
        return ndArray(like!.shape, (...at) => summed.at(...new Array(extra).fill(0), ...at) + like!.at(...at));
      },
    })),
  },
  {
    operator: "softmax",
    cases: fc.constant({
      operands: { x: { shape: ["a", "b", "c"] } },
      build: ({ x }: Record<string, graph.Tensor>) => graph.softmax(x!),
      reference: ({ x }: Record<string, NdArray>) =>
        map(
          (y, sum) => Math.exp(y!) / sum!,
          x!,
          reduceArray(x!, [2], true, (row) => total(row.map(Math.exp))),
        ),
    }),
  },
  {
    operator: "logSoftmax",
    cases: fc.constant({
      operands: { x: { shape: ["a", "b", "c"] } },
      build: ({ x }: Record<string, graph.Tensor>) => graph.logSoftmax(x!),
      reference: ({ x }: Record<string, NdArray>) =>
        map(
          (y, sum) => y! - Math.log(sum!),
          x!,
          reduceArray(x!, [2], true, (row) => total(row.map(Math.exp))),
        ),
    }),
  },
];
