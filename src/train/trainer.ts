// The training loop: any objective, any source of batches; validation, checkpoints, exact resume.

import { InputError } from "../errors.ts";
import type { Engine } from "../runtime/index.ts";
import type { Adaptation } from "./frozen-base.ts";
import { LossProgram, parametersOf } from "./loss-program.ts";
import type { Counted, Objective } from "./objective.ts";
import { Optimizer, type OptimizerOptions } from "./optimizer.ts";
import { initialise, Layout } from "./parameters.ts";
import { learningRateAt, type ScheduleOptions } from "./schedule.ts";

/** Where batches come from. Its state is JSON, and restoring it goes on exactly where it was taken. */
export interface BatchSource<Batch> {
  next(): Batch;
  state(): unknown;
  restore(state: unknown): void;
}

/** One row of `metrics.jsonl`. Losses are nats per token. */
export interface Metrics {
  readonly step: number;
  readonly loss: number;
  readonly bitsPerByte: number;
  readonly validationLoss?: number;
  readonly validationBitsPerByte?: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly tokensPerSecond: number;
  /** Tokens trained on since the beginning. */
  readonly tokens: number;
  /** Seconds of training since the beginning, over all sittings. */
  readonly seconds: number;
}

export interface TrainerOptions<Batch extends Counted> {
  readonly objective: Objective<Batch>;
  /** The objective of the validation batches, where it is built for other rows than those trained on. */
  readonly evaluation?: Objective<Batch>;
  /** Where only a part of the model is trained. */
  readonly adaptation?: Adaptation;
  readonly engine: Engine;
  readonly source: BatchSource<Batch>;
  /** The same batches each time, for validation. */
  readonly validation?: () => Iterable<Batch>;
  readonly steps: number;
  /** Batches whose gradients make one step. */
  readonly accumulation: number;
  /** Tokens of a batch that the model reads, padding left out. */
  readonly tokensIn: (batch: Batch) => number;
  readonly schedule: ScheduleOptions;
  readonly optimizer: OptimizerOptions;
  readonly dropout: boolean;
  readonly seed: number;
  /** The weights to begin with, by name and shape, row-major; random ones where it is left out or gives none. */
  readonly initial?: (name: string, shape: readonly number[]) => Float32Array | undefined;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  /** Called with the trainer between steps, when its state may be saved. */
  readonly save: (trainer: Trainer<Batch>) => Promise<void>;
  readonly onStep?: (metrics: Metrics) => void | Promise<void>;
  readonly threads: number;
}

/** Everything besides arrays that a resumed run needs. */
export interface TrainerState {
  readonly step: number;
  readonly optimizerSteps: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly data: unknown;
}

/** The mean loss over some text, in nats per token and in bits per UTF-8 byte. */
export interface Loss {
  readonly loss: number;
  readonly bitsPerByte: number;
  readonly tokens: number;
}

export function meanLoss(nats: number, { counted, bytes }: Counted): Loss {
  return { loss: nats / counted, bitsPerByte: nats / Math.LN2 / bytes, tokens: counted };
}

export class Trainer<Batch extends Counted> {
  readonly layout: Layout;
  readonly optimizer: Optimizer;
  step = 0;
  tokens = 0;
  seconds = 0;
  readonly #options: TrainerOptions<Batch>;
  readonly #training: LossProgram<Batch>;
  #evaluation: LossProgram<Batch> | undefined;

  private constructor(options: TrainerOptions<Batch>, layout: Layout, optimizer: Optimizer, training: LossProgram<Batch>) {
    this.#options = options;
    this.layout = layout;
    this.optimizer = optimizer;
    this.#training = training;
  }

  static async create<Batch extends Counted>(options: TrainerOptions<Batch>): Promise<Trainer<Batch>> {
    const { objective, adaptation, engine, threads, dropout } = options;
    const specs = parametersOf(objective, adaptation);
    const layout = new Layout(specs);
    const optimizer = await Optimizer.create(layout, options.optimizer, engine);
    const { weights, batchGradients: gradients } = optimizer;
    try {
      initialise(specs, layout, weights, options.seed, options.initial);
      const training = await LossProgram.create(objective, engine, {
        ...{ layout, weights, gradients, dropout, adaptation, threads },
      });
      return new Trainer(options, layout, optimizer, training);
    } catch (error) {
      await optimizer.close();
      throw error;
    }
  }

