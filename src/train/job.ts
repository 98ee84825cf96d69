// A training job from a recipe: tokenizer, tokens on disk, model, training, model folder, report. Every part is reused when run again.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { loadModelFolder, type ModelFolder, writeFolderAtomically } from "../checkpoint/index.ts";
import {
  type ConversationSource,
  type DocumentSource,
  messageTexts,
  openConversations,
  openSources,
  worldConversationSource,
  worldSource,
} from "../data/index.ts";
import { type Family, familyOf } from "../models/index.ts";
import { openEngine } from "../runtime/index.ts";
import {
  loadTokenizer,
  type Tokenizer,
  trainByteLevelBpe,
  trainCharacterLevel,
  trainUnigram,
  trainWordPiece,
} from "../tokenizer/index.ts";
import { adaptedFrom } from "./adapted.ts";
import { withShapeOf } from "./continued.ts";
import type { AnyCourse } from "./course.ts";
import { conversationCourse } from "./courses/conversation.ts";
import type { JobEvents, Lesson } from "./courses/lesson.ts";
import { maskedCourse } from "./courses/masked.ts";
import { nextTokenCourse } from "./courses/next-token.ts";
import { textToTextCourse } from "./courses/text-to-text.ts";
import { handOver, leaves, type Run } from "./hand-over.ts";
import { parametersOf } from "./loss-program.ts";
import { checkMemory, leastParameters } from "./memory.ts";
import type { Counted } from "./objective.ts";
import { objectivesOf, type Recipe } from "./recipe.ts";
import { RunFolder } from "./run-folder.ts";
import { type Metrics, Trainer, type TrainerOptions } from "./trainer.ts";

export interface JobResult {
  readonly outcome: "finished" | "stopped" | "already finished";
  readonly folder: string;
  /** What was trained: the folder of a model, or of an adapter. */
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
    if (signal?.aborted && error === signal.reason) return resultOf(folder, recipe, "stopped");
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
  if (folder.isFinished()) return resultOf(folder, begun, "already finished", (await folder.metrics()).at(-1));
  using base = begun.from === undefined ? undefined : await loadModelFolder(begun.from);
  const shape = base ? withShapeOf(begun, base) : begun;
  const family = familyOf({ model_type: shape.model });
  const shaped = { ...shape, objective: begun.objective ?? objectivesOf[family][0] };
  // Before anything is made, graphs and their tables too; once more when the vocabulary is known.
  const adapted = base && shaped.method !== "full" ? await adaptedFrom(shaped, base) : undefined;
  if (adapted) checkMemory(shaped, 0, numbersIn(base!));
  else checkMemory(shaped, leastParameters(shaped));
  // What the parts are made from stands in the folder before the first of them does.
  await folder.saveRecipe(begun);
  const conversations = shaped.objective === "conversation" ? await openTalk(shaped) : undefined;
  const source = conversations ? messageTexts(conversations) : await openSource(shaped);
  const tokenizer = await tokenizerFor(begun, family, source, folder, events);
  const teach = conversations ? conversationCourse : courses[family];
  using course: AnyCourse = await teach({ recipe: shaped, source, conversations, tokenizer, folder, base, events });
  const trained = parametersOf(course.objective, adapted);
  checkMemory(shaped, numbersOf(trained), adapted && numbersIn(base!));
  const engine = await openEngine({ device: begun.device });
  if (engine.fallback) events.onNote?.(engine.fallback);
  // What an adapter adds is in no base.
  const added = (name: string) => adapted?.adapter.adds(name);
  const initial = base && ((name: string, shape: readonly number[]) => (added(name) ? undefined : base.weight(name, shape).data));
  const parts = { course, engine, adaptation: adapted, initial };
  const make = (recipe: Recipe & { steps: number }, hooks: Hooks) => trainerFor(recipe, parts, hooks);
  const steps = begun.steps ?? stepsOfEpochs(begun, course) ?? (await stepsFor(begun, make, events, signal));
  await folder.saveRecipe({ ...begun, steps });
  return await train({ folder, recipe: { ...shaped, steps }, course, tokenizer, adapted, base }, make, events, signal);
}

/** How many numbers tensors of these shapes hold. */
function numbersOf(tensors: Iterable<{ readonly shape: readonly number[] }>): number {
  let numbers = 0;
  for (const { shape } of tensors) numbers += shape.reduce((a, b) => a * b, 1);
  return numbers;
}

const numbersIn = ({ tensors }: ModelFolder) => numbersOf(tensors.values());

const courses: Record<Family, (lesson: Lesson) => Promise<AnyCourse>> = {
  gpt: nextTokenCourse,
  bert: maskedCourse,
  t5: textToTextCourse,
};

async function openSource(recipe: Recipe): Promise<DocumentSource> {
  const { data, field, targetField, onBadRow, seed, worldTokens } = recipe;
  if (data === undefined) return worldSource({ seed, tokens: worldTokens });
  const pairs = recipe.objective === "text-to-text";
  return openSources(data, { textFields: [field], onBadRow, ...(pairs && { targetField }) });
}

