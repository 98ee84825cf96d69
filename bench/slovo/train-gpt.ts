// slovo's side of the train-gpt benchmark. Ends with one line of JSON: tokens per second of the median step after warm-up.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { nativeEngine } from "../../src/runtime/index.ts";
import { nextToken, Trainer } from "../../src/train/index.ts";
import { median, reportToParent } from "../measure.ts";

const { values: options } = parseArgs({
  options: { steps: { type: "string", default: "10" }, "warm-up": { type: "string", default: "3" } },
});
const [rows, length, vocabulary] = [8, 256, 4096];
const config = {
  kind: "llama",
  vocabulary,
  context: length,
  width: 256,
  layers: 6,
  heads: 4,
  kvHeads: 4,
  headWidth: 64,
  hidden: 1024,
  rotaryBase: 10000,
  normEpsilon: 1e-5,
  tied: false,
  dropout: 0,
} as const;
const tokens = Int32Array.from({ length: rows * length }, (_, i) => (i * 7) % vocabulary);
const batch = {
  tokens,
  targets: tokens.map((token) => (token + 7) % vocabulary),
  positions: tokens.map((_, i) => i % length),
  segments: new Int32Array(rows * length),
  counted: rows * length,
  bytes: rows * length,
};
const threads = availableParallelism();
const warmUp = Number(options["warm-up"]);
const steps = warmUp + Number(options.steps);
const seconds: number[] = [];
const trainer = await Trainer.create({
  objective: nextToken(config, { rows, length, packed: false }),
  engine: await nativeEngine(),
  source: { next: () => batch, state: () => null, restore: () => {} },
  steps,
  accumulation: 1,
  tokensPerBatch: rows * length,
  schedule: { schedule: "constant", learningRate: 1e-3, finalShare: 1, warmupSteps: 0, steps, decayShare: 0 },
  // PyTorch's defaults; the peer clips nothing either.
  optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, clip: 0, threads, accumulate: false },
  dropout: false,
  seed: 0,
  evaluateEvery: steps + 1,
  checkpointEvery: steps + 1,
  save: async () => {},
  onStep: ({ tokensPerSecond }) => {
    seconds.push((rows * length) / tokensPerSecond);
  },
  threads,
});
await trainer.run();
await trainer.close();
reportToParent({
  tokensPerSecond: Math.round((rows * length) / median(seconds.slice(warmUp))),
  parameters: trainer.layout.count,
});
