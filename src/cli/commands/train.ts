// slovo train: runs a recipe, from text to a model folder.
import { join } from "node:path";
import { Command } from "commander";
import { defaultOf, expectation, readRecipe, recipeFields, recipeSchema } from "../../train/index.ts";
import { overridesFrom } from "../overrides.ts";
import { trainWithProgress } from "../training.ts";

export function trainCommand(): Command {
  const fields = recipeFields
    .map((name) => {
      const usual = defaultOf(name);
      const meaning = recipeSchema.shape[name].description;
      return `  --${name} (${expectation(name)}${usual === undefined ? "" : `; default: ${usual}`})\n      ${meaning}`;
    })
    .join("\n");
  return new Command("train")
    .description("run a recipe: tokenizer, training, model folder and report; run again to go on where it stopped")
    .argument("<recipe>", "a YAML file of recipe fields")
    .option("--out <folder>", "folder of the run (default: runs/NAME)")
    .allowUnknownOption()
    .argument("[overrides...]", "recipe fields as --field value")
    .addHelpText(
      "after",
      `\nRecipe fields, each of which can be overridden:\n${fields}\n\nExamples:\n  slovo train recipes/shakespeare-char.yaml\n  slovo train recipes/tinystories-ru.yaml --minutes 5 --width 192 --name small-stories\n`,
    )
    .action(async (path: string, words: string[], options: { out?: string }) => {
      const recipe = await readRecipe(path, overridesFrom(words));
      const folder = options.out ?? join("runs", recipe.name);
      const result = await trainWithProgress(recipe, folder);
      const last = result.last;
      const loss =
        last?.validationLoss === undefined
          ? ""
          : ` Held-out loss ${last.validationLoss.toFixed(4)} nats per token, ${last.validationBitsPerByte!.toFixed(4)} bits per byte.`;
      console.log(
        result.outcome === "stopped"
          ? `Stopped and saved after step ${last?.step ?? 0}; the same command goes on from there.`
          : `${result.outcome === "finished" ? "Finished." : "This run has already finished."}${loss}\nModel: ${result.modelFolder}\nReport: ${join(folder, "report.md")}`,
      );
    });
}
