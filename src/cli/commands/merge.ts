// slovo merge: makes one model of a base and an adapter, or one adapter of several.
import { Command, InvalidArgumentError, Option } from "commander";
import {
  type AdapterFolder,
  type Combination,
  combinations,
  combineAdapters,
  fitAdapter,
  loadAdapter,
  mergedModel,
  saveAdapter,
} from "../../adapt/index.ts";
import { expectFreeFolder, loadModelFolder, resolveModel, writeFolderAtomically } from "../../checkpoint/index.ts";
import { InputError } from "../../errors.ts";
import { writeHuggingFace } from "../../export/index.ts";

interface Options {
  model?: string;
  adapter: string[];
  weights?: number[];
  combination: Combination;
  as: "model" | "adapter";
  out: string;
}

export function mergeCommand(): Command {
  return new Command("merge")
    .description("one model of a base and an adapter, which runs as fast as the base; or one adapter of several")
    .option("--model <folder>", "the base: a model folder, or a pulled org/name[@revision]")
    .requiredOption("--adapter <folders...>", "PEFT folders; several of LoRA are first combined into one")
    .option("--weights <numbers>", "what each adapter counts, such as 0.5,0.5; 1 each when left out", numbers)
    .addOption(
      new Option(
        "--combination <kind>",
        "of several adapters: cat sums up what they add, linear the factors, which keeps the rank",
      )
        .choices(combinations)
        .default("cat"),
    )
    .addOption(new Option("--as <kind>", "what to write").choices(["model", "adapter"]).default("model"))
    .requiredOption("--out <folder>", "where to write it, a new folder")
    .addHelpText(
      "after",
      `
A model keeps the base's element type, its tokenizer and, where the adapter has none, its chat template.

Examples:
  slovo merge --model runs/little-world/model --adapter runs/chat/adapter --out chat-model
  slovo merge --adapter a --adapter b --weights 0.7,0.3 --as adapter --out both
`,
    )
    .action(async ({ model, adapter: folders, weights, combination, as, out }: Options) => {
      const adapter = await adapterOf(folders, weights, combination);
      if (as === "adapter") {
        await expectFreeFolder(out);
        await writeFolderAtomically(out, (folder) => saveAdapter(folder, adapter));
        console.log(`An adapter of ${adapter.weights.size} tensors, written to ${out}.`);
        return;
      }
      if (model === undefined) {
        const known = adapter.base ? ` --model ${adapter.base}` : " --model";
        throw new InputError(`give the base that the adapter is merged into:${known}, or --as adapter to write an adapter.`);
      }
      using base = await loadModelFolder(await resolveModel(model));
      const merged = mergedModel(fitAdapter(adapter, base));
      await writeHuggingFace(merged, out, { chatTemplate: adapter.chatTemplate });
      console.log(`${merged.tensors.size} tensors, written to ${out}.`);
    });
}

/** The adapter of the folders; several are combined. */
async function adapterOf(folders: readonly string[], weights = folders.map(() => 1), how: Combination): Promise<AdapterFolder> {
  if (weights.length !== folders.length)
    throw new InputError(`--weights must have a number for each of the ${folders.length} adapters, got ${weights.length}.`);
  const adapters = await Promise.all(folders.map(loadAdapter));
  if (adapters.length === 1 && weights[0] === 1) return adapters[0]!;
  const weighted = adapters.map((adapter, i) => ({ adapter, weight: weights[i]! }));
  return { ...combineAdapters(weighted, how), path: folders.join(" + ") };
}

function numbers(text: string): number[] {
  const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (values.every(Number.isFinite)) return values;
  throw new InvalidArgumentError(`Expected numbers between commas, such as 0.5,0.5, got ${JSON.stringify(text)}.`);
}
