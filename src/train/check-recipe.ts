// Checks a recipe: field by field, and whether fields make sense together.
import { InputError } from "../errors.ts";
import { type Family, familyOf } from "../models/index.ts";
import { type ObjectiveName, objectivesOf, type Recipe, recipeFields, recipeSchema } from "./recipe.ts";
import { expectation, nearestField } from "./recipe-words.ts";

/** Checks a recipe. `where` names it in errors. */
export function checkRecipe(value: unknown, where: string): Recipe {
  const parsed = recipeSchema.safeParse(value);
  if (parsed.success) {
    checkSense(parsed.data, where);
    return parsed.data;
  }
  const issue = parsed.error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const hints = issue.keys.map((key) => {
      const near = nearestField(key);
      return near ? `"${key}" (did you mean "${near}"?)` : `"${key}"`;
    });
    throw new InputError(
      `${where}: there is no recipe field ${hints.join(", nor ")}. The fields are: ${recipeFields.join(", ")}.`,
    );
  }
  const field = String(issue.path[0]);
  const came = JSON.stringify((value as Record<string, unknown> | null)?.[field]) ?? "nothing";
  throw new InputError(`${where}: the field "${field}" must be ${expectation(field)}, got ${came}.`);
}

/** Says what is wrong with a recipe. */
type Refuse = (message: string) => never;

const refusalOf =
  (where: string): Refuse =>
  (message) => {
    throw new InputError(`${where}: ${message}.`);
  };

function checkSense(recipe: Recipe, where: string): void {
  const { model, steps, minutes, epochs } = recipe;
  const family = familyOf({ model_type: model });
  const refuse = refusalOf(where);
  checkShape(recipe, family, refuse);
  checkMethod(recipe, refuse);
  if (steps === undefined && minutes === undefined && epochs === undefined)
    refuse("give steps, epochs or minutes, to say how long to train");
  if ((recipe.promptField === undefined) !== (recipe.completionField === undefined))
    refuse("name both promptField and completionField, or neither");
  if (recipe.objective === "text-to-text" && recipe.data === undefined)
    refuse("objective: text-to-text needs data, a file of rows with a source and a target");
  // What a model that is continued can learn is known when its folder is read.
  if (recipe.from === undefined) checkObjective(recipe, family, `model: ${model}`, where);
}

function checkShape(recipe: Recipe, family: Family, refuse: Refuse): void {
  const { width, heads, kvHeads = heads, length, context, model } = recipe;
  if (width % heads !== 0) refuse(`width (${width}) must be a multiple of heads (${heads})`);
  const rotary = model === "modernbert" || (family === "gpt" && model !== "gpt2");
  if (rotary && (width / heads) % 2 !== 0) refuse(`width / heads (${width / heads}) must be even, for rotary positions`);
  if (heads % kvHeads !== 0) refuse(`heads (${heads}) must be a multiple of kvHeads (${kvHeads})`);
  if (recipe.from === undefined && length !== undefined && length > context)
    refuse(`length (${length}) must not be greater than context (${context})`);
  if ((family !== "gpt" || model === "gpt2") && (recipe.window || recipe.kvHeads))
    refuse(`window and kvHeads are for model: llama and its kin, not ${model}`);
}

function checkMethod({ method, arithmetic, from, device }: Recipe, refuse: Refuse): void {
  if (method !== "full" && from === undefined) refuse(`method: ${method} adds to a trained model: name its folder with from`);
  if (method === "qlora" && device !== "cpu")
    refuse(`method: qlora computes on the cpu, not on ${device}: leave device out, or take method: lora`);
  if (arithmetic === "float32") return;
  if (method === "full" || method === "qlora")
    refuse(`arithmetic: ${arithmetic} is for an adapter beside a base in float32, not for method: ${method}`);
  if (device !== "cpu") refuse(`arithmetic: ${arithmetic} is for the cpu, not for ${device}`);
}

/** Throws InputError where a family of models cannot learn what a recipe says; `model` and `where` name them in the sentence. */
export function checkObjective(recipe: Recipe, family: Family, model: string, where: string): void {
  const fitting: readonly ObjectiveName[] = objectivesOf[family];
  const { objective = fitting[0], tied, wholeWords, targetLength, batches, split } = recipe;
  const refuse = refusalOf(where);
  if (!fitting.includes(objective!)) refuse(`${model} can learn ${fitting.join(", ")}, but the objective is ${objective}`);
  if (wholeWords && objective !== "masked") refuse(`wholeWords is for objective: masked, and that of ${model} is ${objective}`);
  if (targetLength !== undefined && objective !== "text-to-text")
    refuse(`targetLength is for objective: text-to-text, and that of ${model} is ${objective}`);
  if (batches === "windows" && objective !== "next-token")
    refuse(`batches: windows is for objective: next-token, and that of ${model} is ${objective}`);
  if (split === "tail" && (objective === "text-to-text" || objective === "conversation"))
    refuse("split: tail is for plain text; pairs and conversations are held out by their hash, so leave split out");
  if (recipe.promptField !== undefined && objective !== "conversation")
    refuse(`promptField is for objective: conversation, and that of ${model} is ${objective}`);
  if (recipe.dataShare < 1 && objective !== "conversation")
    refuse(`dataShare is for objective: conversation, and that of ${model} is ${objective}`);
  if (recipe.epochs !== undefined && objective !== "next-token" && objective !== "conversation")
    refuse(`epochs are for objective: next-token or conversation, and that of ${model} is ${objective}; give steps or minutes`);
  if (recipe.from === undefined && ((family === "bert" && tied === false) || (recipe.model === "mt5" && tied)))
    refuse(`tied: ${tied} does not go with ${model}, whose output layer is ${tied ? "its own" : "the embedding table"}`);
}
