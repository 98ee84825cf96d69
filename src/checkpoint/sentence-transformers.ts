// The files by which sentence-transformers knows how a model's hidden states become one vector: modules.json and a folder a module.
// https://sbert.net/docs/sentence_transformer/usage/custom_models.html
import { mkdir } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { type DenseActivation, denseActivations, type EmbeddingPipeline, type EmbeddingStep, poolings } from "../models/index.ts";
import { writeFileAtomically } from "./atomic.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import type { Weight } from "./save-model-folder.ts";
import { readJson, weightsFile } from "./weight-files.ts";

/** How a sentence embedder reads texts and makes vectors of them. */
export interface SentenceEmbedder extends EmbeddingPipeline {
  /** The most tokens of a text, the frame's included, where it is less than the model's. */
  readonly longest?: number;
  /** Texts are put into lower case before the tokenizer sees them. */
  readonly lowercase?: boolean;
  /** What is put before texts, by a name such as "query"; the one that is used unless another is named. */
  readonly prompts?: Readonly<Record<string, string>>;
  readonly defaultPrompt?: string;
}

export interface LoadedEmbedder extends SentenceEmbedder {
  /** The folder of the model itself, within that of the embedder: mostly the same, `""`. */
  readonly modelPath: string;
  /** The width of the hidden states that its pooling expects, where the files say it, and which file does. */
  readonly width?: { readonly size: number; readonly file: string };
  /** Of the dense modules, by the name that `sentenceEmbedding` asks for: `2_Dense.linear.weight`. */
  readonly weights: ReadonlyMap<string, Weight>;
}

const modulesFile = "modules.json";
const settingsFile = "config_sentence_transformers.json";
/** One for each sort of model that older versions knew by class. */
const transformerFiles = ["bert", "roberta", "distilbert", "xlm-roberta"].map((type) => `sentence_${type}_config.json`);
const supported = "Transformer, Pooling, Dense and Normalize";

const modulesJson = z.array(z.object({ path: z.string(), type: z.string() })).min(1);
const transformerJson = z.object({
  max_seq_length: z.number().int().positive().nullish(),
  do_lower_case: z.boolean().default(false),
});
const settingsJson = z.object({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
});
const poolingJson = z.looseObject({
  pooling_mode: z.union([z.string(), z.array(z.string())]).optional(),
  include_prompt: z.literal(true).default(true),
  word_embedding_dimension: z.number().int().positive().nullish(),
});
const denseJson = z.object({
  out_features: z.number().int().positive(),
  bias: z.boolean().default(true),
  activation_function: z.string().default("torch.nn.modules.activation.Tanh"),
  use_residual: z.literal(false).default(false),
});

/**
 * Reads the modules of a sentence-transformers folder; `undefined` where it has no modules.json, or is a cross-encoder's, which pools
 * nothing.
 * @throws InputError where a file is missing or broken, or a module is of a kind that slovo does not run.
 */
export async function readSentenceEmbedder(folder: string): Promise<LoadedEmbedder | undefined> {
  const modules = await readJson(join(folder, modulesFile), modulesJson);
  if (!modules || modules.length === 1) return undefined;
  const where = join(folder, modulesFile);
  const [transformer, poolingModule, ...rest] = modules.map(({ path, type }) => {
    if (isAbsolute(path) || path.split(/[\\/]/).includes(".."))
      throw new InputError(`${where}: a module's path must lie in the folder itself, got ${JSON.stringify(path)}.`);
    return { path, kind: type.split(".").at(-1)! };
  });
  if (transformer?.kind !== "Transformer" || poolingModule?.kind !== "Pooling") {
    const kinds = modules.map(({ type }) => type.split(".").at(-1)).join(", ");
    throw new InputError(`${where}: expected a Transformer, then a Pooling, then what else there is; got ${kinds}.`);
  }
  const weights = new Map<string, Weight>();
  const steps: EmbeddingStep[] = [];
  for (const { path, kind } of rest) {
    if (kind === "Normalize") steps.push({ kind: "normalise" });
    else if (kind === "Dense") steps.push(await readDense(folder, path, weights));
    else throw new InputError(`${where}: slovo runs the modules ${supported}, and this has a ${kind}.`);
  }
  const { longest, lowercase } = await readTransformer(join(folder, transformer.path));
  const settings = (await readJson(join(folder, settingsFile), settingsJson)) ?? {};
  const prompts = settings.prompts ?? {};
  const defaultPrompt = settings.default_prompt_name ?? undefined;
  if (defaultPrompt !== undefined && !Object.hasOwn(prompts, defaultPrompt))
    throw new InputError(
      `${join(folder, settingsFile)}: default_prompt_name is "${defaultPrompt}", and prompts has no such name.`,
    );
  const { pooling, width } = await readPooling(folder, poolingModule.path);
  return { modelPath: transformer.path, pooling, width, steps, longest, lowercase, prompts, defaultPrompt, weights };
}

/**
 * What a cross-encoder does to the number its head gives: the sigmoid, unless its files name the identity.
 * @throws InputError where they name something else
 */
export async function readScoreActivation(folder: string): Promise<"Sigmoid" | "Identity"> {
  const name = z.string().optional();
  const older = {
    sentence_transformers: z.looseObject({ activation_fn: name }).optional(),
    sbert_ce_default_activation_function: name,
  };
  const settings = await readJson(join(folder, settingsFile), z.looseObject({ activation_fn: name }));
  const config = await readJson(join(folder, "config.json"), z.looseObject(older));
  const activation =
    settings?.activation_fn ?? config?.sentence_transformers?.activation_fn ?? config?.sbert_ce_default_activation_function;
  const kind = activation?.split(".").at(-1) ?? "Sigmoid";
  if (kind === "Sigmoid" || kind === "Identity") return kind;
  throw new InputError(`${folder}: activation_fn must be PyTorch's Sigmoid or Identity, got ${activation}.`);
}

