// Weights that the runtime reads from the checkpoint's files give the same predictions as arrays of the same numbers.
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadModelFolder, type SavedTensor, saveModelFolder } from "../checkpoint/index.ts";
import { gptConfigFrom } from "../models/index.ts";
import { Random } from "../runtime/index.ts";
import { nextToken, parametersOf } from "../train/index.ts";
import { Decoder } from "./decoder.ts";

const root = mkdtempSync(join(tmpdir(), "slovo-stored-"));
afterAll(() => rmSync(root, { recursive: true }));

const configs = {
  llama: {
    model_type: "llama",
    vocab_size: 50,
    max_position_embeddings: 32,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    tie_word_embeddings: true,
  },
  gpt2: { model_type: "gpt2", vocab_size: 50, n_positions: 32, n_embd: 16, n_layer: 2, n_head: 2, tie_word_embeddings: true },
};

/** Random weights, in a type of two bytes cut to it. */
function randomWeights(config: object, dtype: "F32" | "F16" | "BF16"): Map<string, SavedTensor> {
  const random = new Random(1);
  return new Map(
    parametersOf(nextToken(gptConfigFrom(config), { rows: 1, length: 8, packed: true })).map(({ name, shape }) => {
      const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * random.normal());
      const bytes =
        dtype === "F32"
          ? new Uint8Array(numbers.buffer)
          : dtype === "F16"
            ? new Uint8Array(new Float16Array(numbers).buffer)
            : new Uint8Array(Uint16Array.from(new Uint32Array(numbers.buffer), (bits) => bits >>> 16).buffer);
      return [name, { dtype: "other", shape, data: bytes, stored: { dtype, bytes } }];
    }),
  );
}

/** Logits after a prompt and one more token. */
async function logits(folder: string, stored: boolean): Promise<number[]> {
  using files = await loadModelFolder(folder);
  const arrays: string[] = [];
  const decoder = await Decoder.create({
    config: gptConfigFrom(files.config),
    weights: (name, shape) => {
      arrays.push(name);
      return files.weight(name, shape).data;
    },
    stored: stored ? (name, shape) => files.stored(name, shape) : undefined,
  });
  expect(arrays.length === 0).toBe(stored);
  await decoder.extend(0, [[3, 1, 4, 1, 5]]);
  const predictions = [...(await decoder.decode([9])).logits];
  decoder.release();
  return predictions;
}

test.each(
  Object.keys(configs).flatMap((kind) =>
    (["F32", "F16", "BF16"] as const).map((dtype) => [kind as keyof typeof configs, dtype] as const),
  ),
)("%s in %s", async (kind, dtype) => {
  const folder = join(root, `${kind}-${dtype}`);
  await saveModelFolder(folder, { config: configs[kind], weights: randomWeights(configs[kind], dtype), shardBytes: 4000 });
  expect(readdirSync(folder).length).toBeGreaterThan(4);
  const expected = await logits(folder, false);
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
  const direct = await logits(folder, true);
  for (const [i, logit] of direct.entries()) expect(logit).toBeCloseTo(expected[i]!, 4);

  // As the hub's cache keeps them: every file a link to another folder.
  mkdirSync(join(folder, "blobs"));
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".safetensors"))) {
    renameSync(join(folder, name), join(folder, "blobs", `blob-of-${name}`));
    symlinkSync(join("blobs", `blob-of-${name}`), join(folder, name));
  }
  expect(await logits(folder, true)).toEqual(direct);
});
