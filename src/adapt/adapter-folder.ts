// An adapter on the disk: a PEFT folder, `adapter_config.json` and `adapter_model.safetensors`, read and written.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, type SavedTensor, type Weight, writeFileAtomically, writeSafetensors } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { chatTemplateFile } from "../tokenizer/index.ts";
import { type AdapterConfig, adapterConfigFrom, methodOf } from "./adapter.ts";

const adapterWeightsFile = "adapter_model.safetensors";
const adapterConfigFile = "adapter_config.json";

/** What goes before the names of weights in PEFT's files. */
const usualPrefix = "base_model.model.";

export interface AdapterContents {
  readonly config: AdapterConfig;
  /** The folder or name of the base model, for those who load the adapter. */
  readonly base: string;
  /** By their names in the scope. */
  readonly weights: ReadonlyMap<string, Weight>;
  /** The chat template that it was trained with, where it is not the base's. */
  readonly chatTemplate?: string;
}

/** An adapter as it was read from its folder; `base` is empty where it does not say what it is for. */
export interface AdapterFolder extends AdapterContents {
  readonly path: string;
}

/** Writes an adapter as PEFT does. Throws InputError where the disk refuses. */
export async function saveAdapter(folder: string, { config, base, weights, chatTemplate }: AdapterContents): Promise<void> {
  const { peftType, filePrefix = usualPrefix, write } = methodOf(config);
  const tensors = new Map(
    Array.from(weights, ([name, { shape, data }]) => [
      filePrefix + fileName(name, weights),
      { dtype: "float32" as const, shape, data },
    ]),
  );
  await writeSafetensors(join(folder, adapterWeightsFile), tensors);
  const json = { peft_type: peftType, base_model_name_or_path: base, ...write(config) };
  await writeFileAtomically(join(folder, adapterConfigFile), `${JSON.stringify(json, undefined, 2)}\n`);
  if (chatTemplate !== undefined) await writeFileAtomically(join(folder, chatTemplateFile), chatTemplate);
}

/** In PEFT a layer with LoRA holds the base's layer in it, and with it the bias. */
function fileName(name: string, weights: ReadonlyMap<string, Weight>): string {
  const path = name.replace(/\.bias$/, "");
  return path !== name && weights.has(`${path}.lora_A.weight`) ? `${path}.base_layer.bias` : name;
}

/** What a tensor of a PEFT file is called in the scope; older files also have the adapter's own name in it. */
function scopeName(stored: string, prefix: string): string {
  const bare = [prefix, "base_model.model.", "base_model."].find((start) => stored.startsWith(start)) ?? "";
  return stored
    .slice(bare.length)
    .replace(/\.(lora_[AB])\.[^.]+\.(weight|bias)$/, ".$1.$2")
    .replace(/\.(lora_embedding_[AB]|ia3_l|lora_magnitude_vector)\..+$/, ".$1")
    .replace(/\.modules_to_save(\.default)?\./, ".")
    .replace(/\.base_layer\./, ".");
}

/**
 * Reads an adapter folder. Whether it fits a base is seen when it meets one (`fitAdapter`).
 *
 * @throws InputError where files are missing or broken, the method is unknown, its settings ask for what slovo does not do, or a weight
 *   is not a finite number of floating point
 */
export async function loadAdapter(path: string): Promise<AdapterFolder> {
  const where = join(path, adapterConfigFile);
  const json = await readConfig(path, where);
  const config = adapterConfigFrom(json, where);
  await expectWeights(path);
  const { filePrefix = usualPrefix } = methodOf(config);
  using file = await readSafetensors(join(path, adapterWeightsFile));
  const weights = new Map<string, Weight>();
  for (const [name, tensor] of file.tensors) {
    // Old files hold a kept module's beginning too.
    if (!name.includes(".original_module.")) weights.set(scopeName(name, filePrefix), floats(tensor, name, path));
  }
  const chatTemplate = await readFile(join(path, chatTemplateFile), "utf8").catch(() => undefined);
  const base = typeof json.base_model_name_or_path === "string" ? json.base_model_name_or_path : "";
  return { path, config, base, weights, chatTemplate };
}

async function readConfig(path: string, where: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(where, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const has = async (...names: string[]) => (await stat(join(path, ...names)).catch(() => undefined)) !== undefined;
    if (code === "ENOENT" && !(await has()))
      throw new InputError(`there is no folder ${path}: expected that of an adapter, with ${adapterConfigFile}.`);
    const reason = code === "ENOENT" ? `it has no ${adapterConfigFile}` : code === "ENOTDIR" ? "it is a file" : message;
    const hint = (await has("config.json"))
      ? ", but a config.json: a model folder goes to --model"
      : (await has("adapter", adapterConfigFile))
        ? `; the adapter of this run is ${join(path, "adapter")}`
        : "";
    throw new InputError(`${path} is not an adapter folder: ${reason}${hint}.`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${where} is not valid JSON: ${(cause as Error).message.replaceAll(/\s+/g, " ")}.`, { cause });
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw new InputError(`${where} must be an object with the fields of a PEFT adapter, got ${text.slice(0, 40)}.`);
}

async function expectWeights(path: string): Promise<void> {
  const has = async (name: string) => (await stat(join(path, name)).catch(() => undefined)) !== undefined;
  if (await has(adapterWeightsFile)) return;
  if (await has("adapter_model.bin"))
    throw new InputError(
      `${join(path, "adapter_model.bin")} is a pickle, which can run any code and is not opened: save the adapter again with Python PEFT, whose save_pretrained writes ${adapterWeightsFile}.`,
    );
  throw new InputError(`${path} holds no weights: expected ${adapterWeightsFile} beside ${adapterConfigFile}.`);
}

/** A copy of a stored tensor, as float32. */
function floats(tensor: SavedTensor, name: string, path: string): Weight {
  if (tensor.dtype !== "float32") {
    const got = tensor.stored?.dtype ?? tensor.dtype;
    throw new InputError(`${path}, tensor ${name}: a weight is F32, F16 or BF16, got ${got}: convert it to one of them.`);
  }
  const data = tensor.data.slice();
  const wrong = data.reduce((count, x) => count + (Number.isFinite(x) ? 0 : 1), 0);
  if (wrong === 0) return { shape: tensor.shape, data };
  throw new InputError(
    `${path}, tensor ${name}: ${wrong} of its ${data.length} numbers are NaN or infinite: the adapter is damaged, or was when it was saved.`,
  );
}
