// Exports a model folder as one GGUF file, which llama.cpp and all that builds on it run.
import { loadModelFolder, type ModelFolder } from "../checkpoint/index.ts";
import { architectureOf } from "./gguf-architectures.ts";
import { type GgufTensor, type Metadata, writeGgufFile } from "./gguf-file.ts";
import { tensorsFor } from "./gguf-tensors.ts";
import { tokenizerMetadata } from "./gguf-tokenizer.ts";

/** How matrices are held; vectors stay in 32 bits. Both quantised types hold blocks of 32 numbers with a scale. */
export const ggufFileTypes = ["f32", "f16", "q8_0", "q4_0"] as const;
export type GgufFileType = (typeof ggufFileTypes)[number];

export interface GgufOptions {
  readonly type: GgufFileType;
  /** `general.name`; left out of the file where not given. */
  readonly name?: string;
  /** Called about a thousand times, with the bytes of weights that are written and of all of them. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface GgufReport {
  /** Where llama.cpp will do something else than the model: sentences for people. */
  readonly notes: readonly string[];
}

/** `general.file_type`: what most of the numbers are. */
const fileTypeCodes: Readonly<Record<GgufFileType, number>> = { f32: 0, f16: 1, q4_0: 2, q8_0: 7 };

/**
 * Writes a Hugging Face model folder, weights, configuration, tokenizer and chat template, as a GGUF file (version 3). The file
 * appears whole or not at all; about one tensor is in memory at a time.
 *
 * A matrix whose rows are no multiple of 32 long is held as f16 in a quantised file.
 *
 * @param model the folder, or its path
 * @throws InputError where the model is of a type that cannot be exported (see {@link ggufTypes}), its files are damaged or
 *   contradict each other, or the disk refuses
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function writeGguf(model: string | ModelFolder, path: string, options: GgufOptions): Promise<GgufReport> {
  if (typeof model === "string") {
    using folder = await loadModelFolder(model);
    return await writeGguf(folder, path, options);
  }
  const { type, name, onProgress } = options;
  const architecture = architectureOf(model);
  const tokenizer = await tokenizerMetadata(model, architecture.vocabulary);
  const general: Metadata = new Map([
    ["general.architecture", ["string", architecture.name]],
    ["general.type", ["string", "model"]],
    ...(name ? [["general.name", ["string", name]] as const] : []),
    ["general.file_type", ["uint32", fileTypeCodes[type]]],
    ["general.quantization_version", ["uint32", 2]],
  ]);
  const computed = Array.from(
    architecture.computed,
    ([name, data]): GgufTensor => ({
      name,
      shape: [data.length],
      type: "f32",
      open: () => (row, into) => into.set(data.subarray(row, row + 1)),
    }),
  );
  await writeGgufFile(
    path,
    new Map([...general, ...architecture.hyperparameters, ...tokenizer.metadata]),
    [...computed, ...tensorsFor(model, architecture.tensors, type)],
    onProgress,
  );
  return { notes: [...architecture.notes, ...tokenizer.notes] };
}
