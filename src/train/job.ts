// A training job from a recipe: tokenizer, tokens on disk, model, training, model folder, report. Every part is reused when run again.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { writeFolderAtomically } from "../checkpoint/index.ts";
import {
  buildShard,
  bytesPerToken,
  type DocumentSource,
  openSources,
  PackedBatches,
  RandomWindows,
  type ShardProgress,
  type TokenShard,
  texts,
  validationBatches,
  worldSource,
} from "../data/index.ts";

import { type GptConfig, usualHidden } from "../models/index.ts";
import { type Engine, openEngine } from "../runtime/index.ts";
import {
  loadTokenizer,
  type Tokenizer,
  type TrainingProgress,
  trainByteLevelBpe,
  trainCharacterLevel,
} from "../tokenizer/index.ts";
import { handOver, type Run } from "./hand-over.ts";
import { checkMemory } from "./memory.ts";
import { nextToken, type TokenBatch } from "./objectives/next-token.ts";
import type { Recipe } from "./recipe.ts";
import { RunFolder } from "./run-folder.ts";
import { type BatchSource, type Metrics, Trainer } from "./trainer.ts";

/** What a job tells while it works. */
export interface JobEvents {
  onTokenizer?(progress: TrainingProgress): void;
  onTokens?(progress: ShardProgress): void;
  /** The recipe with everything resolved, before training begins or goes on from `step`. */
  onBegin?(begin: { recipe: Recipe; parameters: number; trainingTokens: number; step: number }): void;
  onStep?(metrics: Metrics): void;
  onNote?(sentence: string): void;
}

export interface JobResult {
  readonly outcome: "finished" | "stopped" | "already finished";
  readonly folder: string;
  readonly modelFolder: string;
  readonly last: Metrics | undefined;
}

/** Runs a recipe in its folder, or goes on with what is there. Stop it with `signal`: it finishes the step and saves. */
export async function runJob(recipe: Recipe, path: string, events: JobEvents = {}, signal?: AbortSignal): Promise<JobResult> {
  const folder = new RunFolder(path);
  using _ = await folder.lock();
  try {
    return await runJobIn(folder, recipe, stoppable(events, signal), signal);
  } catch (error) {
    // Stopped before the first step: tokenizer and tokens are each there whole or not at all.
    if (signal?.aborted && error === signal.reason) return resultOf(folder, "stopped");
    throw error;
  }
}

/** Makes the work before the first step end where it next tells of its progress, once `signal` asks to stop. */
function stoppable(events: JobEvents, signal?: AbortSignal): JobEvents {
  return {
    ...events,
    onTokenizer(progress) {
      signal?.throwIfAborted();
      events.onTokenizer?.(progress);
    },
    onTokens(progress) {
      signal?.throwIfAborted();
      events.onTokens?.(progress);
    },
  };
}

async function runJobIn(folder: RunFolder, recipe: Recipe, events: JobEvents, signal?: AbortSignal): Promise<JobResult> {
  const begun = await folder.begin(recipe);
  // What the parts are made from stands in the folder before the first of them does.
  await folder.saveRecipe(begun);
  const source = await openSource(begun);
  const tokenizer = await tokenizerFor(begun, source, folder, events);
  using shard = await buildShard(source, {
    folder: folder.file("data"),
    tokenizer,
    split: { by: begun.split === "tail" ? "tail" : "hash", fraction: begun.validation },
    onProgress: events.onTokens,
  });
  if (shard.header.skippedRows > 0) events.onNote?.(`${shard.header.skippedRows} rows that could not be read were left out.`);
  noteShortText(begun, shard, events);
  checkMemory(begun, tokenizer.vocabularySize);
  const engine = await openEngine({ device: begun.device });
  if (engine.fallback) events.onNote?.(engine.fallback);
  const config = configFor(begun, tokenizer);
  const resolved =
    begun.steps === undefined
      ? { ...begun, steps: await stepsFor(begun, config, shard, tokenizer, engine, events, signal) }
      : begun;
  await folder.saveRecipe(resolved);
  return await train({ folder, recipe: resolved, config, shard, tokenizer }, engine, events, signal);
}

async function openSource(recipe: Recipe): Promise<DocumentSource> {
  if (recipe.data !== undefined) return openSources(recipe.data, { textFields: [recipe.field], onBadRow: recipe.onBadRow });
  return worldSource({ seed: recipe.seed, tokens: recipe.worldTokens });
}

async function tokenizerFor(recipe: Recipe, source: DocumentSource, run: RunFolder, events: JobEvents): Promise<Tokenizer> {
  if (recipe.tokenizer !== "bpe" && recipe.tokenizer !== "character") return loadTokenizer(recipe.tokenizer);
  const folder = run.file("tokenizer");
  if (existsSync(folder)) return loadTokenizer(folder);
  const tokenizer =
    recipe.tokenizer === "bpe"
      ? await trainByteLevelBpe(texts(source), { vocabularySize: recipe.vocabulary, onProgress: events.onTokenizer })
      : await trainCharacterLevel(texts(source));
  await writeFolderAtomically(folder, (made) => tokenizer.save(made));
  return tokenizer;
}

/** Says so where the text is too short to learn anything but itself, or is held out in another way than asked for. */
function noteShortText(recipe: Recipe, { header }: TokenShard, { onNote }: JobEvents): void {
  const step = recipe.batch * recipe.accumulation * (recipe.length ?? recipe.context);
  if (header.train.tokens < step) {
    onNote?.(
      `The text has ${header.train.tokens} tokens, less than one step of ${step}: the model will see it over and over and learn it by heart.`,
    );
  }
  if (recipe.split === "document" && header.split.by === "tail") {
    onNote?.(`The text is a single document, so its last ${Math.round(header.split.fraction * 100)} % are held out.`);
  }
}

