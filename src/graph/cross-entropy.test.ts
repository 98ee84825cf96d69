// Cross-entropy over a vocabulary so wide that it is computed in chunks.
import { expect, test } from "vitest";
import { evaluate, nativeEngine, Random } from "../runtime/index.ts";
import {
  countedTargets,
  crossEntropy,
  div,
  grad,
  ignoredTarget,
  input,
  linear,
  linearCrossEntropy,
  mul,
  sum,
  type Tensor,
} from "./index.ts";

test.each([
  { name: "a trained weight", frozen: false },
  { name: "a frozen weight", frozen: true },
])("a training step over $name holds the logits of one chunk at a time", async ({ frozen }) => {
  const [rows, classes, width] = [1024, 50_000, 16];
  const [x, weight, targets] = [
    input("x", "float32", [rows, width]),
    input("weight", "float32", [classes, width]),
    input("targets", "int32", [rows]),
  ];
  const loss = div(sum(linearCrossEntropy(mul(x, 2), weight, targets)), countedTargets(targets));
  const gradients = grad(loss, frozen ? [x] : [x, weight]);
  const outputs = { loss, ...Object.fromEntries(gradients.map((gradient, i) => [`gradient ${i}`, gradient])) };
  const engine = await nativeEngine();
  const before = process.memoryUsage().rss;
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss - before);
  }, 1);
  await evaluate(engine, outputs, {
    x: { dtype: "float32", shape: [rows, width], data: new Float32Array(rows * width) },
    weight: { dtype: "float32", shape: [classes, width], data: new Float32Array(classes * width) },
    targets: { dtype: "int32", shape: [rows], data: new Int32Array(rows) },
  });
  clearInterval(timer);
  // All the logits are 195 MiB, and their softmax as much again; one chunk of them is 16 MiB.
  expect(peak).toBeGreaterThan(0);
  expect(peak / 2 ** 20).toBeLessThan(150);
});

test("chunks of rows give the losses and gradients of the whole", async () => {
  const [rows, classes, width] = [70, 150_001, 3];
  const random = new Random(1);
  const numbers = (...shape: number[]) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal());
    return { dtype: "float32", shape, data } as const;
  };
  const targets = Int32Array.from({ length: rows }, (_, i) => (i % 7 === 3 ? ignoredTarget : random.integer(classes)));
  const given = {
    x: numbers(rows, width),
    weight: numbers(classes, width),
    bias: numbers(classes),
    upstream: numbers(rows),
    targets: { dtype: "int32", shape: [rows], data: targets } as const,
  };
  const leaf = (name: keyof typeof given) => input(name, given[name].dtype, given[name].shape);
  const [x, weight, bias] = [leaf("x"), leaf("weight"), leaf("bias")];
  const withGradients = (name: string, losses: Tensor) => {
    const [dx, dWeight, dBias] = grad(sum(mul(losses, leafUpstream)), [x, weight, bias]);
    return { [`${name}.losses`]: losses, [`${name}.dx`]: dx!, [`${name}.dWeight`]: dWeight!, [`${name}.dBias`]: dBias! };
  };
  const [leafTargets, leafUpstream] = [leaf("targets"), leaf("upstream")];
  const engine = await nativeEngine();
  const values = await evaluate(
    engine,
    {
      ...withGradients("chunks", linearCrossEntropy(x, weight, leafTargets, bias)),
      ...withGradients("whole", crossEntropy(linear(x, weight, bias), leafTargets)),
    },
    given,
  );
  for (const name of ["losses", "dx", "dWeight", "dBias"]) {
    const [chunks, whole] = [values[`chunks.${name}`]!.data as Float32Array, values[`whole.${name}`]!.data as Float32Array];
    const scale = whole.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(scale).toBeGreaterThan(0.1);
    expect(chunks.findIndex((value, i) => !(Math.abs(value - whole[i]!) <= 1e-5 * scale))).toBe(-1);
  }
  const losses = values["chunks.losses"]!.data;
  expect(losses[3]).toBe(0);
  expect(losses[4]).toBeGreaterThan(1);
});