  get state(): TrainerState {
    const { step, tokens, seconds } = this;
    return { step, optimizerSteps: this.optimizer.steps, tokens, seconds, data: this.#options.source.state() };
  }

  /** Goes on from a saved state; the arrays have been filled by the caller. */
  restore({ step, optimizerSteps, tokens, seconds, data }: TrainerState): void {
    Object.assign(this, { step, tokens, seconds });
    this.optimizer.steps = optimizerSteps;
    this.#options.source.restore(data);
  }

  /** Trains until the last step, or until `signal` asks to stop: then the step under way is finished and saved. */
  async run(signal?: AbortSignal): Promise<"finished" | "stopped"> {
    const { steps, evaluateEvery, checkpointEvery, save, onStep } = this.#options;
    let saved = this.step;
    while (this.step < steps && !signal?.aborted) {
      const metrics = await this.#trainStep();
      const last = this.step === steps || signal?.aborted;
      const evaluated = last || this.step % evaluateEvery === 0 ? await this.evaluate() : undefined;
      await onStep?.({
        ...metrics,
        ...(evaluated && { validationLoss: evaluated.loss, validationBitsPerByte: evaluated.bitsPerByte }),
      });
      if (last || this.step % checkpointEvery === 0) {
        await save(this);
        saved = this.step;
      }
    }
    if (saved !== this.step) await save(this);
    return this.step < steps ? "stopped" : "finished";
  }

  async #trainStep(): Promise<Metrics> {
    const { source, accumulation, tokensIn, schedule, seed } = this.#options;
    const started = performance.now();
    const batches = Array.from({ length: accumulation }, () => source.next());
    const total: Counted = {
      counted: batches.reduce((sum, batch) => sum + batch.counted, 0),
      bytes: batches.reduce((sum, batch) => sum + batch.bytes, 0),
    };
    let loss = 0;
    for (const [i, batch] of batches.entries()) {
      const key = BigInt(seed % 2 ** 31) * 0x100000000n + BigInt(this.step * accumulation + i);
      loss += await this.#training.run(batch, 1 / Math.max(1, total.counted), key);
      await this.optimizer.accumulate(i === 0);
    }
    const learningRate = learningRateAt(this.step + 1, schedule);
    const gradientNorm = Number.isFinite(loss) ? await this.optimizer.step(learningRate) : Number.NaN;
    if (!Number.isFinite(gradientNorm)) throw this.#diverged(loss, learningRate);
    this.step++;
    const tokens = batches.reduce((sum, batch) => sum + tokensIn(batch), 0);
    this.tokens += tokens;
    const elapsed = (performance.now() - started) / 1000;
    this.seconds += elapsed;
    return {
      step: this.step,
      loss,
      // Where all that counted were control tokens, there is nothing to divide by.
      bitsPerByte: total.bytes > 0 ? (loss * total.counted) / Math.LN2 / total.bytes : 0,
      learningRate,
      gradientNorm,
      tokensPerSecond: tokens / elapsed,
      tokens: this.tokens,
      seconds: this.seconds,
    };
  }

  /** The optimiser has not touched the weights, so they are still those of the step before. */
  #diverged(loss: number, learningRate: number): InputError {
    return new InputError(
      `training stopped at step ${this.step + 1}: the ${Number.isFinite(loss) ? "gradient" : "loss"} is not a finite number (learning rate ` +
        `${learningRate.toPrecision(3)}); the last checkpoint is kept. Try, as a new run under another name, a learning rate three times smaller, a longer warm-up, or clip: 1.`,
    );
  }

  /** Mean loss over the validation batches; undefined where there are none. */
  async evaluate(): Promise<Loss | undefined> {
    const { objective, evaluation = objective, adaptation, engine, threads, validation } = this.#options;
    if (!validation) return undefined;
    this.#evaluation ??= await LossProgram.create(evaluation, engine, {
      layout: this.layout,
      weights: this.optimizer.weights,
      adaptation,
      threads,
    });
    return evaluateLoss(this.#evaluation, validation());
  }

  async close(): Promise<void> {
    this.#training.release();
    this.#evaluation?.release();
    await this.optimizer.close();
  }
}

/** The mean loss of a compiled model over batches; undefined where no target counts. */
export async function evaluateLoss<Batch extends Counted>(
  program: LossProgram<Batch>,
  batches: Iterable<Batch>,
): Promise<Loss | undefined> {
  let nats = 0;
  let counted = 0;
  let bytes = 0;
  for (const batch of batches) {
    nats += await program.run(batch, 1);
    counted += batch.counted;
    bytes += batch.bytes;
  }
  return counted > 0 && bytes > 0 ? meanLoss(nats, { counted, bytes }) : undefined;
}
