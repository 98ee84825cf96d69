// A recipe: everything a training job needs, as one YAML file, checked by a schema; any field can be overridden by name.
import { readFile } from "node:fs/promises";
import { closest, distance } from "fastest-levenshtein";
import { parse } from "yaml";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { type Family, familyOf, modelTypes } from "../models/index.ts";
import { devices } from "../runtime/index.ts";
import { schedules } from "./schedule.ts";

const count = z.number().int().positive();
/** Sizes end where no model's go, so that a slip of the pen is told as one and asks for no absurd tables. */
const size = count.max(2 ** 24);
const positions = count.max(2 ** 20);
const whole = z.number().int().min(0);
const share = z.number().min(0).max(1);

/** Kinds of tokenizers that a recipe can have trained. */
export const trainedTokenizers = ["bpe", "wordpiece", "unigram", "character"] as const;

/** What of a model is trained. */
export const methods = ["full", "lora", "qlora", "dora", "ia3", "prompt", "prefix", "bottleneck", "bitfit"] as const;

/** What each family of models can learn; the first is usual. */
export const objectivesOf = {
  gpt: ["next-token", "conversation"],
  bert: ["masked"],
  t5: ["span-corruption", "prefix", "text-to-text"],
} as const;
export type ObjectiveName = (typeof objectivesOf)[Family][number];

