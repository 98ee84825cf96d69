// Times training steps of one batch, the whole of a step: loss, gradients and optimiser. Shared by slovo's sides of `train-…`.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { nativeEngine } from "../../src/runtime/index.ts";
import { type Adaptation, type Counted, type Objective, Trainer } from "../../src/train/index.ts";
import { median, reportToParent } from "../measure.ts";

/**
 * Takes steps over the same batch, as many as the command line says, and reports `tokens` of a batch over the median step. With an
 * `adaptation` that part of the model is trained, and the first loss is reported too: a peer over the same base must begin with it.
 */
export async function timeSteps<Batch extends Counted>(
  objective: Objective<Batch>,
  batch: Batch,
  tokens: number,
  adaptation?: Adaptation,
): Promise<void> {
  const { values } = parseArgs({
    // Other flags are the caller's.
    strict: false,
    options: { steps: { type: "string", default: "10" }, "warm-up": { type: "string", default: "3" } },
  });
  const threads = availableParallelism();
  const warmUp = Number(values["warm-up"]);
  const steps = warmUp + Number(values.steps);
  const seconds: number[] = [];
  const losses: number[] = [];
  const trainer = await Trainer.create({
    objective,
    adaptation,
    engine: await nativeEngine(),
    source: { next: () => batch, state: () => null, restore: () => {} },
    steps,
    accumulation: 1,
    tokensIn: () => tokens,
    schedule: { schedule: "constant", learningRate: 1e-3, finalShare: 1, warmupSteps: 0, steps, decayShare: 0 },
    // PyTorch's defaults; the peer clips nothing either.
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, clip: 0, threads, accumulate: false },
    dropout: false,
    seed: 0,
    evaluateEvery: steps + 1,
    checkpointEvery: steps + 1,
    save: async () => {},
    onStep: ({ tokensPerSecond, loss }) => {
      losses.push(loss);
      seconds.push(tokens / tokensPerSecond);
    },
    threads,
  });
  await trainer.run();
  await trainer.close();
  reportToParent({
    tokensPerSecond: Math.round(tokens / median(seconds.slice(warmUp))),
    parameters: trainer.layout.count,
    ...(adaptation && { firstLoss: losses[0]! }),
  });
}
