// Every operator of graph/, through the one check; and that none is missing.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import * as graph from "../src/graph/index.ts";
import { nativeEngine } from "../src/runtime/index.ts";
import { checkOperators, type OperatorCheck } from "./check-operator.ts";
import { map, type NdArray } from "./nd-array.ts";
import { operatorChecks } from "./operators/index.ts";

/** What graph/ exports beside operators: leaves, the machinery, and arithmetic of shapes. */
const notOperators = [
  "Tensor",
  "input",
  "parameter",
  "constant",
  "arrayFor",
  "withGradient",
  "grad",
  "toOnnx",
  "rotaryTables",
  "rotaryFrequencies",
];
const shapeArithmetic = ["minus", "namesIn", "plus", "product", "resolveShape"];

const engine = await nativeEngine();
let wrong: Map<string, string[]>;
beforeAll(async () => {
  wrong = await checkOperators(engine, operatorChecks);
}, 120_000);

test.each([...new Set(operatorChecks.map((check) => check.operator))])("%s", (operator) => {
  expect(wrong.get(operator)).toEqual([]);
});

test("the check finds wrong values, gradients and second gradients", async () => {
  const cube = (slope: (x: graph.Tensor) => graph.Tensor) => ({
    operator: "cube",
    cases: fc.constant({
      operands: { x: { shape: ["a", 3] } },
      build: ({ x }: Record<string, graph.Tensor>) =>
        graph.withGradient([x!], graph.mul(graph.mul(x!, x!), x!), (dy) => [graph.mul(dy!, slope(x!))]),
      reference: ({ x }: Record<string, NdArray>) => map((value) => value! ** 3, x!),
    }),
  });
  const find = async (check: OperatorCheck) => {
    const found = (await checkOperators(engine, [check])).get("cube")!;
    return [...new Set(found.map((problem) => problem.match(/\.(y0|d_leaf|d_middle|dd)/)?.[1]))].sort();
  };
  const { mul, stopGradient } = graph;
  expect(await find(cube((x) => mul(mul(x, x), 3)))).toEqual([]);
  expect(await find(cube((x) => mul(mul(x, x), 3.01)))).toEqual(["d_leaf", "d_middle", "dd"]);
  expect(await find(cube((x) => mul(mul(x, stopGradient(x)), 3)))).toEqual(["dd"]);
  const shifted = { ...cube((x) => mul(mul(x, x), 3)) };
  shifted.cases = shifted.cases.map((one) => ({ ...one, reference: ({ x }) => map((value) => value! ** 3 + 0.01, x!) }));
  expect(await find(shifted)).toEqual(["y0"]);
});

test("every exported operator is checked", () => {
  const operators = Object.entries(graph).filter(([, value]) => typeof value === "function");
  const checked = new Set([...operatorChecks.map((check) => check.operator), ...notOperators, ...shapeArithmetic]);
  expect(operators.map(([name]) => name).filter((name) => !checked.has(name))).toEqual([]);
});
