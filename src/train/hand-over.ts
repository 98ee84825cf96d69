// What a run hands over when it ends or is stopped: the model folder, and a report with samples.
import { join, resolve } from "node:path";
import { saveAdapter } from "../adapt/index.ts";
import { type ModelFolder, saveModelFolder, writeFileAtomically, writeFolderAtomically } from "../checkpoint/index.ts";
import { chatTemplateFile, type Tokenizer } from "../tokenizer/index.ts";
import type { Adapted } from "./adapted.ts";
import type { AnyCourse } from "./course.ts";
import type { Counted } from "./objective.ts";
import type { Recipe } from "./recipe.ts";
import { type Sample, writeReport } from "./report.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Metrics, Trainer } from "./trainer.ts";

export interface Run {
  readonly folder: RunFolder;
  readonly recipe: Recipe;
  readonly course: AnyCourse;
  readonly tokenizer: Tokenizer;
  /** Where an adapter is trained, and the model that it is for. */
  readonly adapted?: Adapted;
  readonly base?: ModelFolder;
}

/** What a run leaves: the folder of a model, or of an adapter. */
export const leaves = ({ method }: Recipe): "model" | "adapter" => (method === "full" ? "model" : "adapter");

/** Writes `model/` or `adapter/`, `report.md` and `plots/` into the run's folder. */
export async function handOver(run: Run, trainer: Trainer<Counted>, metrics: readonly Metrics[]): Promise<void> {
  const { folder, recipe } = run;
  const save = run.adapted ? saveTrainedAdapter : saveModel;
  await writeFolderAtomically(folder.file(leaves(recipe)), async (made) => {
    await save(made, trainer, run);
    const { chatTemplate } = run.course;
    if (chatTemplate !== undefined) await writeFileAtomically(join(made, chatTemplateFile), chatTemplate);
  });
  await writeReport(folder.path, {
    name: recipe.name,
    metrics,
    samples: await sample(run, trainer),
    command: `npm run slovo -- train ${folder.file("recipe.yaml")} --name again`,
    facts: facts(run, trainer, metrics.at(-1)),
  });
}

async function saveModel(folder: string, trainer: Trainer<Counted>, { course, tokenizer }: Run): Promise<void> {
  const { layout, optimizer } = trainer;
  const { config, generationConfig } = course;
  await saveModelFolder(folder, { config, generationConfig, weights: layout.tensors(optimizer.weights) });
  await tokenizer.save(folder);
  if (!course.inputNames) return;
  const tokenizerConfig = { ...tokenizer.config, model_input_names: course.inputNames };
  await writeFileAtomically(join(folder, "tokenizer_config.json"), `${JSON.stringify(tokenizerConfig, undefined, 2)}\n`);
}

function saveTrainedAdapter(folder: string, { layout, optimizer }: Trainer<Counted>, { adapted, base }: Run): Promise<void> {
  const { config } = adapted!.adapter;
  return saveAdapter(folder, { config, base: resolve(base!.path), weights: layout.tensors(optimizer.weights) });
}

/** What the model makes of the recipe's prompts, with the weights as they are. */
async function sample({ recipe, course, adapted, base }: Run, trainer: Trainer<Counted>): Promise<Sample[]> {
  const trained = trainer.layout.tensors(trainer.optimizer.weights);
  const weights = (name: string, shape: readonly number[]) => trained.get(name)?.data ?? base!.weight(name, shape).data;
  const samples: Sample[] = [];
  for (const [i, prompt] of recipe.samples.entries())
    samples.push({
      prompt,
      text: await course.sample(prompt, recipe.seed + i, { weights, rules: adapted?.rules() ?? [], packed: adapted?.packed }),
    });
  return samples;
}

function facts({ recipe, course }: Run, trainer: Trainer<Counted>, last: Metrics | undefined): [string, string][] {
  const number = (x: number, digits = 0) =>
    x.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const text: [string, string][] = [
    ["Data", recipe.data ? [recipe.data].flat().join(", ") : `the little world, seed ${recipe.seed}`],
    ["Training text", course.trainingText],
    [
      "Model",
      recipe.from
        ? `${recipe.method === "full" ? "continued from" : `${recipe.method}, beside`} ${recipe.from}`
        : `${recipe.model}, ${recipe.layers} layers, width ${recipe.width}, ${recipe.heads} heads, context ${recipe.context}`,
    ],
    [recipe.method === "full" ? "Parameters" : "Trained parameters", number(trainer.layout.count)],
    ["Steps", `${number(trainer.step)} of ${number(recipe.steps!)}`],
    ["Tokens seen", number(trainer.tokens)],
    ["Training time", `${number(trainer.seconds / 60, 1)} minutes`],
  ];
  if (last) {
    text.push(["Training loss", `${number(last.loss, 4)} nats per token, ${number(last.bitsPerByte, 4)} bits per byte`]);
    text.push(["Speed", `${number(trainer.tokens / trainer.seconds)} tokens per second`]);
  }
  if (Number.isFinite(last?.validationLoss) && Number.isFinite(last?.validationBitsPerByte))
    text.push([
      "Validation loss",
      `${number(last!.validationLoss!, 4)} nats per token, ${number(last!.validationBitsPerByte!, 4)} bits per byte`,
    ]);
  return text;
}
