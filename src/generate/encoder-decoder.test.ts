// Writing token by token gives what the whole sequences give; batches, shared sources and moved rows change nothing.
import { describe, expect, onTestFinished, test } from "vitest";
import { openFixture } from "../../test/families.ts";
import { InputError } from "../errors.ts";
import { input, linear, range, reshape, type Tensor, toOnnx } from "../graph/index.ts";
import { type T5Config, t5ConfigFrom, t5Cross, t5Decoder, t5Encoder, t5Head, t5Shape } from "../models/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { beamSearch } from "./beam-search.ts";
import { EncoderDecoder, type EncoderDecoderOptions } from "./encoder-decoder.ts";
import { argmax } from "./sampling.ts";

const shape = t5Shape({ kind: "t5", vocabulary: 50, width: 32, heads: 2, layers: 2, decoderLayers: 3 });
const configs: Record<string, T5Config> = {
  "v1.0, narrow heads": { ...shape, feedForward: "relu", tied: true, scaled: true, headWidth: 6 },
  "v1.1": shape,
  "wider heads, few buckets": { ...shape, headWidth: 24, buckets: 8, maxDistance: 6 },
  "heads of 64": { ...shape, kind: "mt5", headWidth: 64, heads: 3 },
};

type Weights = (name: string, shape: readonly number[]) => Float32Array;

/** Random weights, large enough that every layer matters and small enough that attention looks at more than one token. */
function randomWeights(): Weights {
  const known = new Map<string, Float32Array>();
  return (name, shape) => {
    const random = new Random(3, name);
    const size = shape.reduce((a, b) => a * b, 1);
    const data = known.get(name) ?? Float32Array.from({ length: size }, () => random.normal() * 0.2);
    known.set(name, data);
    return data;
  };
}

const open = (config: T5Config, weights: Weights, more: Partial<EncoderDecoderOptions> = {}) =>
  EncoderDecoder.create({ config, weights, start: 0, capacity: 32, threads: 1, ...more });

type Whole = (source: readonly number[], target: readonly number[]) => Promise<Float32Array>;

/** Computes the logits of the token after the last by one pass over both texts. */
async function wholeModel(config: T5Config, weights: Weights): Promise<Whole> {
  const scope = new Params();
  const [sources, targets] = [input("sources", "int32", [1, "source"]), input("targets", "int32", [1, "target"])];
  const places = (name: string, tokens: Tensor) => reshape(range(name, tokens), [1, name]);
  const encoded = t5Encoder(scope, config, sources, sequenceContext({ positions: places("source", sources), causal: false }));
  const context = sequenceContext({ positions: places("target", targets) });
  const hidden = t5Decoder(scope, config, targets, t5Cross(scope, config, encoded), context);
  const logits = linear(hidden, t5Head(scope, config));
  const program = await (await nativeEngine()).compile(toOnnx({ logits }).bytes, { threads: 1 });
  onTestFinished(() => program.release());
  const ids = (tokens: readonly number[]): HostTensor => ({
    dtype: "int32",
    shape: [1, tokens.length],
    data: Int32Array.from(tokens),
  });
  return async (source, target) => {
    const given: Record<string, HostTensor> = { sources: ids(source), targets: ids(target) };
    for (const { name, shape } of scope.all) given[name] = { dtype: "float32", shape, data: weights(name, shape) };
    const data = new Float32Array(target.length * config.vocabulary);
    await program.run(given, { logits: { dtype: "float32", shape: [1, target.length, config.vocabulary], data } });
    return data.slice(-config.vocabulary);
  };
}

function furthest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}

const sources = [
  [10, 11, 1],
  [2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 1],
  [20, 21, 22, 23, 1],
];

