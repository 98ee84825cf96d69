// Exports a model folder as ONNX in the layout that transformers.js opens, in Node and in browsers.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type LoadedEmbedder,
  loadModelFolder,
  type ModelFolder,
  readSentenceEmbedder,
  writeFolderAtomically,
} from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { toOnnx } from "../graph/index.ts";
import { familyOf } from "../models/index.ts";
import { Params } from "../nn/index.ts";
import { checkRows, loadTokenizer } from "../tokenizer/index.ts";
import { weightBytes, writeOnnxFile } from "./onnx-file.ts";
import { onnxGraphs } from "./onnx-graphs.ts";
import { OnnxLinears } from "./onnx-linears.ts";

/** How matrices are held; embeddings stay in float32. */
export const onnxPrecisions = ["f32", "int8", "int4"] as const;
export type OnnxPrecision = (typeof onnxPrecisions)[number];

/** What the names of a precision's files end in, and what transformers.js calls it (`dtype`). */
const variants = {
  f32: { suffix: "", dtype: "fp32", bits: undefined },
  int8: { suffix: "_quantized", dtype: "q8", bits: 8 },
  int4: { suffix: "_q4", dtype: "q4", bits: 4 },
} as const;

export interface OnnxExportOptions {
  /** One or several; all lie in one folder, and transformers.js fetches the one that is asked for. "f32" when left out. */
  readonly precisions?: readonly OnnxPrecision[];
  /** The most bytes of weights in one file; 1.8 GB when left out, since a protobuf message ends at 2 GB, as arrays do in browsers. */
  readonly fileBytes?: number;
  /** Called now and then with the bytes of weights that are written and of all of them. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface OnnxReport {
  /** How to run the model with transformers.js, and what is missing: sentences for people. */
  readonly notes: readonly string[];
}

