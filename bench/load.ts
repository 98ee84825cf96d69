// Loading a random Llama checkpoint (1.1 B parameters) until its first token is predicted, beside Transformers: seconds, peak memory.
// Flags: --dtype bf16|f32 (bf16: how the file holds them; both sides compute in float32), --size 1b|100m|tiny (1b), --rounds N (3).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type SavedTensor, saveModelFolder } from "../src/checkpoint/index.ts";
import { InputError } from "../src/errors.ts";
import { gptConfigFrom } from "../src/models/index.ts";
import { Random } from "../src/runtime/index.ts";
import { nextToken, parametersOf } from "../src/train/index.ts";
import { alternate, type BenchmarkOptions, compare, peer, printReport, slovo } from "./measure.ts";

/** Vocabulary, width, feed-forward width, layers, heads and key-value heads. */
const sizes: Readonly<Record<string, readonly [number, number, number, number, number, number]>> = {
  "1b": [32000, 2048, 5632, 22, 32, 4],
  "100m": [32000, 768, 2048, 8, 12, 12],
  tiny: [256, 64, 128, 2, 4, 2],
};

function configOf(size: string): Record<string, unknown> {
  const numbers = sizes[size];
  if (!numbers) throw new InputError(`--size is one of ${Object.keys(sizes).join(", ")}, got ${size}.`);
  const [vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads] = numbers;
  const shape = { vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads };
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    ...shape,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
  };
}

/** Writes the checkpoint: numbers as small as weights are, every tensor its own. Returns the bytes of its weights in float32. */
async function makeCheckpoint(folder: string, size: string, dtype: "F32" | "BF16"): Promise<number> {
  const config = configOf(size);
  const specs = parametersOf(nextToken(gptConfigFrom(config), { rows: 1, length: 8, packed: true }));
  const counts = specs.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  // One stretch of numbers for all, each tensor a little further on: drawing a thousand million would take longer than the benchmark.
  const shift = 64;
  const random = new Random(0);
  const some = Float32Array.from({ length: 1 << 16 }, () => 0.02 * random.normal());
  const numbers = new Float32Array(Math.max(...counts) + shift * specs.length);
  for (let at = 0; at < numbers.length; at += some.length) numbers.set(some.subarray(0, numbers.length - at), at);
  // The upper half of a float32 is a bfloat16.
  const stretch = dtype === "F32" ? numbers : new Uint16Array(new Uint32Array(numbers.buffer).map((bits) => bits >>> 16));
  const weights = new Map<string, SavedTensor>();
  for (const [i, { name, shape }] of specs.entries()) {
    const elements = stretch.subarray(i * shift, i * shift + counts[i]!);
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
    weights.set(name, { dtype: "other", shape, data: bytes, stored: { dtype, bytes } });
  }
  await saveModelFolder(folder, { config, weights });
  return 4 * counts.reduce((a, b) => a + b, 0);
}

export async function run({ json, args }: BenchmarkOptions): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      dtype: { type: "string", default: "bf16" },
      size: { type: "string", default: "1b" },
      rounds: { type: "string", default: "3" },
    },
  });
  const dtype = { f32: "F32", bf16: "BF16" }[values.dtype] as "F32" | "BF16" | undefined;
  if (!dtype) throw new InputError(`--dtype is f32 or bf16, got ${values.dtype}.`);
  const folder = mkdtempSync(join(tmpdir(), "slovo-bench-load-"));
  try {
    const bytes = await makeCheckpoint(folder, values.size, dtype);
    console.log(`${values.size} in ${values.dtype}: ${Math.round(bytes / 2 ** 20)} MiB of weights in float32`);
    const measured = await alternate(
      { slovo: () => slovo("slovo/load.ts", [folder]), transformers: () => peer("load.py", [folder]) },
      Number(values.rounds),
    );
    printReport(compare("load", measured, ["seconds"], { lowerIsBetter: true }), json);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
