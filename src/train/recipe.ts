// A recipe: everything a training job needs, as fields with their meanings; YAML files and command lines give them by name.
import { z } from "zod";
import { type Family, modelTypes } from "../models/index.ts";
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

/** What is learned from. */
const dataFields = {
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
};

/** A model that is there already, and what of it is trained. */
const methodFields = {
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
};

/** What a new model is like, its tokenizer first, and what it learns. */
const modelFields = {
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
};

/** How it is trained. */
const trainingFields = {
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
};

/** What the run tells and keeps, and what computes. */
const runFields = {
  evaluateEvery: count.default(250).describe("Steps between validations."),
  evaluateBatches: count.default(20).describe("Batches of one validation."),
  checkpointEvery: count.default(250).describe("Steps between checkpoints."),
  samples: z.array(z.string()).default([]).describe("Prompts continued in the report."),
  device: z.enum(devices).default("cpu").describe("What computes: cpu, webgpu or cuda."),
  threads: count.max(256).optional().describe("Threads; all cores when left out."),
};

/** Every field with its meaning; the meanings are what `slovo train --help` prints. */
export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u, "letters, digits, dot, dash and underscore only, and no dot or dash first")
    .describe("Name of the run; its folder is runs/NAME."),
  seed: whole.default(1).describe("Same seed, same run."),
  ...dataFields,
  ...methodFields,
  ...modelFields,
  ...trainingFields,
  ...runFields,
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;

/** Fields by name, for messages and help. */
export const recipeFields = Object.keys(recipeSchema.shape) as (keyof Recipe)[];