/** Every field with its meaning; the meanings are what `slovo train --help` prints. */
export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u, "letters, digits, dot, dash and underscore only, and no dot or dash first")
    .describe("Name of the run; its folder is runs/NAME."),
  seed: whole.default(1).describe("Same seed, same run."),

  data: z
    .string()
    .or(z.array(z.string()).min(1))
    .optional()
    .describe(
      "File or folder of texts (.txt, .md, .jsonl, .csv, .parquet, each also .gz), or of conversations (.jsonl, .json, .csv, .parquet), or a list of them. The little world when left out.",
    ),
  field: z.string().default("text").describe("Field or column that holds the text in .jsonl, .csv and .parquet."),
  targetField: z
    .string()
    .default("target")
    .describe("With objective text-to-text: the field or column that holds what the text should become."),
  promptField: z
    .string()
    .optional()
    .describe("With objective conversation: the field that holds what is asked, where rows have their own names for it."),
  completionField: z.string().optional().describe("With objective conversation: the field that holds what is answered."),
  onBadRow: z.enum(["error", "skip"]).default("error").describe("Stop at a row that cannot be read, or skip and count it."),
  worldTokens: count.default(5_000_000).describe("Size of the little world's corpus, in tokens, roughly."),
  validation: z.number().gt(0).lt(1).default(0.01).describe("Share of the text held out for validation."),
  dataShare: share
    .gt(0)
    .default(1)
    .describe("Share of the training conversations that is used, drawn by the seed; the rest is as if it were not there."),
  split: z
    .enum(["document", "tail"])
    .default("document")
    .describe("Hold out whole documents by their hash, or the tail of the text."),
  batches: z
    .enum(["packed", "windows"])
    .default("packed")
    .describe("Pack documents into rows without padding, or cut random windows from the text (next-token)."),

  from: z
    .string()
    .optional()
    .describe("Folder of a model whose training is continued; its shape and its tokenizer take the place of the recipe's."),
  method: z
    .enum(methods)
    .default("full")
    .describe(
      "What is trained of the model in from: all of it (full), or an adapter beside it (lora), which is saved alone, also beside a base held in 4 bits (qlora) or with lengths of its own (dora); (IA)³, prompt and prefix tuning, bottleneck adapters and BitFit, which trains biases, are other adapters.",
    ),
  arithmetic: z
    .enum(["float32", "int8"])
    .default("float32")
    .describe(
      "How an adapter's base is multiplied by: exactly, or forwards and backwards in 8-bit whole numbers, which takes the products of its layers a third of the time; gradients are then off by some 4 %.",
    ),
  rank: z.number().int().min(0).max(4096).default(16).describe("Rank of the addition to each matrix (lora)."),
  alpha: z
    .number()
    .positive()
    .optional()
    .describe("The addition is multiplied by alpha / rank (lora); twice the rank when left out."),
  rankStabilised: z.boolean().default(false).describe("Multiply by alpha / √rank instead (rsLoRA)."),
  adapterDropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("Share of inputs that the addition does not see in training (lora)."),
  targets: z
    .array(z.string().min(1))
    .min(1)
    .or(z.string().min(1))
    .optional()
    .describe(
      "Layers that an adapter changes: a list of ends of their names, a regular expression for whole names, or all-linear; queries and values when left out.",
    ),
  virtualTokens: count
    .max(4096)
    .default(20)
    .describe(
      "Vectors that are learned to stand before each text: as tokens (prompt), or as keys and values in each layer (prefix).",
    ),
  promptInit: z
    .enum(["vocabulary", "random"])
    .default("vocabulary")
    .describe("Virtual tokens begin as random words of the vocabulary, or as random numbers (prompt)."),
  promptText: z
    .string()
    .min(1)
    .optional()
    .describe("Virtual tokens begin as the words of this text instead, repeated or cut to their number (prompt)."),
  bottleneck: size.default(32).describe("Width of the narrow layer of an adapter (bottleneck)."),
  modulesToSave: z
    .array(z.string().min(1))
    .default([])
    .describe("Modules that are trained whole beside an adapter, and saved with it."),
  peft: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      "More settings of an adapter, as PEFT's adapter_config.json spells them, such as exclude_modules, layers_to_transform, rank_pattern, alpha_pattern or bias.",
    ),

  tokenizer: z
    .enum(trainedTokenizers)
    .or(z.string())
    .optional()
    .describe(
      "Train one (bpe: byte-level; wordpiece; unigram; character), or take the one in this folder; when left out bpe for a GPT, wordpiece for a BERT, unigram for a T5.",
    ),
  vocabulary: size.default(4096).describe("Tokens of a trained vocabulary."),

  model: z
    .enum([...modelTypes.gpt, ...modelTypes.bert, ...modelTypes.t5])
    .default("llama")
    .describe("The kind of model: a GPT (llama, gpt2, mistral, …), a BERT (bert, roberta, …) or a T5 (t5, mt5)."),
  objective: z
    .enum([...objectivesOf.gpt, ...objectivesOf.bert, ...objectivesOf.t5])
    .optional()
    .describe(
      "What is learned: next-token, or conversation, which counts the assistant's tokens alone (GPT), masked (BERT), span-corruption, prefix or text-to-text (T5); the first of its kind when left out.",
    ),
  maskShare: z
    .number()
    .min(0.01)
    .max(0.9)
    .default(0.15)
    .describe("Share of tokens that are hidden (masked) or taken out (span-corruption)."),
  wholeWords: z.boolean().default(false).describe("Hide whole words instead of single tokens (masked)."),
  spanLength: z.number().min(1).default(3).describe("Mean number of tokens of a span that is taken out (span-corruption)."),
  width: size.default(256).describe("Width of the residual stream."),
  layers: count.max(256).default(4).describe("Transformer blocks; of a T5, those of each side."),
  heads: size.default(4).describe("Attention heads."),
  kvHeads: size.optional().describe("Key-value heads, as many as heads when left out."),
  hidden: size
    .optional()
    .describe(
      "Width of the feed-forward layer; as usual for the kind when left out, such as 8/3 of the width (llama) or 4 times (gpt2, bert).",
    ),
  context: positions.default(256).describe("Most tokens of a text that the model sees; a T5 sets no end."),
  window: size.optional().describe("Sliding window of attention, in tokens (llama and its kin)."),
  tied: z
    .boolean()
    .optional()
    .describe(
      "The output layer is the embedding table: true when left out, but false for t5, where true makes a T5 v1.0 with ReLU.",
    ),
  dropout: z.number().min(0).lt(1).default(0).describe("Share of activations dropped while training."),

  batch: size.default(8).describe("Rows of one batch."),
  length: positions.optional().describe("Tokens of one row, of a T5 those of its source; the context when left out."),
  targetLength: positions.optional().describe("With objective text-to-text: the most tokens of a target; length when left out."),
  accumulation: count
    .max(2 ** 16)
    .default(1)
    .describe("Batches whose gradients make one step."),
  steps: count.optional().describe("Steps to train; decides over epochs and minutes. Give one of the three."),
  epochs: z
    .number()
    .positive()
    .optional()
    .describe("How often the text is gone through (next-token, conversation); decides over minutes."),
  minutes: z.number().positive().optional().describe("Minutes to train: the number of steps is measured on this machine."),
  optimizer: z.enum(["adamw", "muon"]).default("adamw").describe("AdamW for all, or Muon for matrices and AdamW for the rest."),
  learningRate: z.number().positive().default(1e-3).describe("Peak learning rate."),
  finalShare: share.default(0.1).describe("Last learning rate as a share of the peak."),
  schedule: z.enum(schedules).default("cosine").describe("How the rate falls after warm-up."),
  warmup: whole.default(100).describe("Steps over which the rate rises from zero."),
  decayShare: share.default(0.2).describe("With schedule wsd, the share of steps in which the rate falls."),
  weightDecay: z.number().min(0).default(0.1).describe("Decoupled weight decay of matrices; none on norms and biases."),
  beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW's first moment."),
  beta2: z.number().min(0).lt(1).default(0.95).describe("AdamW's second moment."),
  clip: z.number().min(0).default(1).describe("Greatest norm of all gradients together; 0 for no clipping."),

  evaluateEvery: count.default(250).describe("Steps between validations."),
  evaluateBatches: count.default(20).describe("Batches of one validation."),
  checkpointEvery: count.default(250).describe("Steps between checkpoints."),
  samples: z.array(z.string()).default([]).describe("Prompts continued in the report."),
  device: z.enum(devices).default("cpu").describe("What computes: cpu, webgpu or cuda."),
  threads: count.max(256).optional().describe("Threads; all cores when left out."),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;

