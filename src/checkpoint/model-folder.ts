// A model as a Hugging Face folder: config.json, generation_config.json, the tokenizer's files, and its weights in safetensors,
// in one file or in several with an index.
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { exists, standingFolder, writeFileAtomically } from "./atomic.ts";
import { pickleRefusal, readSafetensors, type SafetensorsFile, writeSafetensors } from "./safetensors.ts";
import type { SavedTensor } from "./saved-tensor.ts";

const weightsFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";

/** A float32 weight on its way to the disk, row-major. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What makes up a model folder. */
export interface ModelFolderContents {
  /** `config.json`, with Hugging Face's names. */
  readonly config: object;
  /** `generation_config.json`. */
  readonly generationConfig?: object;
  /** By their Hugging Face names. A tied output head is left out. */
  readonly weights: ReadonlyMap<string, Weight>;
}

/** A model folder opened for reading. Its weights are views of its files until it is closed. */
export interface ModelFolder extends Disposable {
  readonly path: string;
  /** `config.json` as it stands; whoever knows the kind of model checks it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>> | undefined;
  /** Every tensor that is stored, by name. */
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  /**
   * The weight of that name as float32. An output head that is not stored is the input embedding, unless the config says that
   * they are not tied; the prefix `model.` or `transformer.` may be missing in the file.
   *
   * @throws InputError where it is missing, is of another shape than `shape`, or is not of floating point.
   */
  weight(name: string, shape?: readonly number[]): Weight;
  close(): void;
}

/**
 * Writes the model's files of a folder that Transformers opens; the tokenizer saves its own beside them. Each file is replaced whole; for a folder that appears whole or not at
 * all, call it inside `writeFolderAtomically`.
 *
 * @throws InputError where the disk refuses.
 */
export async function saveModelFolder(folder: string, contents: ModelFolderContents): Promise<void> {
  const { config, generationConfig, weights } = contents;
  const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`;
  const tensors = new Map([...weights].map(([name, weight]) => [name, { dtype: "float32" as const, ...weight }]));
  await writeSafetensors(join(folder, weightsFile), tensors);
  if (generationConfig) await writeFileAtomically(join(folder, "generation_config.json"), json(generationConfig));
  await writeFileAtomically(join(folder, "config.json"), json(config));
}

const jsonObject = z.record(z.string(), z.unknown());
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** The JSON of a file, checked by `schema`; `undefined` where there is no such file. */
async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const reason = issue ? [...issue.path, issue.message].join(": ") : (cause as Error).message;
    throw new InputError(`${path} is not the JSON that was expected: ${reason}.`, { cause });
  }
}

/** Opens the files of weights in a folder; where there is an index, every tensor it names must be there. */
async function openWeights(folder: string): Promise<SafetensorsFile[]> {
  if (await exists(join(folder, weightsFile))) return [await readSafetensors(join(folder, weightsFile))];
  const index = await readJson(join(folder, indexFile), indexSchema);
  if (!index) {
    const pickle = join(folder, "pytorch_model.bin");
    if ((await exists(pickle)) || (await exists(`${pickle}.index.json`))) throw new InputError(pickleRefusal(pickle));
    throw new InputError(`${folder} holds no weights: expected ${weightsFile} or ${indexFile} in it.`);
  }
  const shards = new Map<string, SafetensorsFile>();
  try {
    for (const [name, shard] of Object.entries(index.weight_map)) {
      if (shard !== basename(shard) || !shard.endsWith(".safetensors")) {
        throw new InputError(
          `${join(folder, indexFile)}: tensor ${name} should lie in a .safetensors file beside it, not in ${shard}.`,
        );
      }
      if (!shards.has(shard)) shards.set(shard, await readSafetensors(join(folder, shard)));
      if (!shards.get(shard)!.tensors.has(name)) {
        throw new InputError(
          `${join(folder, shard)} lacks the tensor ${name}, which ${indexFile} says lies in it: fetch or save the model again.`,
        );
      }
    }
  } catch (error) {
    for (const shard of shards.values()) shard.close();
    throw error;
  }
  return [...shards.values()];
}

const inputEmbeddings = ["model.embed_tokens.weight", "transformer.wte.weight"];

/**
 * The names under which a weight may be stored: its own; for an output head that is tied, the input embedding's; and each
 * without the prefix of the model inside, which files of that model alone leave out (the published GPT-2 does).
 */
function storedNames(name: string, tied: boolean): string[] {
  const names = tied && name === "lm_head.weight" ? [name, ...inputEmbeddings] : [name];
  return names.flatMap((full) => [full, full.replace(/^(model|transformer)\./, "")]);
}

/**
 * Opens a Hugging Face model folder: reads its configuration and maps its weights.
 *
 * @throws InputError where the folder, its config or its weights are missing or broken, or where the weights are a pickle.
 */
export async function loadModelFolder(path: string): Promise<ModelFolder> {
  const folder = await standingFolder(path);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw new InputError(`${folder} is not a folder: expected a model folder with config.json and ${weightsFile}.`);
  }
  const config = await readJson(join(folder, "config.json"), jsonObject);
  if (!config) throw new InputError(`${folder} is not a model folder: it has no config.json.`);
  const generationConfig = await readJson(join(folder, "generation_config.json"), jsonObject);
  const files = await openWeights(folder);
  const tensors = new Map(files.flatMap((file) => [...file.tensors]));

  const weight = (name: string, shape?: readonly number[]): Weight => {
    const stored = storedNames(name, config.tie_word_embeddings !== false).find((candidate) => tensors.has(candidate));
    const tensor = stored === undefined ? undefined : tensors.get(stored);
    if (!tensor) {
      const names = files.map((file) => basename(file.path)).join(", ");
      throw new InputError(
        `${folder} lacks the tensor ${name}, which its config.json calls for: ${names} may be of another model or incomplete.`,
      );
    }
    if (tensor.dtype !== "float32") {
      throw new InputError(`${folder}, tensor ${name}: expected floating point, got ${tensor.dtype}.`);
    }
    if (shape && (shape.length !== tensor.shape.length || shape.some((size, axis) => size !== tensor.shape[axis]))) {
      throw new InputError(
        `${folder}, tensor ${name}: config.json calls for shape [${shape.join(", ")}], but it is stored with [${tensor.shape.join(", ")}].`,
      );
    }
    return tensor;
  };
  const close = () => {
    for (const file of files) file.close();
  };
  return { path, config, generationConfig, tensors, weight, close, [Symbol.dispose]: close };
}
