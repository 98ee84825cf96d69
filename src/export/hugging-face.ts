// Writes a model folder again as a Hugging Face folder: everything that belongs to the model, its weights as they are or narrower.
import { cp, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  expectFreeFolder,
  type ModelFolder,
  narrowFloats,
  type SavedTensor,
  saveModelFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { chatTemplateFile } from "../tokenizer/index.ts";

export const weightTypes = ["f32", "f16", "bf16"] as const;
export type WeightType = (typeof weightTypes)[number];

/** Tensors of floating point take this type; each keeps its own, byte for byte, where it is left out. */
export interface HuggingFaceOptions {
  readonly dtype?: WeightType;
  /** Takes the place of the folder's chat template. */
  readonly chatTemplate?: string;
}

/** What of an opened folder is written; its files beside the weights are copied from `path`. */
export type HuggingFaceModel = Pick<ModelFolder, "path" | "tensors" | "spelled">;

/** `dtype` of `config.json`. */
const longNames = { f32: "float32", f16: "float16", bf16: "bfloat16" } as const;
const storedNames = { f32: "F32", f16: "F16", bf16: "BF16" } as const;

/** What is written anew, and what is of other formats: the rest of a folder goes along as it is. */
const left =
  /^(config\.json|generation_config\.json|\..*)$|\.safetensors(\.index\.json)?$|\.(bin|pt|pth|ckpt|pkl|h5|msgpack|gguf|onnx)$/;
/** Folders that hold the same model in other formats. */
const otherFormats = /^(onnx|openvino|coreml|\..*)$/;

/**
 * Writes the model into the folder `out`, which should be new or empty and appears whole or not at all. Rounding is to the nearest, ties to
 * even.
 *
 * @throws InputError where the model is damaged, a number is too large for f16, `out` holds something, or the disk refuses
 */
export async function writeHuggingFace(
  model: HuggingFaceModel,
  out: string,
  { dtype, chatTemplate }: HuggingFaceOptions = {},
): Promise<void> {
  if (resolve(model.path) === resolve(out)) {
    throw new InputError(`The export would replace the model that it reads, ${model.path}: choose another folder.`);
  }
  await expectFreeFolder(out);
  const weights = new Map(
    Array.from(model.tensors, ([name, tensor]) => [name, dtype ? converted(name, tensor, dtype, model.path) : tensor]),
  );
  const { torch_dtype: _, ...config } = model.spelled.config;
  const { generationConfig } = model.spelled;
  await writeFolderAtomically(out, async (folder) => {
    for (const entry of await readdir(model.path, { withFileTypes: true })) {
      if ((entry.isDirectory() ? otherFormats : left).test(entry.name)) continue;
      await cp(join(model.path, entry.name), join(folder, entry.name), { recursive: true, dereference: true });
    }
    if (chatTemplate !== undefined) await writeFileAtomically(join(folder, chatTemplateFile), chatTemplate);
    await saveModelFolder(folder, {
      config: dtype ? { ...config, dtype: longNames[dtype] } : model.spelled.config,
      ...(generationConfig && { generationConfig }),
      weights,
    });
  });
}

/** A tensor of floating point in another type, anything else as it is. */
function converted(name: string, tensor: SavedTensor, dtype: WeightType, path: string): SavedTensor {
  const type = storedNames[dtype];
  if (tensor.dtype !== "float32" || tensor.stored?.dtype === type) return tensor;
  const { shape, data } = tensor;
  if (dtype === "f32") return { dtype: "float32", shape, data };
  return { dtype: "float32", shape, data, stored: narrowFloats(data, type, `${path}, tensor ${name}`) };
}
