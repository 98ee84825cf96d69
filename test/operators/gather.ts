// Checks of the operators that look up and add up by index.
import fc from "fast-check";
import * as graph from "../../src/graph/index.ts";
import type { OperatorCheck } from "../check-operator.ts";
import { mapRows, type NdArray, ndArray } from "../nd-array.ts";

const indexType = fc.constantFrom("int32" as const, "int64" as const);

export const gatherChecks: OperatorCheck[] = [
  {
    operator: "take",
    cases: fc
      .record({ dtype: indexType, rows: fc.constantFrom<graph.Shape>(["b", 2], ["b"], []), rest: fc.constantFrom([], ["c"]) })
      .map(({ dtype, rows, rest }) => ({
        operands: { table: { shape: [3, ...rest] }, indices: { shape: rows, dtype, range: [0, 2] } },
        build: ({ table, indices }) => graph.take(table!, indices!),
        reference: ({ table, indices }) =>
          ndArray([...indices!.shape, ...table!.shape.slice(1)], (...at) =>
            table!.at(indices!.at(...at.slice(0, indices!.shape.length)), ...at.slice(indices!.shape.length)),
          ),
      })),
  },
  {
    operator: "scatterAdd",
    cases: fc.constantFrom<graph.Shape>([], ["b"], [2, "b"]).map((rest) => ({
      operands: {
        x: { shape: [3, ...rest] },
        rows: { shape: ["a", 1], dtype: "int64", range: [0, 2] },
        updates: { shape: ["a", ...rest] },
      },
      build: ({ x, rows, updates }) => graph.scatterAdd(x!, rows!, updates!),
      reference: ({ x, rows, updates }) =>
        ndArray(x!.shape, (row, ...at) =>
          rows!.data.reduce((sum, to, i) => sum + (to === row ? updates!.at(i, ...at) : 0), x!.at(row!, ...at)),
        ),
    })),
  },
  {
    operator: "takeAlong",
    cases: indexType.map((dtype) => ({
      operands: { x: { shape: ["a", "b", 3] }, indices: { shape: ["a", "b", 2], dtype, range: [0, 2] } },
      build: ({ x, indices }) => graph.takeAlong(x!, indices!),
      reference: ({ x, indices }) => ndArray(indices!.shape, (i, j, k) => x!.at(i!, j!, indices!.at(i!, j!, k!))),
    })),
  },
  {
    operator: "scatterAlong",
    cases: fc.constant({
      operands: {
        x: { shape: ["a", 3] },
        indices: { shape: ["a", "b"], dtype: "int64" as const, range: [0, 2] as const },
        updates: { shape: ["a", "b"] },
      },
      build: ({ x, indices, updates }: Record<string, graph.Tensor>) => graph.scatterAlong(x!, indices!, updates!),
      reference: ({ x, indices, updates }: Record<string, NdArray>) =>
        ndArray(x!.shape, (row, column) =>
          Array.from({ length: updates!.shape[1]! }, (_, k) => k)
            .filter((k) => indices!.at(row!, k) === column)
            .reduce((sum, k) => sum + updates!.at(row!, k), x!.at(row!, column!)),
        ),
    }),
  },
  {
    operator: "topK",
    cases: fc.integer({ min: 1, max: 5 }).map((k) => ({
      operands: { x: { shape: ["a", "b", 5] } },
      build: ({ x }) => graph.topK(x!, k),
      reference: ({ x }) => {
        const order = (row: number[]) =>
          row
            .map((_, i) => i)
            .sort((i, j) => row[j]! - row[i]!)
            .slice(0, k);
        return [mapRows((row) => order(row).map((i) => row[i]!), x!), mapRows(order, x!)];
      },
    })),
  },
  {
    operator: "oneHot",
    cases: indexType.map((dtype) => ({
      operands: { indices: { shape: ["a", "b"], dtype, range: [0, 3] } },
      build: ({ indices }) => graph.oneHot(indices!, 4),
      reference: ({ indices }) => ndArray([...indices!.shape, 4], (i, j, k) => Number(indices!.at(i!, j!) === k)),
    })),
  },
  {
    operator: "range",
    cases: fc.constantFrom<graph.Dim>(4, "b").map((size) => ({
      operands: { x: { shape: ["a", size], dtype: "int64" as const } },
      build: ({ x }: Record<string, graph.Tensor>) => graph.add(x!, graph.range(x!.shape[1]!, x!)),
      reference: ({ x }: Record<string, NdArray>) => ndArray(x!.shape, (i, j) => x!.at(i!, j!) + j!),
    })),
  },
];
