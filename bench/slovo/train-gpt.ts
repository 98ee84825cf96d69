// slovo's side of the train-gpt benchmark, in a process of its own so that its peak memory is its own.
// Prints one line of JSON: tokens per second (median step after warm-up), milliseconds a step, peak memory.
import { nextToken } from "../../src/train/objectives/next-token.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { nativeEngine } from "../../src/runtime/index.ts";

const steps = Number(process.argv[2] ?? 12);
const threads = Number(process.argv[3] ?? 2);
const [rows, length, vocabulary] = [8, 256, 4096];
const config = {
  kind: "llama", vocabulary, context: length, width: 256, layers: 6, heads: 4, kvHeads: 4, headWidth: 64, hidden: 1024,
  rotaryBase: 10000, normEpsilon: 1e-5, tied: false, dropout: 0,
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
const times: number[] = [];
let loss = 0;
const trainer = await Trainer.create({
  objective: nextToken(config, { rows, length, packed: false }),
  engine: await nativeEngine(),
  source: { next: () => batch, state: () => null, restore: () => {} },
  steps,
  accumulation: 1,
  tokensPerBatch: rows * length,
  schedule: { schedule: "constant", learningRate: 1e-3, finalShare: 1, warmupSteps: 0, steps, decayShare: 0 },
  optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, clip: 0, threads, accumulate: false },
  dropout: false,
  seed: 0,
  evaluateEvery: steps + 1,
  checkpointEvery: steps + 1,
  save: async () => {},
  onStep: (metrics) => {
    times.push((rows * length) / metrics.tokensPerSecond);
    loss = metrics.loss;
  },
  threads,
});
await trainer.run();
await trainer.close();
const counted = times.slice(2).sort((a, b) => a - b);
const median = counted[counted.length >> 1]!;
console.log(
  JSON.stringify({
    tokensPerSecond: (rows * length) / median,
    bestTokensPerSecond: (rows * length) / counted[0]!,
    millisecondsPerStep: median * 1000,
    peakMemoryMiB: process.resourceUsage().maxRSS / 1024,
    parameters: trainer.layout.count,
    loss,
  }),
);
