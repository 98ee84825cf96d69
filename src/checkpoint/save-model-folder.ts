// Writes a model as a Hugging Face folder: its configuration, and its weights in one safetensors file or in several with an index.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "./atomic.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { SavedTensor } from "./saved-tensor.ts";
import { indexFile, isShardName, shardName, weightsFile } from "./weight-files.ts";

/** A float32 weight, row-major. */
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
  /**
   * By their Hugging Face names; of tied weights, one. Tensors of an opened folder keep their element type and their bytes.
   */
  readonly weights: ReadonlyMap<string, Weight | SavedTensor>;
  /** The most bytes of tensors in one file; 5 GB when left out, as in Transformers. A larger tensor gets a file of its own. */
  readonly shardBytes?: number;
}

const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`;

const byteLength = (tensor: SavedTensor): number => tensor.stored?.bytes.length ?? tensor.data.byteLength;

/** Divides tensors, in their order, into groups of at most `most` bytes. */
function intoShards(tensors: ReadonlyMap<string, SavedTensor>, most: number): Map<string, SavedTensor>[] {
  let shard = new Map<string, SavedTensor>();
  const shards = [shard];
  let size = 0;
  for (const [name, tensor] of tensors) {
    const bytes = byteLength(tensor);
    if (shard.size > 0 && size + bytes > most) {
      shard = new Map();
      shards.push(shard);
      size = 0;
    }
    shard.set(name, tensor);
    size += bytes;
  }
  return shards;
}

/** Writes the files of weights and removes those of an older save. */
async function saveWeights(folder: string, tensors: ReadonlyMap<string, SavedTensor>, shardBytes: number): Promise<void> {
  const shards = intoShards(tensors, shardBytes);
  const names = shards.length === 1 ? [weightsFile] : shards.map((_, i) => shardName(i + 1, shards.length));
  const old = (await readdir(folder).catch(() => [])).filter(
    (name) => name === weightsFile || name === indexFile || isShardName(name),
  );
  // Where files of the same names are replaced one by one, a kill between them must not leave an index over a mixture of both.
  if (shards.length > 1 && names.some((name) => old.includes(name))) await rm(join(folder, indexFile), { force: true });
  for (const [i, shard] of shards.entries()) await writeSafetensors(join(folder, names[i]!), shard);
  if (shards.length > 1) {
    const total_size = [...tensors.values()].reduce((sum, tensor) => sum + byteLength(tensor), 0);
    const weight_map = Object.fromEntries(shards.flatMap((shard, i) => Array.from(shard.keys(), (name) => [name, names[i]!])));
    await writeFileAtomically(join(folder, indexFile), json({ metadata: { total_size }, weight_map }));
    names.push(indexFile);
  }
  // The index first: without it, what is left of its files is not looked at.
  for (const name of old.sort((a, b) => Number(b === indexFile) - Number(a === indexFile))) {
    if (!names.includes(name)) await rm(join(folder, name), { force: true });
  }
}

/**
 * Writes the model's files of a folder that Transformers opens; the tokenizer saves its own beside them. Each file is replaced
 * whole, and the files of an older save go when the new ones are there. A kill while several files replace files of the same
 * names leaves a folder that says it has no weights, never a mixture; for a folder that appears whole or not at all, call this inside
 * `writeFolderAtomically`.
 *
 * @throws InputError where the disk refuses.
 */
export async function saveModelFolder(folder: string, contents: ModelFolderContents): Promise<void> {
  const { config, generationConfig, weights, shardBytes = 5e9 } = contents;
  const tensors = new Map<string, SavedTensor>();
  for (const [name, weight] of weights) {
    tensors.set(name, "dtype" in weight ? weight : { dtype: "float32", shape: weight.shape, data: weight.data });
  }
  await saveWeights(folder, tensors, shardBytes);
  if (generationConfig) await writeFileAtomically(join(folder, "generation_config.json"), json(generationConfig));
  await writeFileAtomically(join(folder, "config.json"), json(config));
}
