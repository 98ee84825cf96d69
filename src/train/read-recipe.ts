// Reads recipes: from YAML files, with fields of the command line laid over them.
import { InputError } from "../errors.ts";
import { checkRecipe } from "./check-recipe.ts";
import { type Recipe, recipeFields } from "./recipe.ts";
import { nearestField, takesText } from "./recipe-words.ts";
import { parseYamlFields, readYamlFields } from "./yaml-fields.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Reads a recipe file and lays overrides (already typed) over it. Throws InputError. */
export async function readRecipe(path: string, overrides: Fields = {}): Promise<Recipe> {
  return checkRecipe(overridden(await readYamlFields(path), overrides), path);
}

/** A recipe from YAML text. Throws InputError. */
export function parseRecipe(text: string, where: string): Recipe {
  return checkRecipe(parseYamlFields(text, where), where);
}

function overridden(fields: Fields, overrides: Fields): Fields {
  const merged: Record<string, unknown> = { ...fields, ...overrides };
  // Overriding one of the ways to say how long replaces the others.
  const spans = ["steps", "epochs", "minutes"];
  if (spans.some((span) => span in overrides)) for (const span of spans) if (!(span in overrides)) delete merged[span];
  return merged;
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
