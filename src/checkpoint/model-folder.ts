// A model as a Hugging Face folder, opened for reading: config.json, generation_config.json, and its weights by name.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { standingFolder } from "./atomic.ts";
import { type FloatDtype, isFloat, readFloats } from "./floats.ts";
import type { SafetensorsFile } from "./safetensors.ts";
import type { Weight } from "./save-model-folder.ts";
import type { SavedTensor, StoredElements } from "./saved-tensor.ts";
import { asSpelled, openWeightFiles, readJson, weightsFile } from "./weight-files.ts";
import { isOptional, storedNames } from "./weight-names.ts";

/** Where a weight lies on the disk, for a runtime that reads it there by itself. */
export interface StoredWeight {
  readonly dtype: "float32" | "float16" | "bfloat16";
  readonly file: string;
  /** In bytes, from the beginning of the file. */
  readonly offset: number;
  readonly length: number;
}

export interface ReadOptions {
  /** Which weights may be missing, because they begin anew: a classifier on top of a pre-trained model. None when left out. */
  readonly mayBeNew?: (name: string) => boolean;
  /** Stored tensors that no target takes are an error; buffers and heads of other tasks never are. */
  readonly strict?: boolean;
}

/** How a checkpoint and the weights that were wanted from it fit together. */
export interface ReadReport {
  /** Weights that are not in the checkpoint; their arrays are as they were. */
  readonly fresh: readonly string[];
  /** Stored tensors that nobody asked for, other than buffers and heads of other tasks: worth a note. */
  readonly unused: readonly string[];
}

/** A model folder opened for reading. Its weights are views of its files until it is closed. */
export interface ModelFolder extends Disposable {
  readonly path: string;
  /** `config.json` as it stands; whoever knows the kind of model checks it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>> | undefined;
  /** Both once more, for writing them again: numbers are spelled as in the files, and cannot be computed with. */
  readonly spelled: Pick<ModelFolder, "config" | "generationConfig">;
  /** Every tensor that is stored, by name. */
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  /**
   * The weight of that name as float32; see `weight-names.ts` for the names under which it may be stored. Weights that are stored
   * narrower are widened for each call, and a call lets go of the memory of the one before: use each weight up, one by one. Who needs
   * numbers only until the next call gives an array for them, `scratch`, so that no memory is taken for each.
   *
   * @throws InputError where it is missing, is of another shape than `shape`, is not of floating point, or holds a NaN or an infinity.
   */
  weight(name: string, shape?: readonly number[], scratch?: Float32Array): Weight & { readonly dtype: "float32" };
  /**
   * Where that weight lies, checked as by `weight`; `undefined` where it is not aligned in its file, so that it has to be copied.
   */
  stored(name: string, shape: readonly number[]): StoredWeight | undefined;
  /**
   * Fills each array with the weight of its name. A piece of the file is in memory at a time, besides the arrays.
   *
   * @throws InputError as `weight` does, and, with `strict`, where something is left over. The arrays are then partly filled.
   */
  readInto(targets: ReadonlyMap<string, Weight>, options?: ReadOptions): ReadReport;
  /** The name in `tensors` of the weight that a model calls `name`; undefined where it is not stored. */
  storedName(name: string): string | undefined;
  /** Stored tensors that nobody has asked for so far, other than buffers, heads of other tasks, and second copies of a tied weight. */
  unused(): string[];
  /** Throws InputError where something is unused: the config then is of another model than the weights. */
  checkAllUsed(): void;
  close(): void;
}

const jsonObject = z.record(z.string(), z.unknown());

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
  const config = await readJson(join(folder, "config.json"), jsonObject, asSpelled);
  if (!config) throw new InputError(`${folder} is not a model folder: ${await whatItIs(folder)}.`);
  const spelled = { config, generationConfig: await readJson(join(folder, "generation_config.json"), jsonObject, asSpelled) };
  // Written out and parsed again, spelled numbers are numbers.
  const plain = JSON.parse(JSON.stringify(spelled)) as typeof spelled;
  return new OpenFolder(path, folder, { ...plain, spelled }, await openWeightFiles(folder));
}

/** Why a folder has no config.json, and what to do. */
async function whatItIs(folder: string): Promise<string> {
  const adapter = await readJson(join(folder, "adapter_config.json"), jsonObject).catch(() => undefined);
  if (!adapter) return "it has no config.json";
  const base = adapter.base_model_name_or_path;
  return `it is an adapter${base ? ` for ${base}` : ""}, which goes beside its base: --model ${base || "BASE"} --adapter ${folder}`;
}

/** A stored tensor of floating point. */
interface Found {
  readonly stored: StoredElements;
  readonly dtype: FloatDtype;
  readonly tensor: SavedTensor & { readonly dtype: "float32" };
  readonly file: SafetensorsFile;
}

class OpenFolder implements ModelFolder {
  readonly path: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>> | undefined;
  readonly spelled: ModelFolder["spelled"];
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  /** Where the files are, for messages. */
  readonly #folder: string;
  readonly #files: ReadonlyMap<string, SafetensorsFile>;
  readonly #tied: boolean;
  /** What was asked for: by the name it is stored under, every name that it may have. */
  readonly #used = new Map<string, readonly string[]>();
  readonly #finite = new Set<string>();
  /** Lets go of the file's memory behind the weight that was asked for last. */
  #releaseLast = () => {};

