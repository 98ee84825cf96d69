// evaluate: names of dimensions bound from the inputs, and what it says of wrong inputs.
import { expect, test } from "vitest";
import { concat, input, matmul, reshape } from "../graph/index.ts";
import { evaluate } from "./evaluate.ts";
import { nativeEngine } from "./native.ts";

const engine = await nativeEngine();
const float = (...shape: number[]) =>
  ({ dtype: "float32", shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i) }) as const;
const past = input("past", "float32", ["batch", "past", 2]);
const fresh = input("fresh", "float32", ["batch", "time", 2]);
const all = concat([past, fresh], 1);

test("outputs have the sizes that the inputs lead to", async () => {
  const outputs = { all, flat: reshape(all, [-1]), product: matmul(all, fresh, { transposeB: true }) };
  const values = await evaluate(engine, outputs, { past: float(2, 3, 2), fresh: float(2, 1, 2) });
  expect(all.shape).toEqual(["batch", "past+time", 2]);
  expect(Object.values(values).map(({ shape }) => shape)).toEqual([[2, 4, 2], [16], [2, 4, 1]]);
  expect([...values.flat!.data]).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 6, 7, 8, 9, 10, 11, 2, 3]);
});

test("an axis may be empty", async () => {
  const values = await evaluate(engine, { all }, { past: float(2, 0, 2), fresh: float(2, 1, 2) });
  expect([...values.all!.data]).toEqual([0, 1, 2, 3]);
});

test.each([
  ["a missing input", { past: float(2, 3, 2) }, 'the input "fresh" (float32[batch, time, 2]) is missing'],
  [
    "an unknown input",
    { past: float(2, 3, 2), fresh: float(2, 1, 2), other: float(1) },
    'the graph has no input "other"; it has: past, fresh',
  ],
  [
    "another rank",
    { past: float(2, 3, 2), fresh: float(2, 2) },
    'the input "fresh" (float32[batch, time, 2]) was given float32[2, 2]',
  ],
  [
    "another size",
    { past: float(2, 3, 2), fresh: float(2, 1, 3) },
    'the input "fresh" (float32[batch, time, 2]) was given float32[2, 1, 3]',
  ],
  [
    "a name bound twice",
    { past: float(2, 3, 2), fresh: float(1, 1, 2) },
    'was given float32[1, 1, 2], but "batch" is 2 elsewhere',
  ],
] as const)("%s is said", async (_, inputs, message) => {
  await expect(evaluate(engine, { all }, inputs as never)).rejects.toThrow(message);
});
