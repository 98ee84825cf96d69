// slovo's side of the optimizer benchmark: AdamW over ten million parameters. Ends with one line of JSON.
import { availableParallelism } from "node:os";
import { parameter } from "../../src/graph/index.ts";
import { nativeEngine } from "../../src/runtime/index.ts";
import { Layout, Optimizer } from "../../src/train/index.ts";
import { median, reportToParent } from "../measure.ts";

const shape = [1000, 1000];
const specs = Array.from({ length: 10 }, (_, i) => ({
  name: `p${i}`,
  shape,
  tensor: parameter(`p${i}`, shape),
  initial: { normal: 1 },
}));
const threads = availableParallelism();
const optimizer = await Optimizer.create(
  new Layout(specs),
  { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1, clip: 0, threads, accumulate: false },
  await nativeEngine(),
);
optimizer.gradients.forEach((_, i, all) => {
  all[i] = Math.sin(i);
});
const times: number[] = [];
for (let i = 0; i < 35; i++) {
  const start = performance.now();
  await optimizer.step(1e-3);
  if (i >= 5) times.push(performance.now() - start);
}
await optimizer.close();
reportToParent({ milliseconds: Math.round(median(times) * 100) / 100 });