/** Fields by name, for messages and help. */
export const recipeFields = Object.keys(recipeSchema.shape) as (keyof Recipe)[];

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
      const near = nearest(key, recipeFields);
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

const jsonSchema = z.toJSONSchema(recipeSchema, { io: "input" }).properties as Record<string, JsonSchema>;

interface JsonSchema {
  type?: string;
  enum?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  anyOf?: JsonSchema[];
  pattern?: string;
  default?: unknown;
}

/** What a field may be, in words: "a whole number above 0". */
export function expectation(field: string): string {
  const words = ({ type, enum: choices, anyOf, ...limits }: JsonSchema): string => {
    if (anyOf) return anyOf.map(words).join(", or ");
    if (choices) return `one of ${choices.join(", ")}`;
    if (type === "boolean") return "true or false";
    if (type === "array") return "a list of texts";
    if (type === "object") return "fields with their values";
    if (type === "string")
      return limits.pattern ? "a name of letters, digits, dot, dash and underscore, the first no dot or dash" : "a text";
    const bounds = [
      limits.exclusiveMinimum !== undefined && `above ${limits.exclusiveMinimum}`,
      limits.minimum !== undefined && limits.minimum > -1e15 && `from ${limits.minimum}`,
      limits.exclusiveMaximum !== undefined && `below ${limits.exclusiveMaximum}`,
      limits.maximum !== undefined && limits.maximum < 1e15 && `up to ${limits.maximum}`,
    ].filter((bound) => bound !== false);
    return [type === "integer" ? "a whole number" : "a number", ...bounds].join(" ");
  };
  return words(jsonSchema[field] ?? {});
}

/** The value of a field that is left out, as text; undefined where there is none. */
export function defaultOf(field: string): string | undefined {
  const value = jsonSchema[field]?.default;
  return value === undefined || (Array.isArray(value) && value.length === 0) ? undefined : String(value);
}

function checkSense(recipe: Recipe, where: string): void {
  const { width, heads, kvHeads = heads, length, context, steps, minutes, model } = recipe;
  const wrong = (message: string) => {
    throw new InputError(`${where}: ${message}.`);
  };
  if (width % heads !== 0) wrong(`width (${width}) must be a multiple of heads (${heads})`);
  const family = familyOf({ model_type: model });
  const rotary = model === "modernbert" || (family === "gpt" && model !== "gpt2");
  if (rotary && (width / heads) % 2 !== 0) wrong(`width / heads (${width / heads}) must be even, for rotary positions`);
  if (heads % kvHeads !== 0) wrong(`heads (${heads}) must be a multiple of kvHeads (${kvHeads})`);
  if (recipe.from === undefined && length !== undefined && length > context)
    wrong(`length (${length}) must not be greater than context (${context})`);
  if (steps === undefined && minutes === undefined && recipe.epochs === undefined)
    wrong("give steps, epochs or minutes, to say how long to train");
  if ((recipe.promptField === undefined) !== (recipe.completionField === undefined))
    wrong("name both promptField and completionField, or neither");
  if ((family !== "gpt" || model === "gpt2") && (recipe.window || recipe.kvHeads))
    wrong(`window and kvHeads are for model: llama and its kin, not ${model}`);
  if (recipe.objective === "text-to-text" && recipe.data === undefined)
    wrong("objective: text-to-text needs data, a file of rows with a source and a target");
  if (recipe.method !== "full" && recipe.from === undefined)
    wrong(`method: ${recipe.method} adds to a trained model: name its folder with from`);
  if (recipe.method === "qlora" && recipe.device !== "cpu")
    wrong(`method: qlora computes on the cpu, not on ${recipe.device}: leave device out, or take method: lora`);
  if (recipe.arithmetic !== "float32") {
    if (recipe.method === "full" || recipe.method === "qlora")
      wrong(
        `arithmetic: ${recipe.arithmetic} is for methods over a base that stays and is no more packed, not for ${recipe.method}`,
      );
    if (recipe.device !== "cpu") wrong(`arithmetic: ${recipe.arithmetic} is for the cpu, not for ${recipe.device}`);
  }
  // What a model that is continued can learn is known when its folder is read.
  if (recipe.from === undefined) checkObjective(recipe, family, `model: ${model}`, where);
}