  constructor(
    path: string,
    folder: string,
    { config, generationConfig, spelled }: Pick<ModelFolder, "config" | "generationConfig" | "spelled">,
    files: ReadonlyMap<string, SafetensorsFile>,
  ) {
    this.path = path;
    this.config = config;
    this.generationConfig = generationConfig;
    this.spelled = spelled;
    this.tensors = new Map(Array.from(files, ([name, file]) => [name, file.tensors.get(name)!]));
    this.#folder = folder;
    this.#files = files;
    this.#tied = config.tie_word_embeddings !== false;
  }

  weight(name: string, shape?: readonly number[], scratch?: Float32Array): Weight & { readonly dtype: "float32" } {
    const { tensor, stored, dtype, file } = this.#find(name, shape);
    if (scratch) {
      const length = tensor.shape.reduce((product, size) => product * size, 1);
      const data = scratch.subarray(0, length);
      this.#refuseNonFinite(name, readFloats(stored, dtype, { target: data, release: file.release }), length);
      return { dtype: "float32", shape: tensor.shape, data };
    }
    this.#checkFinite(name);
    this.#releaseLast();
    this.#releaseLast = () => file.release(stored.bytes);
    const { data } = tensor;
    // What was widened is in memory twice until the file's pages go.
    if (data.buffer !== stored.bytes.buffer) this.#releaseLast();
    return { dtype: "float32", shape: tensor.shape, data };
  }

  stored(name: string, shape: readonly number[]): StoredWeight | undefined {
    const { stored, dtype, file } = this.#find(name, shape);
    this.#checkFinite(name);
    const { byteOffset: offset, byteLength: length } = stored.bytes;
    const names = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;
    return offset % 4 === 0 ? { dtype: names[dtype], file: file.path, offset, length } : undefined;
  }

  readInto(targets: ReadonlyMap<string, Weight>, { mayBeNew, strict = false }: ReadOptions = {}): ReadReport {
    const absent = [...targets.keys()].filter((name) => this.storedName(name) === undefined);
    const missing = absent.filter((name) => !mayBeNew?.(name));
    if (missing.length > 0) throw this.#missing(missing);
    for (const [name, { shape, data: target }] of targets) {
      if (absent.includes(name)) continue;
      const { stored, dtype, file } = this.#find(name, shape);
      this.#refuseNonFinite(name, readFloats(stored, dtype, { target, release: file.release }), target.length);
    }
    if (strict) this.checkAllUsed();
    return { fresh: absent, unused: this.unused() };
  }

  unused(): string[] {
    return [...this.tensors.keys()].filter((name) => {
      if (this.#used.has(name)) return false;
      const twin = [...this.#used].find(([, names]) => names.includes(name))?.[0];
      return twin === undefined ? !isOptional(name) : !this.#equal(name, twin);
    });
  }

  checkAllUsed(): void {
    const [first, ...rest] = this.unused();
    if (first === undefined) return;
    const others =
      rest.length > 0
        ? ` and ${rest.length} more that its config.json does not call for`
        : ", which its config.json does not call for";
    throw new InputError(
      `${this.#folder} holds the tensor ${first}${others}: the config may be of another model than the weights.`,
    );
  }

  close(): void {
    for (const file of new Set(this.#files.values())) file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  storedName(name: string): string | undefined {
    return storedNames(name, this.#tied).find((candidate) => this.tensors.has(candidate));
  }

  #missing([first, ...rest]: readonly string[]): InputError {
    const others =
      rest.length > 0 ? ` and ${rest.length} more that its config.json calls for` : ", which its config.json calls for";
    return new InputError(
      `${this.#folder} lacks the tensor ${first}${others}: its weights may be of another model or incomplete.`,
    );
  }

  #find(name: string, shape?: readonly number[]): Found {
    const storedName = this.storedName(name);
    if (storedName === undefined) throw this.#missing([name]);
    this.#used.set(storedName, storedNames(name, this.#tied));
    const tensor = this.tensors.get(storedName)!;
    const { stored } = tensor;
    if (tensor.dtype !== "float32" || !stored || !isFloat(stored.dtype)) {
      const got = tensor.dtype === "other" ? stored!.dtype : tensor.dtype;
      throw new InputError(
        `${this.#folder}, tensor ${name}: a weight is F32, F16 or BF16, got ${got}: convert it to one of them.`,
      );
    }
    if (shape && (shape.length !== tensor.shape.length || shape.some((size, axis) => size !== tensor.shape[axis]))) {
      throw new InputError(
        `${this.#folder}, tensor ${name}: config.json calls for shape [${shape.join(", ")}], but it is stored with [${tensor.shape.join(", ")}].`,
      );
    }
    return { stored, dtype: stored.dtype, tensor, file: this.#files.get(storedName)! };
  }

  /** Goes over a weight once, whoever asks for it how often. */
  #checkFinite(name: string): void {
    const { stored, dtype, tensor, file } = this.#find(name);
    if (this.#finite.has(name)) return;
    this.#refuseNonFinite(name, readFloats(stored, dtype, { release: file.release }), product(tensor.shape));
    this.#finite.add(name);
  }

  #refuseNonFinite(name: string, count: number, of: number): void {
    if (count === 0) return;
    throw new InputError(
      `${this.#folder}, tensor ${name}: ${count} of its ${of} numbers are NaN or infinite: the model is damaged, or was when it was saved.`,
    );
  }

  #equal(name: string, other: string): boolean {
    const [a, b] = [this.tensors.get(name)!.stored!, this.tensors.get(other)!.stored!];
    const same = a.dtype === b.dtype && Buffer.from(a.bytes.buffer, a.bytes.byteOffset, a.bytes.length).equals(b.bytes);
    this.#files.get(name)!.release(a.bytes);
    this.#files.get(other)!.release(b.bytes);
    return same;
  }
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
