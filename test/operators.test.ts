// Every operator of graph/, through the one check; and that none is missing.
import { beforeAll, expect, test } from "vitest";
import * as graph from "../src/graph/index.ts";
import { nativeEngine } from "../src/runtime/index.ts";
import { checkOperators } from "./check-operator.ts";
import { operatorChecks } from "./operators/index.ts";

/** What graph/ exports beside operators: leaves, the machinery, and arithmetic of shapes. */
const notOperators = ["Tensor", "input", "parameter", "constant", "arrayFor", "withGradient", "grad", "toOnnx", "rotaryTables"];
const shapeArithmetic = ["minus", "namesIn", "plus", "product", "resolveShape"];

let wrong: Map<string, string[]>;
beforeAll(async () => {
  wrong = await checkOperators(await nativeEngine(), operatorChecks);
}, 120_000);

test.each([...new Set(operatorChecks.map((check) => check.operator))])("%s", (operator) => {
  expect(wrong.get(operator)).toEqual([]);
});

test("every exported operator is checked", () => {
  const operators = Object.entries(graph).filter(([, value]) => typeof value === "function");
  const checked = new Set([...operatorChecks.map((check) => check.operator), ...notOperators, ...shapeArithmetic]);
  expect(operators.map(([name]) => name).filter((name) => !checked.has(name))).toEqual([]);
});