async function openTalk({
  data,
  promptField,
  completionField,
  onBadRow,
  seed,
  worldTokens,
}: Recipe): Promise<ConversationSource> {
  if (data === undefined) return worldConversationSource({ seed, tokens: worldTokens });
  return openConversations(data, { promptField, completionField, onBadRow });
}

const usualTokenizer = { gpt: "bpe", bert: "wordpiece", t5: "unigram" } as const;

async function tokenizerFor(
  recipe: Recipe,
  family: Family,
  source: DocumentSource,
  run: RunFolder,
  { onTokenizer: onProgress }: JobEvents,
): Promise<Tokenizer> {
  const { from, vocabulary: vocabularySize } = recipe;
  const trainers: Record<string, () => Promise<Tokenizer>> = {
    bpe: () => trainByteLevelBpe(corpus(source), { vocabularySize, onProgress }),
    wordpiece: () => trainWordPiece(corpus(source), { vocabularySize, onProgress }),
    unigram: () => trainUnigram(corpus(source), { vocabularySize, onProgress }),
    character: () => trainCharacterLevel(corpus(source)),
  };
  const named = recipe.tokenizer !== undefined && !(recipe.tokenizer in trainers);
  // A model that is continued keeps its tokenizer, unless the recipe names a folder.
  const kind = named ? recipe.tokenizer! : (from ?? recipe.tokenizer ?? usualTokenizer[family]);
  const trainer = trainers[kind];
  if (!trainer) return loadTokenizer(kind);
  const folder = run.file("tokenizer");
  if (existsSync(folder)) return loadTokenizer(folder);
  const tokenizer = await trainer();
  await writeFolderAtomically(folder, (made) => tokenizer.save(made));
  return tokenizer;
}

/** All texts, those that others become and those that they become. */
async function* corpus(source: DocumentSource): AsyncGenerator<string> {
  for await (const { text, target } of source.documents()) {
    yield text;
    if (target !== undefined) yield target;
  }
}

interface Hooks {
  save(trainer: Trainer<Counted>): Promise<void>;
  onStep?(metrics: Metrics): Promise<void>;
}
type MakeTrainer = (recipe: Recipe & { steps: number }, hooks: Hooks) => Promise<Trainer<Counted>>;

interface Parts extends Pick<TrainerOptions<Counted>, "engine" | "initial" | "adaptation"> {
  readonly course: AnyCourse;
}

function trainerFor(recipe: Recipe & { steps: number }, { course, ...parts }: Parts, hooks: Hooks): Promise<Trainer<Counted>> {
  const threads = recipe.threads ?? availableParallelism();
  const { steps, accumulation, seed, schedule, learningRate, finalShare, decayShare, beta1, beta2, weightDecay, clip } = recipe;
  return Trainer.create<Counted>({
    objective: course.objective,
    evaluation: course.evaluation,
    ...parts,
    source: course.batches(),
    validation: () => course.validation(),
    steps,
    accumulation,
    tokensIn: (batch) => course.tokensIn(batch),
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

/** How many steps go through the text as often as a recipe says, where it says so. */
function stepsOfEpochs({ epochs, accumulation }: Recipe, { batchesPerEpoch }: AnyCourse): number | undefined {
  if (epochs === undefined || batchesPerEpoch === undefined) return undefined;
  return Math.max(1, Math.round((epochs * batchesPerEpoch) / accumulation));
}

/** How many steps fit into the minutes of a recipe, by timing a few of them on a model that is then thrown away. */
async function stepsFor(recipe: Recipe, make: MakeTrainer, events: JobEvents, signal?: AbortSignal): Promise<number> {
  events.onNote?.(`Timing a few steps, to see how many fit into ${recipe.minutes} minutes.`);
  const times: number[] = [];
  const trial = await make(
    { ...recipe, steps: 6, evaluateEvery: 100, checkpointEvery: 100 },
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

async function train(run: Run, make: MakeTrainer, events: JobEvents, signal?: AbortSignal): Promise<JobResult> {
  const { folder, recipe, course } = run;
  const steps = recipe.steps!;
  const trainer = await make(
    { ...recipe, steps },
    {
      save: (trainer) => folder.saveCheckpoint(trainer),
      async onStep(metrics) {
        await folder.appendMetrics(metrics);
        events.onStep?.(metrics);
      },
    },
  );
  try {
    const step = await folder.resume(trainer, events.onNote);
    events.onBegin?.({ recipe, parameters: trainer.layout.count, trainingTokens: course.trainingTokens, step });
    const outcome = await trainer.run(signal);
    const metrics = await folder.metrics();
    if (trainer.step > 0) await handOver(run, trainer, metrics);
    if (outcome === "finished") await folder.markFinished();
    return resultOf(folder, recipe, outcome, metrics.at(-1));
  } finally {
    await trainer.close();
  }
}

function resultOf(folder: RunFolder, recipe: Recipe, outcome: JobResult["outcome"], last?: Metrics): JobResult {
  return { outcome, folder: folder.path, modelFolder: folder.file(leaves(recipe)), last };
}