describe.each(Object.entries(configs))("%s", (_, config) => {
  const { vocabulary } = config;
  const rowOf = (logits: Float32Array, row: number) => logits.subarray(row * vocabulary, (row + 1) * vocabulary);

  test("a batch of different sources is written as each whole, and so are texts of different lengths that share the batch", async () => {
    const weights = randomWeights();
    const model = await open(config, weights, { slots: 3 });
    const whole = await wholeModel(config, weights);
    const texts: number[][] = [[0], [0], [0]];
    const check = async (logits: Float32Array, rows: readonly number[]) => {
      for (const [i, row] of rows.entries()) {
        const wanted = await whole(sources[row]!, texts[row]!);
        expect(furthest(rowOf(logits, i), wanted)).toBeLessThan(2e-5);
        texts[row]!.push(argmax(wanted));
      }
    };
    await check((await model.extend(0, sources.slice(0, 2))).logits, [0, 1]);
    for (let i = 0; i < 6; i++) await check((await model.decode([texts[0]!.at(-1)!, texts[1]!.at(-1)!])).logits, [0, 1]);
    // The third joins when the others have seven tokens; then the first is done, and the last takes its place.
    await check((await model.extend(2, [sources[2]!])).logits, [2]);
    await check((await model.decode(texts.map((text) => text.at(-1)!))).logits, [0, 1, 2]);
    model.copy(2, 0);
    for (let i = 0; i < 3; i++) await check((await model.decode([texts[2]!.at(-1)!, texts[1]!.at(-1)!])).logits, [2, 1]);
    expect([...model.lengths]).toEqual([5, 11, 2]);
    model.release();
  });

  test("rows that fork, move and go take their sources and their pasts with them", async () => {
    const weights = randomWeights();
    const model = await open(config, weights, { slots: 6 });
    const whole = await wholeModel(config, weights);
    await model.start(sources.slice(0, 2));
    let rows = [
      { source: 0, text: [0] },
      { source: 1, text: [0] },
    ];
    const steps = [
      [0, 0, 0, 1, 1, 1], // every row forks: each source has three
      [1, 0, 2, 5, 3, 4], // circles
      [2, 2, 0, 3, 3, 5],
      [0, 3], // most go
      [1, 0],
      [1, 1, 0], // as many for each source no longer
    ];
    for (const [at, parents] of steps.entries()) {
      const tokens = parents.map((_, i) => 3 + ((7 * at + 5 * i) % 40));
      rows = parents.map((parent, i) => ({ source: rows[parent]!.source, text: [...rows[parent]!.text, tokens[i]!] }));
      const { logits } = await model.step(tokens, parents);
      for (const [i, { source, text }] of rows.entries()) {
        expect(furthest(rowOf(logits, i), await whole(sources[source]!, text))).toBeLessThan(2e-5);
      }
    }
    model.release();
  });
});

test.each([
  ["int8", 0.002],
  ["int4", 0.5],
] as const)("%s is close to f32", async (precision, most) => {
  const weights = randomWeights();
  const model = await open(shape, weights, { precision });
  const { logits, logSums } = await model.extend(0, [sources[1]!]);
  const wanted = await (await wholeModel(shape, weights))(sources[1]!, [0]);
  const logSum = Math.log(wanted.reduce((sum, x) => sum + Math.exp(x), 0));
  const divergence = wanted.reduce((kl, x, i) => kl + Math.exp(x - logSum) * (x - logSum - (logits[i]! - logSums[0]!)), 0);
  expect(divergence).toBeGreaterThan(0);
  expect(divergence).toBeLessThan(most);
  model.release();
});

test("live weights are read as they are at each step", async () => {
  const weights = randomWeights();
  const model = await open(shape, weights, { live: true });
  const before = (await model.extend(0, [sources[1]!])).logits;
  const norm = weights("encoder.final_layer_norm.weight", [shape.width]);
  for (let i = 0; i < norm.length; i++) norm[i]! *= 1.5;
  const { logits } = await model.extend(0, [sources[1]!]);
  expect(furthest(before, logits)).toBeGreaterThan(1e-3);
  expect(furthest(logits, await (await wholeModel(shape, weights))(sources[1]!, [0]))).toBeLessThan(2e-5);
  model.release();
});

test("a model says when a row is full and what it was made with that is wrong", async () => {
  const model = await open(shape, randomWeights(), { capacity: 4 });
  await expect(model.extend(0, [[2, 3, 4, 5, 1]])).rejects.toThrow("the prompt has 5 tokens, and the model takes from 1 to 4");
  await expect(model.extend(0, [[]])).rejects.toThrow(InputError);
  await model.extend(0, [[2, 1]]);
  for (let i = 0; i < 3; i++) await model.decode([5]);
  await expect(model.decode([5])).rejects.toThrow("row 0 is full: it holds 4 tokens");
  model.release();
  await expect(open(shape, randomWeights(), { start: 50 })).rejects.toThrow("must be one of the 50 of the model, got 50");
  await expect(open(shape, randomWeights(), { capacity: 1 })).rejects.toThrow("2 tokens or more, got 1");
});

test.each(["t5", "t5-v1_1", "mt5"])(
  "%s writes what Transformers writes: greedily and with beams, all at once and one by one",
  async (name) => {
    const { config, weights, generation } = await openFixture(name);
    expect(generation.map(({ options }) => options.num_beams)).toEqual([1, 1, 4, 4, 4, 4]);
    for (const slots of [12, 4]) {
      const model = await open(t5ConfigFrom(config), (name) => weights[name]!.data as Float32Array, { slots });
      for (const { options, prompts, tokens, scores } of generation) {
        const found = await beamSearch(model, prompts, {
          beams: options.num_beams,
          maxTokens: options.max_new_tokens,
          ends: [options.eos_token_id],
          lengthPenalty: options.length_penalty,
          earlyStopping: options.early_stopping,
          noRepeatNgram: options.no_repeat_ngram_size,
        });
        expect(found.map((texts) => texts[0]!.tokens)).toEqual(tokens);
        scores?.forEach((score, i) => {
          expect(found[i]![0]!.score).toBeCloseTo(score, 4);
        });
      }
      model.release();
    }
  },
);
