// Reads recipes: from YAML files, with fields of the command line laid over them.
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { InputError } from "../errors.ts";
import { checkRecipe } from "./check-recipe.ts";
import { type Recipe, recipeFields } from "./recipe.ts";
import { nearestField, takesText } from "./recipe-words.ts";

/** Reads a recipe file and lays overrides (already typed) over it. Throws InputError. */
export async function readRecipe(path: string, overrides: Readonly<Record<string, unknown>> = {}): Promise<Recipe> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(
      `cannot read the recipe ${path}: ${code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : String(error)}.`,
    );
  }
  return parseRecipe(text, path, overrides);
}

/** A recipe from YAML text, with overrides over it. Throws InputError. */
export function parseRecipe(text: string, where: string, overrides: Readonly<Record<string, unknown>> = {}): Recipe {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new InputError(`${where} is not valid YAML: ${String((error as Error).message).split("\n")[0]}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(
      `${where}: expected recipe fields such as "name: my-run", got ${Array.isArray(value) ? "a list" : JSON.stringify(value)}.`,
    );
  }
  const merged: Record<string, unknown> = { ...value, ...overrides };
  // Overriding one of the ways to say how long replaces the others.
  const spans = ["steps", "epochs", "minutes"];
  if (spans.some((span) => span in overrides)) for (const span of spans) if (!(span in overrides)) delete merged[span];
  return checkRecipe(merged, where);
}

/** The text of a command-line option as the value its field takes: numbers and booleans become such. Throws InputError for no field. */
export function overrideFrom(name: string, text: string): [field: string, value: unknown] {
  const field = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (!recipeFields.includes(field as keyof Recipe)) {
    const near = nearestField(field);
    throw new InputError(
      `there is no recipe field --${name}${near ? ` (did you mean --${near}?)` : ""}. The fields are: ${recipeFields.join(", ")}.`,
    );
  }
  if (field === "samples") return [field, text.split("|")];
  if (field === "modulesToSave" || (field === "targets" && /^[\w.,-]+$/.test(text) && text !== "all-linear"))
    return [field, text.split(",")];
  if (takesText(field)) return [field, text];
  if (text === "true" || text === "false") return [field, text === "true"];
  return [field, text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text];
}
