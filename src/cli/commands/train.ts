// slovo train: runs a recipe, from text to a model folder.
import { join } from "node:path";
import { Command } from "commander";
import { defaultOf, expectation, readRecipe, recipeFields, recipeSchema } from "../../train/index.ts";
import { overridesFrom } from "../overrides.ts";
import { printNextSteps, trainWithProgress } from "../training.ts";

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
      printNextSteps(await trainWithProgress(recipe, options.out ?? join("runs", recipe.name)), recipe);
    });
}
