// A prefix of keys and values in attention by blocks of queries is what it is in one piece, under windows and packed texts too.
import { expect, test } from "vitest";
import { type Dim, grad, input, mul, sum, type Tensor, toOnnx } from "../graph/index.ts";
import { evaluate, type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { sequenceContext } from "./context.ts";

const [rows, time, heads, kvHeads, head, length] = [2, 300, 2, 1, 4, 7];
const random = new Random(1, "prefix");
const numbers = (...shape: number[]): HostTensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
});
const q = numbers(rows, time, heads * head);
const [k, v] = [numbers(rows, time, kvHeads * head), numbers(rows, time, kvHeads * head)];
const weights = numbers(rows, time, heads * head);
const [key, value] = [numbers(kvHeads, length, head), numbers(kvHeads, length, head)];
/** Two texts a row, the second from here on. */
const border = 170;
const positions: HostTensor = {
  dtype: "int64",
  shape: [rows, time],
  data: BigInt64Array.from({ length: rows * time }, (_, i) => BigInt(i % time < border ? i % time : (i % time) - border)),
};
const segments: HostTensor = {
  dtype: "int32",
  shape: [rows, time],
  data: Int32Array.from({ length: rows * time }, (_, i) => Number(i % time >= border)),
};
const given = { q, k, v, weights, key, value, positions, segments };

/** What is seen, and its gradients, in a graph for texts of that many tokens; where they have a name, there are no blocks. */
async function compute(time: Dim, window: number | undefined, before = true) {
  const tensor = (name: "q" | "k" | "v" | "weights", width: number) => input(name, "float32", [rows, time, width]);
  const parts = { q: tensor("q", heads * head), k: tensor("k", kvHeads * head), v: tensor("v", kvHeads * head) };
  const own = {
    key: input("key", "float32", [kvHeads, length, head]),
    value: input("value", "float32", [kvHeads, length, head]),
  };
  const context = sequenceContext({
    positions: input("positions", "int64", [rows, time]),
    segments: input("segments", "int32", [rows, time]),
    ...(before && { prefix: { length, layer: () => own } }),
  });
  const seen = context.attend({ ...parts, heads, kvHeads, window });
  const wanted: Record<string, Tensor> = { ...parts, ...(before && own) };
  const gradients = grad(sum(mul(seen, tensor("weights", heads * head))), Object.values(wanted));
  const outputs = { seen, ...Object.fromEntries(Object.keys(wanted).map((name, i) => [`gradient.${name}`, gradients[i]!])) };
  const asked = toOnnx(outputs).inputs;
  const arrays = Object.fromEntries(Object.entries(given).filter(([name]) => asked.has(name)));
  const made = await evaluate(await nativeEngine(), outputs, arrays);
  return Object.fromEntries(Object.entries(made).map(([name, { data }]) => [name, data as Float32Array]));
}

test.each([undefined, 5, 200])("window %s", async (window) => {
  const [blocks, whole] = [await compute(time, window), await compute("time", window)];
  for (const [name, expected] of Object.entries(whole)) {
    const off = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - blocks[name]![i]!)), 0);
    expect(off, name).toBeLessThan(1e-4);
  }
  const without = (await compute(time, window, false)).seen!;
  const differs = (row: number, at: number) =>
    blocks
      .seen!.subarray((row * time + at) * heads * head, (row * time + at + 1) * heads * head)
      .some((x, i) => Math.abs(x - without[(row * time + at) * heads * head + i]!) > 1e-6);
  // Every token of every text sees it that its window lets see it: as far back as positions go on from the prefix.
  for (const at of [0, 3, 4, 5, 100, border - 1, border, border + 3, border + 4, border + 100, time - 1]) {
    const own = at < border ? at : at - border;
    expect(differs(1, at), `place ${at}`).toBe(window === undefined || own + 1 < window);
  }
});
