// What a run hands over when it ends or is stopped: the model folder, and a report with samples.
import { saveModelFolder, writeFolderAtomically } from "../checkpoint/index.ts";
import type { TokenShard } from "../data/index.ts";
import { textModelFrom } from "../generate/index.ts";
import { type GptConfig, gptConfigToJson } from "../models/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { TokenBatch } from "./objectives/next-token.ts";
import type { Recipe } from "./recipe.ts";
import { type Sample, writeReport } from "./report.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Metrics, Trainer } from "./trainer.ts";

export interface Run {
  readonly folder: RunFolder;
  readonly recipe: Recipe;
  readonly config: GptConfig;
  readonly shard: TokenShard;
  readonly tokenizer: Tokenizer;
}

/** Writes `model/`, `report.md` and `plots/` into the run's folder. */
export async function handOver(run: Run, trainer: Trainer<TokenBatch>, metrics: readonly Metrics[]): Promise<void> {
  const { folder, recipe } = run;
  await writeFolderAtomically(folder.file("model"), (made) => saveModel(made, trainer, run));
  await writeReport(folder.path, {
    name: recipe.name,
    metrics,
    samples: await sample(run, trainer),
    command: `npm run slovo -- train ${folder.file("recipe.yaml")} --name again`,
    facts: facts(run, trainer, metrics.at(-1)),
  });
}

async function saveModel(folder: string, trainer: Trainer<TokenBatch>, { config, tokenizer }: Run): Promise<void> {
  const { layout, optimizer } = trainer;
  const { endOfText } = tokenizer;
  await saveModelFolder(folder, {
    config: gptConfigToJson(config, endOfText),
    generationConfig: { bos_token_id: endOfText, eos_token_id: endOfText, do_sample: true },
    weights: layout.tensors(optimizer.weights),
  });
  await tokenizer.save(folder);
}

/** Continues the recipe's prompts with the weights as they are. */
async function sample({ recipe, config, tokenizer }: Run, trainer: Trainer<TokenBatch>): Promise<Sample[]> {
  const views = trainer.layout.views(trainer.optimizer.weights);
  const weights = (name: string) => views[name]!.data as Float32Array;
  const model = await textModelFrom({ config, weights, tokenizer, name: recipe.name, live: true, slots: 1 });
  const samples: Sample[] = [];
  try {
    for (const [i, prompt] of recipe.samples.entries()) {
      let text = "";
      const maxTokens = Math.max(1, Math.min(160, recipe.context - tokenizer.encode(prompt).length - 1));
      for await (const event of model.generate(prompt, { maxTokens, temperature: 0.7, topP: 0.95, seed: recipe.seed + i }))
        text += event.delta;
      samples.push({ prompt, text });
    }
  } finally {
    await model.close();
  }
  return samples;
}

function facts({ recipe, shard }: Run, trainer: Trainer<TokenBatch>, last: Metrics | undefined): [string, string][] {
  const number = (x: number, digits = 0) =>
    x.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const text: [string, string][] = [
    ["Data", recipe.data ?? `the little world, seed ${recipe.seed}`],
    ["Training text", `${number(shard.header.train.tokens)} tokens in ${number(shard.header.train.documents)} documents`],
    [
      "Model",
      `${recipe.model}, ${recipe.layers} layers, width ${recipe.width}, ${recipe.heads} heads, context ${recipe.context}`,
    ],
    ["Parameters", number(trainer.layout.count)],
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
