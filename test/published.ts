// Models as they are published on the hub, in small: their own files and tensor names, from `fixtures/published`, with random weights.
import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { writeSafetensors } from "../src/checkpoint/safetensors.ts";
import type { SavedTensor } from "../src/checkpoint/saved-tensor.ts";
import { indexFile, shardName, weightsFile } from "../src/checkpoint/weight-files.ts";
import { Random } from "../src/runtime/index.ts";
import { publishedTokenizers } from "./published-tokenizers.ts";

const json = z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]);
const number = z.bigint().transform(Number);
const modelSchema = z
  .object({
    does: z.enum(["fill-mask", "classify", "embed", "score", "rewrite", "continue"]),
    tokenizer: z.string(),
    /** Tokens that end a text. */
    ends: z.array(number).optional(),
    /** How many files hold the weights. */
    shards: number.default(1),
    /** Tensors that have the numbers of another. */
    same: z.record(z.string(), z.string()).default({}),
    tensors: z.record(z.string(), z.array(z.union([z.string(), number]))),
  })
  .catchall(json);
export type PublishedModel = z.infer<typeof modelSchema>;

/** What the models read. */
export const publishedTexts = ["the cat sleeps by the river.", "the cat"] as const;

/** What `expect.py` prints of each model: token ids with their probabilities, vectors, or scores, of `publishedTexts`. */
export const expectedNumbers: Readonly<Record<string, readonly number[]>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "fixtures/published/expected.json"), "utf8"),
);

/** The models of `bert.yaml`, `t5.yaml` and `gpt.yaml` by their names on the hub. */
export async function publishedModels(): Promise<Map<string, PublishedModel>> {
  const folder = join(import.meta.dirname, "fixtures/published");
  const texts = await Promise.all(["bert", "t5", "gpt"].map((name) => readFile(join(folder, `${name}.yaml`), "utf8")));
  const all = texts.flatMap((text) => Object.entries(parse(text, { merge: true, intAsBigInt: true }) as Record<string, unknown>));
  // What begins with a dot is shared by others.
  return new Map(all.filter(([name]) => !name.startsWith(".")).map(([name, model]) => [name, modelSchema.parse(model)]));
}

/** Whole numbers are read as such, so that 2.0 stays what it is: Python's libraries tell it from 2. */
function asWritten(_: string, value: unknown): unknown {
  const raw = (text: string) => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
  if (typeof value === "bigint") return raw(String(value));
  return typeof value === "number" && Number.isInteger(value) ? raw(value.toFixed(1)) : value;
}

/** Writes a model's folder. The same model is written the same each time. */
export async function writePublished(folder: string, model: PublishedModel): Promise<void> {
  const write = async (file: string, content: object | string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    const raw = typeof content === "string" || content instanceof Uint8Array;
    await writeFile(join(folder, file), raw ? content : JSON.stringify(content));
  };
  const files = Object.entries(model).filter(([name]) => name.endsWith(".json"));
  for (const [file, content] of files) await write(file, JSON.stringify(content, asWritten));
  for (const [file, content] of Object.entries(publishedTokenizers[model.tokenizer]!)) await write(file, content);

  const tensors = tensorsOf(model);
  if (model.shards === 1) return writeSafetensors(join(folder, weightsFile), tensors);
  const shards = Array.from({ length: model.shards }, () => new Map<string, SavedTensor>());
  const weight_map: Record<string, string> = {};
  for (const [i, [name, tensor]] of [...tensors].entries()) {
    shards[i % shards.length]!.set(name, tensor);
    weight_map[name] = shardName((i % shards.length) + 1, shards.length);
  }
  for (const [i, shard] of shards.entries()) await writeSafetensors(join(folder, shardName(i + 1, shards.length)), shard);
  await write(indexFile, { metadata: { total_size: 0 }, weight_map });
}

/** What `a.{b,c}` stands for. */
function expand(name: string): string[] {
  const [, before, choices, after] = /^(.*?)\{(.*?)\}(.*)$/.exec(name) ?? [];
  return choices === undefined ? [name] : choices.split(",").flatMap((choice) => expand(before + choice + after));
}

function tensorsOf({ tensors, same }: PublishedModel): Map<string, SavedTensor> {
  const made = new Map<string, SavedTensor>();
  for (const [names, sizes] of Object.entries(tensors)) {
    const [dtype, shape] = typeof sizes[0] === "string" ? [sizes[0], sizes.slice(1)] : ["F32", sizes];
    for (const name of expand(names)) made.set(name, tensor(name, dtype, shape as number[]));
  }
  // Checkpoints keep an embedding under each of its names.
  const copies = { ...same };
  for (const side of ["encoder", "decoder"])
    if (made.has(`${side}.embed_tokens.weight`)) copies[`${side}.embed_tokens.weight`] = "shared.weight";
  for (const tied of ["cls.predictions.decoder", "lm_head.decoder", "decoder"]) {
    const table = [...made.keys()].find((name) => /(word|tok)_embeddings\.weight$/.test(name));
    if (table && made.has(`${tied}.weight`)) copies[`${tied}.weight`] = table;
    const bias = tied.replace(/\.decoder$/, ".bias");
    if (bias !== tied && made.has(`${tied}.bias`)) copies[`${tied}.bias`] = bias;
  }
  if (made.has("transformer.wte.weight") && made.has("lm_head.weight")) copies["lm_head.weight"] = "transformer.wte.weight";
  for (const [copy, original] of Object.entries(copies)) made.set(copy, made.get(original)!);
  return made;
}

/** Random numbers; scales of norms are about one, and buffers are what they were for. */
function tensor(name: string, dtype: string, shape: number[]): SavedTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  if (dtype === "I64") return { dtype: "int64", shape, data: BigInt64Array.from({ length }, (_, i) => BigInt(i)) };
  if (dtype === "U8") return { dtype: "uint8", shape, data: new Uint8Array(length).fill(1) };
  const random = new Random(1, name);
  const scales = shape.length === 1 && /norm|ln_|gamma/i.test(name) && !/(bias|beta)$/.test(name);
  const width = shape.length === 1 ? 0.1 : 0.3;
  const numbers = Float32Array.from({ length }, () => (scales ? 1 : 0) + width * random.normal());
  if (dtype === "F32") return { dtype: "float32", shape, data: numbers };
  const bytes = new Uint8Array(halves(numbers, dtype).buffer);
  return { dtype: "other", shape, data: bytes, stored: { dtype: dtype as "F16" | "BF16", bytes } };
}

/** Cut off, not rounded; a bfloat16 is the upper half of a float32, a float16 has its exponent in five bits. */
function halves(numbers: Float32Array, dtype: string): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(new Uint32Array(numbers.buffer), (bits) => {
    if (dtype === "BF16") return bits >>> 16;
    const exponent = ((bits >>> 23) & 0xff) - 112;
    return exponent <= 0 ? 0 : ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff);
  });
}
