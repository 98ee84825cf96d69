// Checks of what models are made of: matrix products, norms, rotary positions, dropout, losses.
import fc from "fast-check";
import * as graph from "../../src/graph/index.ts";
import type { OperandSpec, OperatorCase, OperatorCheck } from "../check-operator.ts";
import { map, mapRows, NdArray, ndArray } from "../nd-array.ts";

const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
type Case = OperatorCase;

/** Rows of logits to losses; 0 where the target is ignored. */
const losses = (logits: NdArray, targets: NdArray) =>
  ndArray(targets.shape, (row) => {
    const target = targets.at(row!);
    if (target === graph.ignoredTarget) return 0;
    const z = upTo(logits.shape[1]!).map((i) => logits.at(row!, i));
    return Math.log(total(z.map(Math.exp))) - z[target]!;
  });

const affine = (x: NdArray, weight: NdArray, bias?: NdArray) =>
  ndArray([...x.shape.slice(0, -1), weight.shape[0]!], (...at) => {
    const [row, column] = [at.slice(0, -1), at.at(-1)!];
    return total(upTo(weight.shape[1]!).map((k) => x.at(...row, k) * weight.at(column, k))) + (bias?.at(column) ?? 0);
  });

const someTargets: OperandSpec = { shape: [5], dtype: "int32", values: [2, graph.ignoredTarget, 0, 3, 0] };

const low32 = 0xffffffffn;
/** The generator of src/graph/random.ts, in exact integers. */
function bits(count: number, key: bigint, site: bigint): number[] {
  const mix = (value: bigint) => {
    let x = value;
    x = ((x ^ (x >> 16n)) * 0x7feb352dn) & low32;
    x = ((x ^ (x >> 15n)) * 0x846ca68bn) & low32;
    return x ^ (x >> 16n);
  };
  const start = mix(mix(mix(key & low32) ^ (key >> 32n)) + ((site * 0x9e3779b9n) % 2n ** 31n));
  return upTo(count).map((i) => Number(mix(mix((BigInt(i) * 0x9e3779b1n + start) & low32) ^ start)));
}
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

