// Runs a training job with progress on the terminal, and says what came of it; Ctrl-C finishes the step and saves.
import { basename, extname, join, resolve } from "node:path";
import { type JobEvents, type JobResult, type Recipe, runJob } from "../train/index.ts";
import { onInterrupt } from "./interrupt.ts";
import { Progress, vocabularyShare } from "./progress.ts";

const number = (x: number) => Math.round(x).toLocaleString("en");

export async function trainWithProgress(recipe: Recipe, folder: string): Promise<JobResult> {
  const stop = new AbortController();
  const release = onInterrupt(() => {
    console.error("\nFinishing the step and saving; press Ctrl-C again to leave at once.");
    stop.abort();
  });
  let progress: Progress | undefined;
  let label = "";
  const phase = (name: string) => {
    if (label === name) return progress!;
    progress?.done();
    label = name;
    progress = new Progress(name);
    return progress;
  };
  let first = 0;
  let steps = 0;
  let speed = 0;
  let validation = "";
  const events: JobEvents = {
    onTokenizer: (p) =>
      p.phase === "count"
        ? phase("Reading text  ").update(p.documents, undefined, `${number(p.documents)} documents`)
        : phase("Tokenizer     ").update(...vocabularyShare(p), `${number(p.tokens)} tokens`),
    onTokens: (p) => phase("Tokens        ").update(p.bytesRead ?? p.tokens, p.bytes, `${number(p.tokens)} tokens`),
    onNote: (sentence) => console.error(sentence),
    onBegin({ recipe, parameters, trainingTokens, step }) {
      progress?.done();
      progress = undefined;
      first = step;
      steps = recipe.steps!;
      console.error(
        `${recipe.method === "full" ? "Model" : "Adapter"}: ${number(parameters)} parameters (${recipe.method === "full" ? "" : `${recipe.method}, beside `}${recipe.model}, ${recipe.layers} layers, width ${recipe.width}); text: ${number(trainingTokens)} tokens; ` +
          `${number(steps)} steps of ${number(recipe.batch * recipe.accumulation * (recipe.length ?? recipe.context))} tokens${step > 0 ? `, going on after step ${number(step)}` : ""}.`,
      );
    },
    onStep(m) {
      speed = speed === 0 ? m.tokensPerSecond : 0.9 * speed + 0.1 * m.tokensPerSecond;
      if (m.validationLoss !== undefined)
        validation = `, held out ${m.validationLoss.toFixed(3)} (${m.validationBitsPerByte!.toFixed(3)} bits/byte)`;
      const words = `step ${number(m.step)}  loss ${m.loss.toFixed(3)} (${m.bitsPerByte.toFixed(3)} bits/byte)${validation}  ${number(speed)} tokens/s`;
      phase("Training      ").update(m.step - first, steps - first, words);
    },
  };
  try {
    const result = await runJob(recipe, folder, events, stop.signal);
    progress?.done();
    console.log(outcomeOf(result, recipe));
    return result;
  } finally {
    release();
  }
}

/** How a run has ended, and where what it made is. */
function outcomeOf({ outcome, folder, modelFolder, last }: JobResult, { method }: Recipe): string {
  if (outcome === "stopped")
    return `Stopped and saved after step ${last?.step ?? 0} in ${folder}; the same command goes on from there.`;
  const { validationLoss, validationBitsPerByte } = last ?? {};
  const loss = Number.isFinite(validationLoss)
    ? ` Held-out loss ${validationLoss!.toFixed(4)} nats per token, ${validationBitsPerByte!.toFixed(4)} bits per byte.`
    : "";
  const made = method === "full" ? "Model" : "Adapter";
  return `${outcome === "finished" ? "Finished." : "This run has already finished."}${loss}\n${made}: ${modelFolder}\nReport: ${join(folder, "report.md")}`;
}

/** Prints the commands that talk with what a run made and serve it; for an adapter of a model that reads, the one that merges it. */
export function printNextSteps({ outcome, modelFolder }: JobResult, { method, from, objective }: Recipe): void {
  if (outcome === "stopped") return;
  const model =
    method === "full" ? `--model ${quoted(modelFolder)}` : `--model ${quoted(from!)} --adapter ${quoted(modelFolder)}`;
  if (objective === "conversation") console.log(`Talk with it: slovo chat ${model}`);
  if (objective === "next-token") console.log(`Try it: slovo generate ${model} --prompt "…"`);
  if (objective === "conversation" || objective === "next-token") console.log(`Serve it: slovo serve ${model}`);
  else if (method !== "full") console.log(`Merge it: slovo merge ${model} --out FOLDER`);
}

const quoted = (path: string) => (/[\s'"$&;()]/.test(path) ? JSON.stringify(path) : path);

/** A run's name from its data: `notes/my book.txt.gz` gives `my-book`. */
export function runName(path: string): string {
  const base = basename(resolve(path)).replace(/\.gz$/, "");
  const stem = extname(base) ? base.slice(0, -extname(base).length) : base;
  return stem.replace(/[^\p{L}\p{N}_.-]+/gu, "-").replace(/^[.-]+/, "") || "text";
}
