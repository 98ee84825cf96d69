// Compares ways to fine-tune: what each gains on the new task, what it forgets, and what it costs.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../checkpoint/index.ts";
import { translations } from "../../data/index.ts";
import { InputError } from "../../errors.ts";
import { runJob } from "../../train/index.ts";
import { measureFewShot } from "../few-shot.ts";
import { writeFewShotReport } from "../few-shot-report.ts";
import { baseRecipe, type Plan, type Trial, trialsOf } from "./plan.ts";
import { writeComparison } from "./report.ts";
import type { TrialMessage, TrialResult, TrialTask } from "./trial.ts";

/** Sources run as they are and, once built, as JavaScript. */
const trialFile = new URL(import.meta.url.endsWith(".ts") ? "./trial.ts" : "./trial.js", import.meta.url);

export interface CompareOptions {
  /** Asked to stop, the run under way saves its step; the same call goes on from there. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { done: number; all: number; name: string }) => void;
  readonly onNote?: (sentence: string) => void;
}

/** A trial and what came of it. */
export interface Outcome extends Trial {
  readonly result: TrialResult;
}

/**
 * Runs a comparison in its folder, or goes on with what is there, and writes `report.md` with plots. Returns the report's path, or
 * undefined where it was stopped.
 */
export async function compare(plan: Plan, folder: string, options: CompareOptions = {}): Promise<string | undefined> {
  const { signal, onProgress, onNote } = options;
  await mkdir(folder, { recursive: true });
  const from = plan.from ?? (await trainBase(plan, folder, options));
  if (from === undefined) return undefined;
  await keepPlan(plan, folder);
  const measure = { answers: plan.answers, probes: plan.probes, oldTexts: plan.oldTexts };
  const trials = trialsOf(plan, from);
  const all = trials.length + 1;
  let done = 0;
  const run = async (name: string, task: TrialTask) => {
    const result = await runTrial(task, signal, (share) => onProgress?.({ done: done + share, all, name }));
    done++;
    onProgress?.({ done, all, name });
    return result;
  };
  const base = await run("base", { from, folder: join(folder, "base-measured"), measure });
  const outcomes: Outcome[] = [];
  for (const trial of trials) {
    if (!base || signal?.aborted) return undefined;
    const { recipe } = trial;
    const result = await run(recipe.name, { from, recipe, folder: join(folder, "runs", recipe.name), measure });
    if (!result) return undefined;
    outcomes.push({ ...trial, result });
  }
  if (plan.fewShot) onNote?.("Measuring the few-shot curve of the base.");
  const words = translations.nouns.map(({ ru, en }) => ({ prompt: ru, completion: en }));
  if (plan.fewShot)
    await writeFewShotReport(folder, await measureFewShot(from, words), `npm run slovo -- eval few-shot --model ${from}`);
  return writeComparison(folder, { plan, from, base: base!, outcomes });
}

/** The model that the plan's base makes; undefined where that was stopped. */
async function trainBase(
  plan: Plan,
  folder: string,
  { signal, onProgress, onNote }: CompareOptions,
): Promise<string | undefined> {
  const recipe = baseRecipe(plan);
  const onStep = ({ step }: { step: number }) =>
    onProgress?.({ done: step, all: recipe.steps ?? step, name: "training the base" });
  const { outcome, modelFolder } = await runJob(recipe, join(folder, "base"), { onStep, onNote }, signal);
  return outcome === "stopped" ? undefined : modelFolder;
}

/** Results in the folder are those of one plan; throws InputError where it was another. */
async function keepPlan(plan: Plan, folder: string): Promise<void> {
  const path = join(folder, "plan.json");
  const text = JSON.stringify(plan);
  const before = await readFile(path, "utf8").catch(() => text);
  if (before !== text) {
    const changed = differingFields(JSON.parse(before) as Plan, plan);
    throw new InputError(
      `${folder} holds another comparison (with another ${changed.join(", ")}): give this one another name or folder (--out), or remove that one.`,
    );
  }
  await writeFileAtomically(path, text);
}

function differingFields(before: Partial<Plan>, now: Plan): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(now)]) as Set<keyof Plan>;
  return [...fields].filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field]));
}

/** The result of a run, which is made in a process of its own unless it is there; undefined where it was stopped. */
async function runTrial(
  task: TrialTask,
  signal: AbortSignal | undefined,
  onShare: (share: number) => void,
): Promise<TrialResult | undefined> {
  const path = join(task.folder, "result.json");
  const known = await readFile(path, "utf8").catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as TrialResult;
  const child = fork(trialFile, [JSON.stringify(task)]);
  const interrupt = () => child.kill("SIGINT");
  signal?.addEventListener("abort", interrupt);
  let failure: string | undefined;
  child.on("message", (message: TrialMessage) => {
    if (message.type === "progress") onShare(message.share);
    else failure = message.message;
  });
  const [code] = await once(child, "exit").finally(() => signal?.removeEventListener("abort", interrupt));
  if (signal?.aborted) return undefined;
  if (failure !== undefined) throw new InputError(`${task.folder}: ${failure}`);
  if (code !== 0) throw new Error(`the process that ran ${task.folder} ended with code ${code}`);
  return JSON.parse(await readFile(path, "utf8")) as TrialResult;
}
