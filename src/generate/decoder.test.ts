// Decoding with a cache gives what the whole sequence gives, alone and in a batch, and follows live weights.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { loadModelFolder } from "../checkpoint/index.ts";
import { input, matmul, toOnnx } from "../graph/index.ts";
import { type GptConfig, gpt, gptConfigFrom, gptHead, gptShape, type LlamaConfig } from "../models/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { argmax } from "./sampling.ts";

const common = { vocabulary: 50, context: 64, width: 32, layers: 2, heads: 4, normEpsilon: 1e-5, dropout: 0, hidden: 40 };
const llama = { ...common, kind: "llama", kvHeads: 2, headWidth: 16, rotaryBase: 10000, tied: false } as const;
const shape = { ...common, kvHeads: 2, headWidth: 16, window: 5 };
const configs: Record<string, GptConfig> = {
  "llama, grouped queries": llama,
  "llama, narrow heads, tied": { ...llama, headWidth: 8, tied: true },
  "llama, window": { ...llama, window: 5 },
  "norms of queries and keys, a window in some layers, stretched positions": {
    ...(gptShape({ ...shape, kind: "qwen3" }) as LlamaConfig),
    windowed: [false, true],
    rotaryScaling: { type: "linear", factor: 2 },
  },
  "two rotary bases, norms on both sides": {
    ...(gptShape({ ...shape, kind: "gemma3_text" }) as LlamaConfig),
    windowed: [true, false],
  },
  "a layer without rotary positions": { ...(gptShape({ ...shape, kind: "smollm3" }) as LlamaConfig), rotated: [true, false] },
  gpt2: { ...common, kind: "gpt2", tied: true },
};

/** Random weights, large enough that every layer matters. */
function randomWeights(): Map<string, Float32Array> & { get(name: string, shape: readonly number[]): Float32Array } {
  const random = new Random(3);
  const map = new Map<string, Float32Array>();
  return Object.assign(map, {
    get(name: string, shape: readonly number[]) {
      const data =
        Map.prototype.get.call(map, name) ??
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() * 0.3);
      map.set(name, data);
      return data;
    },
  });
}

async function decoderOf(config: GptConfig, weights: ReturnType<typeof randomWeights>, more: Partial<DecoderOptions> = {}) {
  return Decoder.create({ config, weights: (name, shape) => weights.get(name, shape), threads: 1, ...more });
}

/** Logits of the last token by one pass over the whole text. */
async function fullLogits(
  config: GptConfig,
  weights: ReturnType<typeof randomWeights>,
  tokens: readonly number[],
): Promise<Float32Array> {
  const time = tokens.length;
  const scope = new Params();
  const hidden = gpt(
    scope,
    config,
    input("tokens", "int32", [1, time]),
    sequenceContext({ positions: input("positions", "int64", [1, time]) }),
  );
  const model = toOnnx({ logits: matmul(hidden, gptHead(scope, config), { transposeB: true }) });
  const inputs: Record<string, HostTensor> = {
    tokens: { dtype: "int32", shape: [1, time], data: Int32Array.from(tokens) },
    positions: { dtype: "int64", shape: [1, time], data: BigInt64Array.from(tokens, (_, i) => BigInt(i)) },
  };
  for (const [name, { shape }] of model.parameters) {
    inputs[name] = { dtype: "float32", shape: shape as number[], data: weights.get(name, shape as number[]) };
  }
  for (const name of Object.keys(inputs)) if (!model.inputs.has(name) && !model.parameters.has(name)) delete inputs[name];
  const logits = new Float32Array(time * config.vocabulary);
  const program = await (await nativeEngine()).compile(model.bytes, { threads: 1 });
  await program.run(inputs, { logits: { dtype: "float32", shape: [1, time, config.vocabulary], data: logits } });
  program.release();
  return logits.slice(-config.vocabulary);
}

function furthest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}

const prompts = [
  [1, 2, 3, 4, 5, 6, 7, 8, 9],
  [10, 11],
  [20, 21, 22, 23, 24],
];