async function readTransformer(folder: string) {
  for (const file of transformerFiles) {
    const found = await readJson(join(folder, file), transformerJson);
    if (found) return { longest: found.max_seq_length ?? undefined, lowercase: found.do_lower_case };
  }
  return {};
}

async function readPooling(folder: string, path: string): Promise<Pick<LoadedEmbedder, "pooling" | "width">> {
  const where = join(folder, path, "config.json");
  const json = await readJson(where, poolingJson);
  if (!json) throw missing(where, "Pooling");
  // Before version 5 each way of pooling was a flag: pooling_mode_mean_tokens, pooling_mode_lasttoken.
  const flags = Object.entries(json)
    .filter(([key, value]) => key.startsWith("pooling_mode_") && value === true)
    .map(([key]) => key.replace(/^pooling_mode_/, "").replace(/_tokens?$/, ""));
  if (flags.length === 0 && json.pooling_mode_mean_tokens !== false) flags.push("mean");
  const modes = json.pooling_mode === undefined ? flags : [json.pooling_mode].flat();
  const pooling = poolings.find((known) => known === modes[0]);
  const size = json.word_embedding_dimension ?? undefined;
  if (modes.length === 1 && pooling) return { pooling, width: size === undefined ? undefined : { size, file: where } };
  throw new InputError(
    `${where}: slovo pools by one of ${poolings.join(", ")}, and this asks for ${modes.join(" and ") || "nothing"}.`,
  );
}

async function readDense(folder: string, path: string, weights: Map<string, Weight>): Promise<EmbeddingStep> {
  const where = join(folder, path, "config.json");
  const json = await readJson(where, denseJson);
  if (!json) throw missing(where, "Dense");
  const name = json.activation_function.split(".").at(-1)!;
  if (!Object.hasOwn(denseActivations, name)) {
    const known = Object.keys(denseActivations).join(", ");
    throw new InputError(`${where}: activation_function must be one of PyTorch's ${known}, got ${json.activation_function}.`);
  }
  const file = join(folder, path, weightsFile);
  using opened = await readSafetensors(file);
  for (const part of json.bias ? ["linear.weight", "linear.bias"] : ["linear.weight"]) {
    const tensor = opened.tensors.get(part);
    if (tensor?.dtype !== "float32")
      throw new InputError(`${file} lacks the tensor ${part} of floating point, which a Dense module has.`);
    weights.set(`${path}.${part}`, { shape: tensor.shape, data: tensor.data.slice() });
  }
  return { kind: "dense", name: path, outputs: json.out_features, bias: json.bias, activation: name as DenseActivation };
}

function missing(path: string, kind: string): InputError {
  return new InputError(
    `${path} is missing, and ${modulesFile} says that a ${kind} module lies there: fetch or save the model again.`,
  );
}

export interface EmbedderContents {
  readonly embedder: SentenceEmbedder;
  /** Of the encoder's hidden states. */
  readonly width: number;
  /** Of the dense modules, as `LoadedEmbedder` has them. */
  readonly weights?: ReadonlyMap<string, Weight>;
}

/**
 * Writes the modules beside the model's and the tokenizer's own files, so that sentence-transformers opens the folder. Dense modules
 * are written under their names, which must be those of folders.
 * @throws InputError where the disk refuses.
 */
export async function saveSentenceEmbedder(
  folder: string,
  { embedder, width, weights = new Map() }: EmbedderContents,
): Promise<void> {
  const { pooling, steps, longest, lowercase = false, prompts = {}, defaultPrompt } = embedder;
  const write = async (path: string, value: object) => {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFileAtomically(join(folder, path), `${JSON.stringify(value, undefined, 2)}\n`);
  };
  const modules: { path: string; kind: string }[] = [
    { path: "", kind: "Transformer" },
    { path: "1_Pooling", kind: "Pooling" },
  ];
  // The names of before version 5, which every version reads.
  const flags = { cls: "cls_token", mean: "mean_tokens", lasttoken: "lasttoken" };
  const chosen = poolings.map((mode) => [`pooling_mode_${flags[mode]}`, mode === pooling]);
  await write("1_Pooling/config.json", { word_embedding_dimension: width, ...Object.fromEntries(chosen) });
  let size = width;
  for (const step of steps) {
    if (step.kind === "normalise") {
      modules.push({ path: `${modules.length}_Normalize`, kind: "Normalize" });
      await mkdir(join(folder, modules.at(-1)!.path), { recursive: true });
      continue;
    }
    const { name, outputs, bias, activation } = step;
    modules.push({ path: name, kind: "Dense" });
    const place = activation === "Identity" ? "linear" : "activation";
    await write(`${name}/config.json`, {
      in_features: size,
      out_features: outputs,
      bias,
      activation_function: `torch.nn.modules.${place}.${activation}`,
    });
    const own = [...weights].filter(([path]) => path.startsWith(`${name}.`));
    await writeSafetensors(
      join(folder, name, weightsFile),
      new Map(own.map(([path, weight]) => [path.slice(name.length + 1), { dtype: "float32", ...weight }])),
    );
    size = outputs;
  }
  await write("sentence_bert_config.json", { max_seq_length: longest ?? null, do_lower_case: lowercase });
  await write(settingsFile, { prompts, default_prompt_name: defaultPrompt ?? null, similarity_fn_name: "cosine" });
  // Last: with it the folder is that of an embedder.
  await write(
    modulesFile,
    modules.map(({ path, kind }, idx) => ({ idx, name: String(idx), path, type: `sentence_transformers.models.${kind}` })),
  );
}
