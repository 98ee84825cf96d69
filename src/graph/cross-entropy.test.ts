// Cross-entropy over a vocabulary so wide that it is computed in chunks.
import { expect, test } from "vitest";
import { evaluate, nativeEngine, Random } from "../runtime/index.ts";
import { crossEntropy, grad, ignoredTarget, input, linear, linearCrossEntropy, mul, sum, type Tensor } from "./index.ts";

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