/** Throws InputError where a family of models cannot learn what a recipe says; `model` and `where` name them in the sentence. */
export function checkObjective(recipe: Recipe, family: Family, model: string, where: string): void {
  const fitting: readonly ObjectiveName[] = objectivesOf[family];
  const { objective = fitting[0], tied, wholeWords, targetLength, batches, split } = recipe;
  const wrong = (message: string) => {
    throw new InputError(`${where}: ${message}.`);
  };
  if (!fitting.includes(objective!)) wrong(`${model} can learn ${fitting.join(", ")}, but the objective is ${objective}`);
  if (wholeWords && objective !== "masked") wrong(`wholeWords is for objective: masked, and that of ${model} is ${objective}`);
  if (targetLength !== undefined && objective !== "text-to-text")
    wrong(`targetLength is for objective: text-to-text, and that of ${model} is ${objective}`);
  if (batches === "windows" && objective !== "next-token")
    wrong(`batches: windows is for objective: next-token, and that of ${model} is ${objective}`);
  if (split === "tail" && (objective === "text-to-text" || objective === "conversation"))
    wrong("split: tail is for plain text; pairs and conversations are held out by their hash, so leave split out");
  if (recipe.promptField !== undefined && objective !== "conversation")
    wrong(`promptField is for objective: conversation, and that of ${model} is ${objective}`);
  if (recipe.dataShare < 1 && objective !== "conversation")
    wrong(`dataShare is for objective: conversation, and that of ${model} is ${objective}`);
  if (recipe.epochs !== undefined && objective !== "next-token" && objective !== "conversation")
    wrong(`epochs are for objective: next-token or conversation, and that of ${model} is ${objective}; give steps or minutes`);
  if (recipe.from === undefined && ((family === "bert" && tied === false) || (recipe.model === "mt5" && tied)))
    wrong(`tied: ${tied} does not go with ${model}, whose output layer is ${tied ? "its own" : "the embedding table"}`);
}

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

/** The text of a command-line option as the value its field takes: numbers and booleans become such. */
export function overrideFrom(name: string, text: string): [field: string, value: unknown] {
  const field = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (!recipeFields.includes(field as keyof Recipe)) {
    const near = nearest(field, recipeFields);
    throw new InputError(
      `there is no recipe field --${name}${near ? ` (did you mean --${near}?)` : ""}. The fields are: ${recipeFields.join(", ")}.`,
    );
  }
  if (field === "samples") return [field, text.split("|")];
  if (field === "modulesToSave" || (field === "targets" && /^[\w.,-]+$/.test(text) && text !== "all-linear"))
    return [field, text.split(",")];
  const verbatim = ["data", "name", "tokenizer", "field", "targetField", "promptField", "completionField", "from"].includes(
    field,
  );
  return [
    field,
    verbatim
      ? text
      : text === "true"
        ? true
        : text === "false"
          ? false
          : text.trim() !== "" && Number.isFinite(Number(text))
            ? Number(text)
            : text,
  ];
}

/** The name that differs least, where it differs by no more than two letters, or a third of them. */
function nearest(word: string, names: readonly string[]): string | undefined {
  const name = closest(word, names);
  return distance(word.toLowerCase(), name.toLowerCase()) <= Math.max(2, word.length / 3) ? name : undefined;
}
