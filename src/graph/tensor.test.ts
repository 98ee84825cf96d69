// Errors of operators say which operator, both shapes, and the line that called it.
import { expect, test } from "vitest";
import * as graph from "./index.ts";

const { input } = graph;
const x = input("x", "float32", ["batch", 4]);
const y = input("y", "float32", [3, 5]);
const ids = input("ids", "int32", [3]);

/** The error of a call, and the line of this file that it stands on. */
function failure(call: () => unknown): { message: string; line: number } {
  try {
    call();
  } catch (error) {
    const line = (error as Error).message.match(/tensor\.test\.ts:(\d+):\d+\)$/)?.[1];
    return { message: (error as Error).message, line: Number(line) };
  }
  throw new Error("did not throw");
}

test("the caller's line is in the message", () => {
  const here = Number(new Error().stack!.match(/tensor\.test\.ts:(\d+)/)![1]);
  const direct = failure(() => graph.matmul(x, y));
  const nested = failure(() => graph.linearCrossEntropy(x, y, ids));
  expect([direct.line, nested.line]).toEqual([here + 1, here + 2]);
});

test.each<[string, () => unknown, string[]]>([
  ["add", () => graph.add(x, y), ["Add", "float32[batch, 4]", "float32[3, 5]", "do not broadcast"]],
  ["add of two types", () => graph.add(x, graph.cast(x, "int32")), ["Add", "float32[batch, 4]", "int32[batch, 4]", "use cast"]],
  ["where", () => graph.where(x, x, x), ["Where", "bool", "float32[batch, 4]"]],
  ["and", () => graph.and(x, x), ["And", "bool", "float32[batch, 4]"]],
  ["matmul", () => graph.matmul(x, y), ["matmul", "float32[batch, 4]", "float32[3, 5]", "4 and 3"]],
  ["matmul of a vector", () => graph.matmul(x, ids), ["matmul", "int32[3]"]],
  ["linear", () => graph.linear(x, y, ids), ["linear", "float32[batch, 4]", "float32[3, 5]", "int32[3]"]],
  ["reshape", () => graph.reshape(x, [3, -1]), ["reshape", "float32[batch, 4]", "[3, -1]"]],
  ["transpose", () => graph.transpose(x, [0, 0]), ["transpose", "[0, 0]", "float32[batch, 4]"]],
  ["slice", () => graph.slice(y, 1, 4, 2), ["slice", "4", "2", "float32[3, 5]"]],
  ["pad", () => graph.pad(y, 0, -1, 0), ["pad", "-1", "float32[3, 5]"]],
  ["split", () => graph.split(y, [1, 1], 1), ["split", "[1, 1]", "float32[3, 5]"]],
  ["concat", () => graph.concat([x, y], 1), ["concat", "float32[batch, 4]", "float32[3, 5]"]],
  ["expand", () => graph.expand(y, [2, 5]), ["expand", "float32[3, 5]", "[2, 5]"]],
  ["sum", () => graph.sum(y, { axes: [2] }), ["ReduceSum", "float32[3, 5]", "no axis 2"]],
  ["take", () => graph.take(y, x), ["take", "float32[batch, 4]"]],
  ["takeAlong", () => graph.takeAlong(y, ids), ["takeAlong", "float32[3, 5]", "int32[3]"]],
  ["scatterAdd", () => graph.scatterAdd(y, ids, y), ["scatterAdd", "float32[3, 5]", "int32[3]"]],
  ["scatterAlong", () => graph.scatterAlong(y, ids, y), ["scatterAlong", "float32[3, 5]", "int32[3]"]],
  ["topK", () => graph.topK(y, 6), ["topK", "6", "float32[3, 5]"]],
  ["rmsNorm", () => graph.rmsNorm(x, ids), ["rmsNorm", "float32[batch, 4]", "int32[3]"]],
  ["layerNorm", () => graph.layerNorm(x, x, x), ["layerNorm", "[4]", "float32[batch, 4]"]],
  ["rotary", () => graph.rotary(x, ids, y, y), ["rotary", "float32[batch, 4]"]],
  ["dropout", () => graph.dropout(x, 1, ids, 0), ["dropout", "rate", "1"]],
  ["randomBits", () => graph.randomBits(x, ids, 0), ["randomBits", "int32[3]"]],
  ["crossEntropy", () => graph.crossEntropy(y, x), ["crossEntropy", "float32[3, 5]", "float32[batch, 4]"]],
  ["linearCrossEntropy", () => graph.linearCrossEntropy(y, y, ids, ids), ["linearCrossEntropy", "bias", "int32[3]"]],
  ["input", () => graph.input("x", "int32", ["past-len", 4]), ["input", '"x"', "[past-len, 4]", '"past-len"', "letters, digits"]],
  ["input of a product", () => graph.input("x", "int32", ["2*time"]), ["input", '"2*time"', "letters, digits"]],
  ["input without a name", () => graph.input("x", "int32", [""]), ["input", '""', "letters, digits"]],
  ["parameter", () => graph.parameter("w", [4, 1.5]), ["parameter", '"w"', "[4, 1.5]", "whole number", "1.5"]],
  ["constant", () => graph.constant([1, 2], "float32", [3]), ["constant", "2 values", "[3]"]],
])("%s", (_, call, parts) => {
  const { message } = failure(call);
  for (const part of parts) expect(message).toContain(part);
});