/** All that an export may consist of: a folder with anything else in it is not replaced. */
const ownFiles = ["onnx", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"];

/**
 * Writes a Hugging Face model folder as an ONNX folder: configuration, tokenizer with its chat template, and `onnx/` with a graph for each
 * precision. It appears whole or not at all; an older export is replaced. One weight is in memory at a time.
 *
 * - encoders: `input_ids`, `attention_mask` (and `token_type_ids`) → `logits`, `start_logits` and `end_logits`, or `last_hidden_state`
 * - decoders: `input_ids`, `attention_mask`, `position_ids`, `num_logits_to_keep` (0 for all), `past_key_values.N.key` and `.value` →
 *   `logits`, `present.N.key` and `.value`
 * - encoder–decoders: `encoder_model`, and `decoder_model_merged`, whose `present.N.encoder.*` are the source's at the first call
 *   (`use_cache_branch` false) and empty later
 *
 * @throws InputError where the model is damaged, transformers.js has no class for it, `out` holds something else, or the disk refuses
 */
export async function writeOnnx(model: string, out: string, options: OnnxExportOptions = {}): Promise<OnnxReport> {
  const { fileBytes = 1.8e9, onProgress } = options;
  const precisions = [...new Set<OnnxPrecision>(options.precisions ?? ["f32"])];
  const embedder = await readSentenceEmbedder(model);
  using folder = await loadModelFolder(join(model, embedder?.modelPath ?? ""));
  await checkPlace(folder, out);
  const graphs = onnxGraphs(folder.config, join(folder.path, "config.json"));
  const files = precisions.flatMap((precision) =>
    graphs.map(({ name, build }) => {
      const { suffix, bits } = variants[precision];
      const linears = new OnnxLinears(bits);
      const graph = toOnnx(build(new Params([{ linear: linears.rule }]), linears), { name, parameters: "external" });
      return { name: `${name}${suffix}.onnx`, graph, linears };
    }),
  );
  const total = files.reduce((sum, { graph }) => sum + weightBytes(graph), 0);
  const tokenizer = await loadTokenizer(folder.path);
  const { vocab_size: rows } = folder.config as { vocab_size: number };
  checkRows(tokenizer, rows, model);
  // transformers.js reads a decoder's rows at their ends.
  if (familyOf(folder.config) === "gpt") Object.assign(tokenizer.config, { padding_side: "left" });
  await writeFolderAtomically(out, async (made) => {
    await mkdir(join(made, "onnx"));
    const beside: Record<string, number> = {};
    let done = 0;
    for (const { name, graph, linears } of files) {
      beside[name] = await writeOnnxFile(join(made, "onnx", name), graph, {
        data: (parameter) => linears.data(parameter, (weight, shape) => folder.weight(weight, shape).data),
        most: fileBytes,
        onBytes: (count) => {
          done += count;
          onProgress?.(done, total);
        },
      });
    }
    await writeJson(join(made, "config.json"), configFor(folder, precisions, beside));
    await writeJson(join(made, "generation_config.json"), generationConfigOf(folder));
    await tokenizer.save(made);
  });
  return { notes: embedder ? embedderNotes(embedder) : [] };
}

/** How transformers.js makes the vectors that sentence-transformers makes: it reads none of its files. */
function embedderNotes({ pooling, steps, prompts = {} }: LoadedEmbedder): string[] {
  const names = { mean: "mean", cls: "cls", lasttoken: "last_token" } as const;
  const normalize = steps.at(-1)?.kind === "normalise";
  const notes = [
    `In transformers.js, vectors come from pipeline("feature-extraction") with ${JSON.stringify({ pooling: names[pooling], normalize })}.`,
  ];
  if (steps.some(({ kind }) => kind === "dense"))
    notes.push("The vectors lack the model's dense layers, which transformers.js does not have.");
  if (Object.keys(prompts).length > 0) notes.push(`Put the model's prompts before texts yourself: ${JSON.stringify(prompts)}.`);
  return notes;
}

/** Throws InputError where `out` is the model itself, or holds what is not of an export. */
async function checkPlace({ path }: ModelFolder, out: string): Promise<void> {
  if (resolve(path) === resolve(out)) {
    throw new InputError(`The export would replace the model that it reads, ${path}: choose another folder.`);
  }
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw new InputError(`${out} is not a folder that an export can be written to (${error.code}): choose another path.`);
  });
  const foreign = entries.includes("onnx") ? entries.find((entry) => !ownFiles.includes(entry)) : entries[0];
  if (foreign === undefined) return;
  throw new InputError(`${out} holds ${foreign} and is no older export, which this one would replace: choose another folder.`);
}

/** The model's configuration, and what transformers.js needs to know besides. */
function configFor(
  { config }: ModelFolder,
  precisions: readonly OnnxPrecision[],
  beside: Readonly<Record<string, number>>,
): object {
  const external = Object.fromEntries(Object.entries(beside).filter(([, count]) => count > 0));
  return {
    ...config,
    // What files may leave out, because Transformers knows it.
    ...(familyOf(config) === "t5" && {
      is_encoder_decoder: true,
      num_decoder_layers: config.num_decoder_layers ?? config.num_layers,
    }),
    "transformers.js_config": {
      // Unless told, it takes q8 in WebAssembly and fp32 elsewhere.
      ...(!(precisions.includes("f32") && precisions.includes("int8")) && { dtype: variants[precisions[0]!].dtype }),
      ...(Object.keys(external).length > 0 && { use_external_data_format: external }),
    },
  };
}

/** The folder's own, or else what its configuration says about tokens. */
function generationConfigOf({ config, generationConfig }: ModelFolder): object {
  if (generationConfig) return generationConfig;
  const tokens = Object.entries(config).filter(([key, value]) => key.endsWith("_token_id") && value != null);
  return { _from_model_config: true, ...Object.fromEntries(tokens) };
}

function writeJson(path: string, value: object): Promise<void> {
  return writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
