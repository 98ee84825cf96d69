import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import { readLlama2c } from "./llama2c.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-llama2c-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "model.bin");

/** A model of width 8, 2 heads of 4 and one key-value head, whose numbers count up from 0 in the order of the file. */
function write({
  vocabulary = 3,
  cut = 0,
  header = [8, 6, 2, 2, 1, vocabulary, 5],
}: {
  vocabulary?: number;
  cut?: number;
  header?: number[];
} = {}) {
  const [width, hidden, layers, context] = [8, 6, 2, 5];
  const perLayer = 2 * width + 2 * width * width + 2 * width * 4 + 3 * width * hidden;
  const table = Math.abs(vocabulary) * width;
  const count = table + layers * perLayer + width + context * 4 + (vocabulary < 0 ? table : 0);
  const numbers = Float32Array.from({ length: count }, (_, i) => i);
  writeFileSync(
    path,
    Buffer.concat([Buffer.from(Int32Array.from(header).buffer), Buffer.from(numbers.buffer)]).subarray(0, cut || undefined),
  );
  return count;
}

test("weights are where the format has them, and rotated pairs become halves", () => {
  write();
  const { config, weights } = readLlama2c(path);
  expect(config).toMatchObject({
    model_type: "llama",
    vocab_size: 3,
    hidden_size: 8,
    intermediate_size: 6,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 5,
    tie_word_embeddings: true,
  });
  const first = (name: string) => weights.get(name)!.data[0];
  expect(weights.size).toBe(2 + 2 * 9);
  expect(first("model.embed_tokens.weight")).toBe(0);
  expect(first("model.layers.0.input_layernorm.weight")).toBe(24);
  expect(first("model.layers.1.input_layernorm.weight")).toBe(32);
  // Rows 0 to 7 of the file's query matrix begin at 40, 48, …; each head of four keeps its first row, then takes its third.
  const query = weights.get("model.layers.0.self_attn.q_proj.weight")!;
  expect(query.shape).toEqual([8, 8]);
  expect(Array.from({ length: 8 }, (_, row) => (query.data[8 * row]! - 40) / 8)).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
  const key = weights.get("model.layers.1.self_attn.k_proj.weight")!;
  expect(Array.from({ length: 4 }, (_, row) => (key.data[8 * row]! - key.data[0]!) / 8)).toEqual([0, 2, 1, 3]);
  expect(weights.get("model.layers.0.self_attn.v_proj.weight")!.data[8]).toBe(
    first("model.layers.0.self_attn.v_proj.weight")! + 8,
  );
  expect(weights.get("model.layers.0.mlp.down_proj.weight")!.shape).toEqual([8, 6]);
  expect(first("model.layers.0.mlp.down_proj.weight")).toBe(first("model.layers.0.mlp.gate_proj.weight")! + 96);
});

test("an output layer of its own is the last of the file", () => {
  const count = write({ vocabulary: -3 });
  const { config, weights } = readLlama2c(path);
  expect(config).toMatchObject({ tie_word_embeddings: false, vocab_size: 3 });
  expect(weights.get("lm_head.weight")!.data.at(-1)).toBe(count - 1);
});

test.each<[string, () => void, RegExp]>([
  ["a file cut off", () => write({ cut: 1000 }), /takes \d+ bytes, but the file holds 1000/],
  ["nothing but a beginning", () => write({ cut: 20 }), /is not a llama2\.c model: it holds 20 bytes/],
  ["another file", () => writeFileSync(path, "some text that is much longer than the header"), /its first seven numbers/],
  ["heads that do not divide the width", () => write({ header: [8, 6, 2, 3, 1, 3, 5] }), /its first seven numbers \(8, 6, 2, 3/],
  ["sizes beyond the file", () => write({ header: [8192, 6, 2, 2, 1, 3, 5] }), /but the file holds/],
  [
    "a later format",
    () => writeFileSync(path, Buffer.from(Int32Array.from([0x616b3432, 1, 8, 6, 2, 2, 1, 3]).buffer)),
    /--version 0/,
  ],
])("%s is refused", (_, make, message) => {
  make();
  expect(() => readLlama2c(path)).toThrow(InputError);
  expect(() => readLlama2c(path)).toThrow(message);
});

const stories = resolve(import.meta.dirname, "../../../shared/models/stories260K/stories260K.bin");
test.skipIf(!existsSync(stories))("stories260K is read whole (needs ../shared/models/stories260K)", () => {
  const { config, weights } = readLlama2c(stories);
  expect(config).toMatchObject({ hidden_size: 64, num_hidden_layers: 5, num_key_value_heads: 4, vocab_size: 512 });
  expect(weights.get("model.layers.4.mlp.up_proj.weight")!.data.every(Number.isFinite)).toBe(true);
});
