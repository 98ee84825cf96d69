// The loss of a small model with random weights, for tests that lay the same texts into batches in two ways.
import type { Engine } from "../src/runtime/index.ts";
import { type Counted, evaluateLoss, initialise, Layout, LossProgram, type Objective, parametersOf } from "../src/train/index.ts";

/** The mean loss over batches; the same objective has the same weights each time, far from a uniform guess. */
export async function freshLoss<Batch extends Counted>(objective: Objective<Batch>, engine: Engine, batches: Iterable<Batch>) {
  const specs = parametersOf(objective);
  const layout = new Layout(specs);
  const weights = layout.allocate();
  initialise(specs, layout, weights, 1);
  for (let i = 0; i < weights.length; i++) weights[i]! *= 5; // far from the uniform guess of a fresh model
  const program = await LossProgram.create(objective, engine, { layout, weights });
  const loss = await evaluateLoss(program, batches);
  program.release();
  return loss!;
}
