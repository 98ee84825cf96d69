// slovo finetune: a trained model learns from conversations, or from more text; all of it, or an adapter beside it.
import { join } from "node:path";
import { Command, Option } from "commander";
import { loadModelFolder, resolveModel } from "../../checkpoint/index.ts";
import { modelName } from "../../generate/index.ts";
import { checkRecipe, expectation, fineTuningRecipe, type Recipe } from "../../train/index.ts";
import { modelOption, number, wholeNumber } from "../options.ts";
import { overridesFrom } from "../overrides.ts";
import { printNextSteps, runName, trainWithProgress } from "../training.ts";

interface Options {
  model: string;
  data?: string;
  method?: string;
  out?: string;
  epochs?: number;
  minutes?: number;
  steps?: number;
}

export function finetuneCommand(): Command {
  return new Command("finetune")
    .description("teach a trained model to talk, or more text; an adapter beside it, or all of it")
    .addOption(modelOption())
    .option(
      "--data <path>",
      "conversations (.jsonl, .json, .csv, .parquet, each also .gz; a file or folder) or texts (.txt, .md); default: those of the little world",
    )
    .option("--method <name>", `what is trained: ${expectation("method")} (default: lora)`)
    .option("--epochs <number>", "how often the data is gone through (default: 3)", number(0, true))
    .addOption(
      new Option("--minutes <number>", "how long to train, instead").argParser(number(0, true)).conflicts(["epochs", "steps"]),
    )
    .addOption(new Option("--steps <number>", "or so many steps").argParser(wholeNumber(1)).conflicts("epochs"))
    .option("--out <folder>", "folder of the run (default: runs/MODEL-DATA, with the method where it is not lora)")
    .allowUnknownOption()
    .argument("[overrides...]", "any recipe field as --field value, such as --rank 8 (see slovo train --help)")
    .addHelpText(
      "after",
      `
Rows of data are conversations in the usual layouts: {"messages": [{"role", "content"}, …]}, ShareGPT's {"conversations": …},
{"instruction", "input", "output"}, {"prompt", "completion"}, or any two fields (--promptField and --completionField).
What counts are the assistant's words alone. With --field NAME, rows are plain texts.

Examples:
  slovo finetune --model runs/little-world/model
  slovo finetune --model runs/little-world/model --data talks.jsonl --epochs 5 --rank 32 --samples "Кто ты?|What is 2 + 2?"
  slovo finetune --model runs/little-world/model --data gsm8k.jsonl.gz --promptField question --completionField answer
  slovo finetune --model runs/little-world/model --data book.txt --method full --minutes 10
`,
    )
    .action(async (words: string[], { model, out, ...given }: Options) => {
      const recipe = await recipeFor(await resolveModel(model), given, overridesFrom(words));
      const result = await trainWithProgress(recipe, out ?? join("runs", recipe.name));
      printNextSteps(result, recipe);
    });
}

async function recipeFor(
  folder: string,
  given: Omit<Options, "model" | "out">,
  overrides: Record<string, unknown>,
): Promise<Recipe> {
  using base = await loadModelFolder(folder);
  const { data, method } = given;
  const parts = [modelName(folder).replaceAll("/", "-"), data === undefined ? "chat" : runName(data)];
  const name = [...parts, ...(method === undefined || method === "lora" ? [] : [method])].join("-");
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return checkRecipe(fineTuningRecipe(base, { name, ...said, ...overrides }), "slovo finetune");
}
