// The safetensors files of a model folder: one, or several with an index that says which tensor lies in which.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { exists } from "./atomic.ts";
import { pickleRefusal, readSafetensors, type SafetensorsFile } from "./safetensors.ts";

export const weightsFile = "model.safetensors";
export const indexFile = "model.safetensors.index.json";

/** The name of one of several files, as Transformers gives it; `number` begins at 1. */
export const shardName = (number: number, count: number): string =>
  `model-${String(number).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.safetensors`;
export const isShardName = (name: string): boolean => /^model-\d{5}-of-\d{5}\.safetensors$/.test(name);

/** Far more than any model has, and few enough to be open together. */
const mostShards = 10_000;
const longestJson = 1 << 26;

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** The JSON of a file, checked by `schema`; `undefined` where there is no such file. Throws InputError where it is not that. */
export async function readJson<T>(path: string, schema: z.ZodType<T>, reviver?: Reviver): Promise<T | undefined> {
  try {
    const { size } = await stat(path);
    if (size > longestJson) throw new Error(`it holds ${size} bytes, more than the ${longestJson} that are read`);
    return schema.parse(JSON.parse(await readFile(path, "utf8"), reviver as Parameters<typeof JSON.parse>[1]));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const reason = issue ? [...issue.path, issue.message].join(": ") : (cause as Error).message.replaceAll(/\s+/g, " ");
    throw new InputError(`${path} is not the JSON that was expected: ${reason}.`, { cause });
  }
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Keeps numbers as they are spelled, for JSON that is to be written again: Python's libraries tell 2.0 from 2. */
export const asSpelled: Reviver = (_, value, { source }) =>
  typeof value === "number" ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source!) : value;

/**
 * Opens the files of weights in a folder and says which of them holds which tensor. All of them are opened or none.
 *
 * @throws InputError where there are none, one is missing or broken, the index does not fit them or names a file outside the
 * folder, or they are pickles. (A file may be a link that leads elsewhere, as all are in the hub's cache.)
 */
export async function openWeightFiles(folder: string): Promise<Map<string, SafetensorsFile>> {
  if (await exists(join(folder, weightsFile))) {
    const file = await readSafetensors(join(folder, weightsFile));
    return new Map(Array.from(file.tensors.keys(), (name) => [name, file]));
  }
  const indexPath = join(folder, indexFile);
  const index = await readJson(indexPath, indexSchema);
  const present = new Set(await readdir(folder));
  if (!index) {
    const pickle = [...present].find(
      (name) => /^pytorch_model.*\.bin(\.index\.json)?$/.test(name) || /\.(pth?|ckpt)$/.test(name),
    );
    if (pickle) throw new InputError(pickleRefusal(join(folder, pickle.replace(/\.index\.json$/, ""))));
    throw new InputError(`${folder} holds no weights: expected ${weightsFile} or ${indexFile} in it.`);
  }
  const places = Object.entries(index.weight_map);
  for (const [name, shard] of places) {
    if (/[\\/]/.test(shard) || !shard.endsWith(".safetensors")) {
      throw new InputError(`${indexPath}: tensor ${name} should lie in a .safetensors file beside it, not in ${shard}.`);
    }
    if (!present.has(shard)) {
      throw new InputError(
        `${indexPath}: tensor ${name} should lie in ${shard}, which is not there: fetch or save the model again.`,
      );
    }
  }
  const names = [...new Set(places.map(([, shard]) => shard))];
  if (names.length > mostShards) {
    throw new InputError(`${indexPath} names ${names.length} files, more than the ${mostShards} that are opened.`);
  }
  const shards = new Map<string, SafetensorsFile>();
  try {
    for (const name of names) shards.set(name, await readSafetensors(join(folder, name)));
    // A tensor that the index does not know is there all the same, for whoever asks what a file holds that a model does not use.
    const found = new Map([...shards.values()].flatMap((file) => Array.from(file.tensors.keys(), (name) => [name, file])));
    for (const [name, shard] of places) {
      const file = shards.get(shard)!;
      if (!file.tensors.has(name)) {
        throw new InputError(
          `${join(folder, shard)} lacks the tensor ${name}, which ${indexFile} says lies in it: fetch or save the model again.`,
        );
      }
      found.set(name, file);
    }
    return found;
  } catch (error) {
    for (const file of shards.values()) file.close();
    throw error;
  }
}
