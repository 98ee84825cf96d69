// One run of a comparison in a process of its own, so that its peak of memory is its own: trains, measures, writes the result.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../checkpoint/index.ts";
import { InputError } from "../../errors.ts";
import { type Recipe, runJob } from "../../train/index.ts";
import { type Measured, measureModel } from "./measure.ts";
import type { Plan } from "./plan.ts";

/** What the process is started with, as JSON. */
export interface TrialTask {
  /** The model that is fine-tuned, or, without a recipe, only measured. */
  readonly from: string;
  readonly recipe?: Recipe;
  readonly folder: string;
  readonly measure: Pick<Plan, "answers" | "probes" | "oldTexts">;
}

/** What training took. */
export interface Cost {
  readonly trained: number;
  readonly seconds: number;
  readonly tokens: number;
  /** The most memory that the process had resident while it trained, in bytes. */
  readonly peakBytes: number;
}

/** `result.json` of a run's folder. */
export interface TrialResult extends Measured {
  readonly cost?: Cost;
}

/** From the process. */
export type TrialMessage =
  | { readonly type: "progress"; readonly share: number }
  | { readonly type: "failed"; readonly message: string };

/** Lets go of the parent, so that the process can end. */
function leave(): void {
  process.removeAllListeners("disconnect");
  process.disconnect?.();
}

const tell = (message: TrialMessage) => process.send?.(message);

async function run({ from, recipe, folder, measure }: TrialTask): Promise<void> {
  const stop = new AbortController();
  let isTraining = recipe !== undefined;
  // Training saves its step first; a measurement has nothing to save. Nobody waits for a process whose parent has gone.
  const end = () => (isTraining ? stop.abort() : process.exit(130));
  for (const event of ["SIGINT", "SIGTERM", "disconnect"]) process.on(event, end);
  let adapter: string | undefined;
  let model = from;
  let cost: Cost | undefined;
  if (recipe) {
    let trained = 0;
    const result = await runJob(
      recipe,
      folder,
      {
        onBegin: ({ parameters }) => {
          trained = parameters;
        },
        onStep: ({ step }) => tell({ type: "progress", share: (0.9 * step) / (recipe.steps ?? step) }),
      },
      stop.signal,
    );
    isTraining = false;
    if (result.outcome === "stopped") process.exit(130);
    const { seconds = 0, tokens = 0 } = result.last ?? {};
    // Of a run that was finished before, the count alone is not known any more; it stands with the costs that it had then.
    cost =
      result.outcome === "finished"
        ? { trained, seconds, tokens, peakBytes: process.resourceUsage().maxRSS * 1024 }
        : (JSON.parse(await readFile(join(folder, "cost.json"), "utf8")) as Cost);
    await writeFileAtomically(join(folder, "cost.json"), JSON.stringify(cost));
    if (recipe.method === "full") model = result.modelFolder;
    else adapter = result.modelFolder;
  }
  const measured = await measureModel(measure, model, adapter);
  const done: TrialResult = { ...measured, ...(cost && { cost }) };
  await writeFileAtomically(join(folder, "result.json"), JSON.stringify(done));
}

try {
  await run(JSON.parse(process.argv[2]!) as TrialTask);
  leave();
} catch (error) {
  tell({ type: "failed", message: error instanceof InputError ? error.message : String((error as Error).stack) });
  process.exitCode = 1;
  leave();
}