describe.each(Object.entries(configs))("%s", (_, config) => {
  test("prefill and decode give the logits of the whole sequence", async () => {
    const weights = randomWeights();
    const decoder = await decoderOf(config, weights);
    const text = [...prompts[0]!];
    let { logits, logSums } = await decoder.extend(0, [text]);
    for (let i = 0; i < 8; i++) {
      const whole = await fullLogits(config, weights, text);
      expect(furthest(logits, whole)).toBeLessThan(1e-4);
      expect(logSums[0]).toBeCloseTo(Math.log(whole.reduce((sum, x) => sum + Math.exp(x), 0)), 4);
      expect(argmax(logits)).toBe(argmax(whole));
      text.push(argmax(logits));
      ({ logits, logSums } = await decoder.decode([text.at(-1)!]));
    }
    decoder.release();
  });

  test("texts of different lengths in a batch, a prompt in pieces, and copied rows give what each gives alone", async () => {
    const weights = randomWeights();
    const alone = await decoderOf(config, weights);
    const batch = await decoderOf(config, weights, { slots: 4 });
    const { vocabulary } = config;
    const together = (await batch.extend(0, prompts)).logits.slice();
    const next = [30, 31, 32];
    const after = (await batch.decode(next)).logits.slice();
    batch.copy(1, 3);
    batch.copy(0, 1);
    const moved = (await batch.decode([33, 33, 33, 34])).logits.slice();
    for (const [i, prompt] of prompts.entries()) {
      alone.lengths[0] = 0;
      await alone.extend(0, [prompt.slice(0, 1)]);
      const { logits } = await alone.extend(0, [prompt.slice(1)]);
      expect(furthest(logits, together.subarray(i * vocabulary, (i + 1) * vocabulary))).toBeLessThan(1e-5);
      const one = (await alone.decode([next[i]!])).logits.slice();
      expect(furthest(one, after.subarray(i * vocabulary, (i + 1) * vocabulary))).toBeLessThan(1e-5);
      const [row, token] = [
        [1, 33],
        [3, 34],
        [2, 33],
      ][i] as [number, number];
      const last = (await alone.decode([token])).logits;
      expect(furthest(last, moved.subarray(row * vocabulary, (row + 1) * vocabulary))).toBeLessThan(1e-5);
    }
    alone.release();
    batch.release();
  });

  test("live weights are read as they are at each step, in place", async () => {
    const weights = randomWeights();
    const decoder = await decoderOf(config, weights, { live: true });
    const before = (await decoder.extend(0, [prompts[0]!])).logits;
    expect(furthest(before, await fullLogits(config, weights, prompts[0]!))).toBeLessThan(1e-4);
    for (const data of weights.values()) for (let i = 0; i < data.length; i++) data[i]! *= 0.9;
    decoder.lengths[0] = 0;
    const after = (await decoder.extend(0, [prompts[0]!])).logits;
    expect(furthest(after, before)).toBeGreaterThan(0.01);
    expect(furthest(after, await fullLogits(config, weights, prompts[0]!))).toBeLessThan(1e-4);
    decoder.release();
  });

  test.each([
    ["int8", 0.002],
    ["int4", 0.5],
  ] as const)("%s is close to f32", async (precision, most) => {
    const weights = randomWeights();
    const decoder = await decoderOf(config, weights, { precision });
    const { logits } = await decoder.extend(0, [prompts[0]!]);
    const kl = divergence(await fullLogits(config, weights, prompts[0]!), logits);
    expect(kl).toBeLessThan(most);
    decoder.release();
  });
});

/** Kullback–Leibler divergence of softmax(b) from softmax(a), in nats. */
function divergence(a: Float32Array, b: Float32Array): number {
  const logSum = (x: Float32Array) => Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0));
  const [za, zb] = [logSum(a), logSum(b)];
  return a.reduce((kl, x, i) => kl + Math.exp(x - za) * (x - za - (b[i]! - zb)), 0);
}

test("a decoder says when it is full, and refuses to continue several texts at once", async () => {
  const decoder = await decoderOf(llama, randomWeights(), { capacity: 6, slots: 2 });
  await expect(decoder.extend(0, [[1, 2, 3, 4, 5, 6, 7]])).rejects.toThrow("7 tokens do not fit the cache's 6");
  await decoder.extend(0, [[1, 2, 3, 4, 5, 6]]);
  await expect(decoder.decode([1])).rejects.toThrow("row 0 is full: it holds 6 tokens");
  await expect(decoder.extend(0, [[1], [2]])).rejects.toThrow("can only be begun together");
  decoder.release();
});

const fixtures = resolve(import.meta.dirname, "../../test/fixtures/gpt-100-steps");

test.each(["llama", "gpt2"])("greedy decoding of the %s fixture is Transformers', token for token", async (kind) => {
  using folder = await loadModelFolder(join(fixtures, kind));
  const expected = JSON.parse(readFileSync(join(fixtures, kind, "expected.json"), "utf8"));
  const weights: DecoderOptions["weights"] = (name, shape) => folder.weight(name, shape).data;
  const decoder = await Decoder.create({ config: gptConfigFrom(folder.config), weights, threads: 1 });
  const tokens: number[] = [];
  let { logits } = await decoder.extend(0, [expected.prompt]);
  for (;;) {
    tokens.push(argmax(logits));
    if (tokens.length === expected.greedyBeforeTraining.length) break;
    ({ logits } = await decoder.decode([tokens.at(-1)!]));
  }
  expect(tokens).toEqual(expected.greedyBeforeTraining);
  decoder.release();
});