function configFor(recipe: Recipe, tokenizer: Tokenizer): GptConfig {
  const { width, layers, heads, kvHeads = heads, context, tied, dropout, window } = recipe;
  const common = { vocabulary: tokenizer.vocabularySize, context, width, layers, heads, tied, dropout, normEpsilon: 1e-5 };
  const hidden = recipe.hidden ?? usualHidden(recipe.model, width);
  if (recipe.model === "gpt2") return { kind: "gpt2", ...common, hidden };
  return { kind: "llama", ...common, kvHeads, headWidth: width / heads, hidden, rotaryBase: 10000, ...(window && { window }) };
}

/** The batches of a recipe, without end, and those of its validation. */
function batchesFor(
  recipe: Recipe,
  shard: TokenShard,
  tokenizer: Tokenizer,
): { source: BatchSource<TokenBatch>; validation?: () => Iterable<TokenBatch> } {
  const shape = { rows: recipe.batch, length: recipe.length ?? recipe.context, bytesPerToken: bytesPerToken(tokenizer) };
  const kind = recipe.batches === "packed" ? PackedBatches : RandomWindows;
  let batches: PackedBatches | RandomWindows = new kind(shard.train, { ...shape, seed: recipe.seed });
  const source: BatchSource<TokenBatch> = {
    next: () => batches.next(),
    state: () => batches.state(),
    restore: (state) => {
      batches = kind.restore(shard.train, shape, state);
    },
  };
  const validation = function* () {
    let count = 0;
    for (const batch of validationBatches(shard.validation, shape)) {
      if (count++ >= recipe.evaluateBatches) return;
      yield batch;
    }
  };
  return { source, validation };
}

function trainerFor(
  recipe: Recipe & { steps: number },
  config: GptConfig,
  batches: ReturnType<typeof batchesFor>,
  engine: Engine,
  hooks: { save(trainer: Trainer<TokenBatch>): Promise<void>; onStep?(m: Metrics): Promise<void> },
) {
  const length = recipe.length ?? recipe.context;
  const threads = recipe.threads ?? availableParallelism();
  const {
    batch: rows,
    steps,
    accumulation,
    seed,
    schedule,
    learningRate,
    finalShare,
    decayShare,
    beta1,
    beta2,
    weightDecay,
    clip,
  } = recipe;
  return Trainer.create({
    objective: nextToken(config, { rows, length, packed: recipe.batches === "packed" }),
    // Held-out texts share rows, also where training takes one window a row.
    evaluation: nextToken(config, { rows, length, packed: true }),
    engine,
    ...batches,
    steps,
    accumulation,
    tokensPerBatch: rows * length,
    schedule: {
      schedule,
      learningRate,
      finalShare,
      warmupSteps: Math.min(recipe.warmup, Math.floor(steps / 2)),
      steps,
      decayShare,
    },
    optimizer: { kind: recipe.optimizer, beta1, beta2, epsilon: 1e-8, weightDecay, clip, threads, accumulate: accumulation > 1 },
    dropout: recipe.dropout > 0,
    seed,
    evaluateEvery: recipe.evaluateEvery,
    checkpointEvery: recipe.checkpointEvery,
    threads,
    ...hooks,
  });
}

/** How many steps fit into the minutes of a recipe, by timing a few of them on a model that is then thrown away. */
async function stepsFor(
  recipe: Recipe,
  config: GptConfig,
  shard: TokenShard,
  tokenizer: Tokenizer,
  engine: Engine,
  events: JobEvents,
  signal?: AbortSignal,
): Promise<number> {
  events.onNote?.(`Timing a few steps, to see how many fit into ${recipe.minutes} minutes.`);
  const times: number[] = [];
  const trial = await trainerFor(
    { ...recipe, steps: 6, evaluateEvery: 100, checkpointEvery: 100 },
    config,
    { source: batchesFor(recipe, shard, tokenizer).source },
    engine,
    {
      save: async () => {},
      onStep: async ({ seconds }) => void times.push(seconds),
    },
  );
  await trial.run(signal);
  await trial.close();
  signal?.throwIfAborted();
  // The first steps warm the machine up.
  const perStep = (times.at(-1)! - times[1]!) / (times.length - 2);
  return Math.max(1, Math.round((recipe.minutes! * 60) / perStep));
}

async function train(run: Run, engine: Engine, events: JobEvents, signal?: AbortSignal): Promise<JobResult> {
  const { folder, recipe, config, shard, tokenizer } = run;
  if (folder.isFinished()) return resultOf(folder, "already finished", (await folder.metrics()).at(-1));
  const steps = recipe.steps!;
  const trainer = await trainerFor({ ...recipe, steps }, config, batchesFor(recipe, shard, tokenizer), engine, {
    save: (trainer) => folder.saveCheckpoint(trainer),
    async onStep(metrics) {
      await folder.appendMetrics(metrics);
      events.onStep?.(metrics);
    },
  });
  try {
    const step = await folder.resume(trainer, events.onNote);
    events.onBegin?.({ recipe, parameters: trainer.layout.count, trainingTokens: shard.header.train.tokens, step });
    const outcome = await trainer.run(signal);
    const metrics = await folder.metrics();
    if (trainer.step > 0) await handOver(run, trainer, metrics);
    if (outcome === "finished") await folder.markFinished();
    return resultOf(folder, outcome, metrics.at(-1));
  } finally {
    await trainer.close();
  }
}

function resultOf(folder: RunFolder, outcome: JobResult["outcome"], last?: Metrics): JobResult {
  return { outcome, folder: folder.path, modelFolder: folder.file("model"), last };
}