export const modelChecks: OperatorCheck[] = [
  {
    operator: "matmul",
    cases: fc
      .record({
        transposeA: fc.boolean(),
        transposeB: fc.boolean(),
        scale: fc.constantFrom(undefined, 0.5),
        batches: fc.constantFrom<[graph.Shape, graph.Shape]>(
          [[], []],
          [["d"], ["d"]],
          [["d", 2], []],
          [[], ["d"]],
          [["d", 1], [2]],
          [[1], ["d"]],
        ),
      })
      .map(
        ({ transposeA, transposeB, scale, batches }): Case => ({
          operands: {
            a: { shape: [...batches[0], ...(transposeA ? ["b", "a"] : ["a", "b"])] },
            b: { shape: [...batches[1], ...(transposeB ? ["c", "b"] : ["b", "c"])] },
          },
          build: ({ a, b }) => graph.matmul(a!, b!, { transposeA, transposeB, ...(scale ? { scale } : {}) }),
          reference: ({ a, b }) => {
            const [rows, inner] = transposeA ? a!.shape.slice(-2).reverse() : a!.shape.slice(-2);
            const columns = transposeB ? b!.shape.at(-2) : b!.shape.at(-1);
            const rank = Math.max(a!.shape.length, b!.shape.length) - 2;
            const outer = upTo(rank).map((i) =>
              Math.max(a!.shape[a!.shape.length - 2 - rank + i] ?? 1, b!.shape[b!.shape.length - 2 - rank + i] ?? 1),
            );
            return ndArray([...outer, rows!, columns!], (...at) => {
              const [batch, i, j] = [at.slice(0, -2), at.at(-2)!, at.at(-1)!];
              const products = upTo(inner!).map(
                (k) => a!.at(...batch, ...(transposeA ? [k, i] : [i, k])) * b!.at(...batch, ...(transposeB ? [j, k] : [k, j])),
              );
              return total(products) * (scale ?? 1);
            });
          },
        }),
      ),
    runs: 16,
  },
  {
    operator: "linear",
    cases: fc.record({ bias: fc.boolean(), rows: fc.constantFrom<graph.Shape>(["a"], ["a", "d"], []) }).map(
      ({ bias, rows }): Case => ({
        operands: {
          x: { shape: [...rows, ...(rows.length > 0 || bias ? [] : [1]), "b"] },
          weight: { shape: [3, "b"] },
          ...(bias ? { bias: { shape: [3] } } : {}),
        },
        build: ({ x, weight, bias }) => graph.linear(x!, weight!, bias),
        reference: ({ x, weight, bias }) => affine(x!, weight!, bias),
      }),
    ),
    runs: 6,
  },
  {
    operator: "rmsNorm",
    cases: fc.constantFrom<graph.Shape>(["a", "b"], ["a"], []).map((rows) => ({
      operands: { x: { shape: [...rows, 5] }, weight: { shape: [5] } },
      build: ({ x, weight }) => graph.rmsNorm(x!, weight!, 1e-3),
      reference: ({ x, weight }) =>
        map(
          (y, w) => y! * w!,
          mapRows((row) => row.map((v) => v / Math.sqrt(total(row.map((u) => u * u)) / row.length + 1e-3)), x!),
          weight!,
        ),
    })),
  },
  {
    operator: "layerNorm",
    cases: fc.constantFrom<graph.Shape>(["a", "b"], ["a"], []).map((rows) => ({
      operands: { x: { shape: [...rows, 5] }, weight: { shape: [5] }, bias: { shape: [5] } },
      build: ({ x, weight, bias }) => graph.layerNorm(x!, weight!, bias!, 1e-3),
      reference: ({ x, weight, bias }) => {
        const normal = mapRows((row) => {
          const mean = total(row) / row.length;
          const variance = total(row.map((u) => (u - mean) ** 2)) / row.length;
          return row.map((u) => (u - mean) / Math.sqrt(variance + 1e-3));
        }, x!);
        return map((y, w, b) => y! * w! + b!, normal, weight!, bias!);
      },
    })),
  },
  {
    operator: "rotary",
    cases: fc.constant({
      operands: {
        x: { shape: ["a", "b", "c", 6] },
        positions: { shape: ["a", "c"], dtype: "int64" as const, range: [0, 7] as const },
      },
      build: ({ x, positions }: Record<string, graph.Tensor>) => {
        const { cos, sin } = graph.rotaryTables(8, 6, 100);
        return graph.rotary(x!, positions!, graph.constant(cos, "float32", [8, 3]), graph.constant(sin, "float32", [8, 3]));
      },
      reference: ({ x, positions }: Record<string, NdArray>) =>
        ndArray(x!.shape, (batch, head, time, i) => {
          const angle = positions!.at(batch!, time!) * 100 ** (-(i! % 3) / 3);
          const other = x!.at(batch!, head!, time!, (i! + 3) % 6);
          return x!.at(batch!, head!, time!, i!) * Math.cos(angle) + (i! < 3 ? -other : other) * Math.sin(angle);
        }),
    }),
  },
  {
    operator: "randomBits",
    cases: fc.integer({ min: 0, max: 1000 }).map((site) => ({
      operands: { x: { shape: ["a", "b", 3] }, key: { shape: [], dtype: "int64", range: [0, 2 ** 52] } },
      build: ({ x, key }) => graph.randomBits(x!, key!, site),
      reference: ({ x, key }) => new NdArray(x!.shape, bits(x!.data.length, BigInt(key!.at()), BigInt(site))),
    })),
  },
  {
    operator: "dropout",
    cases: fc.constantFrom(0, 0.1, 0.5).map((rate) => ({
      operands: { x: { shape: ["a", "b", 3] }, key: { shape: [], dtype: "int64", range: [0, 2 ** 52] } },
      build: ({ x, key }) => graph.dropout(x!, rate, key!, 3),
      reference: ({ x, key }) => {
        const mask = bits(size(x!.shape), BigInt(key!.at()), 3n).map((b) =>
          b >= Math.round(rate * 2 ** 32) ? 1 / (1 - rate) : 0,
        );
        return new NdArray(
          x!.shape,
          x!.data.map((value, i) => value * mask[i]!),
        );
      },
    })),
  },
  {
    operator: "crossEntropy",
    cases: fc.constantFrom(
      {
        operands: { logits: { shape: [5, 4] }, targets: someTargets },
        build: ({ logits, targets }: Record<string, graph.Tensor>) => graph.crossEntropy(logits!, targets!),
        reference: ({ logits, targets }: Record<string, NdArray>) => losses(logits!, targets!),
      },
      {
        operands: { logits: { shape: ["a", "b"] }, targets: { shape: ["a"], dtype: "int64" as const, range: [0, 0] as const } },
        build: ({ logits, targets }: Record<string, graph.Tensor>) => graph.crossEntropy(logits!, targets!),
        reference: ({ logits, targets }: Record<string, NdArray>) => losses(logits!, targets!),
      },
    ),
  },
  {
    operator: "linearCrossEntropy",
    cases: fc
      .record({
        bias: fc.boolean(),
        targets: fc.constantFrom<OperandSpec>(someTargets, { shape: ["a"], dtype: "int64", range: [0, 3] }),
      })
      .map(
        ({ bias, targets }): Case => ({
          operands: {
            x: { shape: [targets.shape[0]!, "b"] },
            weight: { shape: [4, "b"] },
            targets,
            ...(bias ? { bias: { shape: [4] } } : {}),
          },
          build: ({ x, weight, targets, bias }) => graph.linearCrossEntropy(x!, weight!, targets!, bias),
          reference: ({ x, weight, targets, bias }) => losses(affine(x!, weight!, bias), targets!),
        }),
      ),
    runs: 6,
  },
  {
    operator: "countedTargets",
    cases: fc.constantFrom([2, graph.ignoredTarget, 0], [graph.ignoredTarget, graph.ignoredTarget]).map((values) => ({
      operands: { targets: { shape: [values.length], dtype: "int32", values } },
      build: ({ targets }) => graph.countedTargets(targets!),
      reference: () => new NdArray([], [Math.max(1, values.filter((target) => target >= 0).length)]),
    })),
  },
];
