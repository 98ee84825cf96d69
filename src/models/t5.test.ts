// T5 computes what Transformers computes: logits, losses, every gradient; packed and padded texts alike.
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { loadModelFolder, readSafetensors } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { countedTargets, crossEntropy, div, grad, input, linear, range, reshape, sum, type Tensor } from "../graph/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { evaluate, type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { relativeBuckets, type T5Config, t5Cross, t5Decoder, t5Encoder, t5EncoderSites, t5Head } from "./t5.ts";
import { t5ConfigFrom, t5ConfigToJson, t5Shape } from "./t5-config.ts";
import { t5SequenceScores, t5TokenScores } from "./t5-heads.ts";

const families = resolve(import.meta.dirname, "../../test/fixtures/families");

type Arrays = Record<string, HostTensor>;

const int32 = (shape: readonly number[], data: ArrayLike<number>): HostTensor => ({
  dtype: "int32",
  shape,
  data: Int32Array.from(data),
});

/** 1 in a mask is text, 0 padding: segments 0 and -1. */
const segmentsOf = (mask: HostTensor) =>
  int32(
    mask.shape,
    Array.from(mask.data as Int32Array, (x) => x - 1),
  );

/** A symbolic input for each array, of its shape. */
function inputsFor<Name extends string>(arrays: Record<Name, HostTensor>): Record<Name, Tensor> {
  return Object.fromEntries(
    Object.entries<HostTensor>(arrays).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  ) as Record<Name, Tensor>;
}

/** One context for each side; positions play no part, distances do. */
function contextsFor(source: Tensor, segments: Tensor, target: Tensor, targetSegments?: Tensor) {
  const positions = (tokens: Tensor) => reshape(range(tokens.shape[1]!), [1, tokens.shape[1]!]);
  return {
    encoder: sequenceContext({ positions: positions(source), causal: false, segments }),
    decoder: sequenceContext({
      positions: positions(target),
      segments: targetSegments,
      sourceSegments: segments,
    }),
  };
}

async function fixture(name: string) {
  const path = join(families, name);
  const folder = await loadModelFolder(path);
  const expected = await readSafetensors(join(path, "expected.safetensors"));
  const of = (key: string) => expected.tensors.get(key) as HostTensor;
  return { config: t5ConfigFrom(folder.config, join(path, "config.json")), folder, expected, of };
}

/** Runs a graph over the weights of a folder and compares logits, loss and all gradients with what is expected. */
async function compare(
  { folder, of, expected }: Awaited<ReturnType<typeof fixture>>,
  scope: Params,
  outputs: { logits: Tensor; loss: Tensor },
  given: Arrays,
  name: string,
  counts: (row: number) => boolean,
) {
  const wanted = name === "batch" ? scope.all.map((spec) => spec.name) : [];
  const gradients = grad(
    outputs.loss,
    scope.all.filter((spec) => wanted.includes(spec.name)).map((spec) => spec.tensor),
  );
  const weights = Object.fromEntries(scope.all.map((spec) => [spec.name, folder.weight(spec.name, spec.shape) as HostTensor]));
  const found = await evaluate(
    await nativeEngine(),
    { ...outputs, ...Object.fromEntries(wanted.map((name, i) => [`gradient.${name}`, gradients[i]!])) },
    { ...given, ...weights },
    { threads: 1 },
  );
  const logits = of(`${name}.logits`);
  const width = logits.shape.at(-1)!;
  expect(furthest(found.logits!, logits, (i) => counts(Math.floor(i / width)))).toBeLessThan(1e-4);
  expect(furthest(found.loss!, of(`${name}.loss`))).toBeLessThan(1e-5);
  if (name !== "batch") return;
  // Every weight of the file has a gradient here, and every weight here is in the file.
  expect(wanted.sort()).toEqual([...folder.tensors.keys()].sort());
  for (const name of wanted) {
    const gradient = of(`batch.gradient.${name}`);
    const largest = (gradient.data as Float32Array).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(furthest(found[`gradient.${name}`]!, gradient) / (largest + 1e-8), name).toBeLessThan(1e-3);
  }
  expected.close();
  folder.close();
}

function furthest(a: HostTensor, b: HostTensor, counts: (i: number) => boolean = () => true): number {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  expect(x.length).toBe(y.length);
  return x.reduce((most, value, i) => (counts(i) ? Math.max(most, Math.abs(value - y[i]!)) : most), 0);
}

/** Logits of every target token, and the mean loss. */
function textToText(config: T5Config, tokens: Record<"source" | "segments" | "target" | "labels", Tensor>, own?: Tensor) {
  const scope = new Params();
  const { encoder, decoder } = contextsFor(tokens.source, tokens.segments, tokens.target, own);
  const cross = t5Cross(scope, config, t5Encoder(scope, config, tokens.source, encoder));
  const hidden = t5Decoder(scope, config, tokens.target, cross, decoder);
  const logits = linear(hidden, t5Head(scope, config));
  const labels = reshape(tokens.labels, [-1]);
  const loss = div(sum(crossEntropy(reshape(logits, [-1, config.vocabulary]), labels)), countedTargets(labels));
  return { scope, logits, loss };
}

describe.each(["t5", "t5-v1_1", "mt5"])("%s", (name) => {
  test.each(["batch", "long"])("logits, loss and gradients are Transformers': %s", async (kase) => {
    const f = await fixture(name);
    const given = {
      source: f.of(`${kase}.input_ids`),
      segments: segmentsOf(f.of(`${kase}.attention_mask`)),
      target: f.of(`${kase}.decoder_input_ids`),
      labels: f.of(`${kase}.labels`),
    };
    const { scope, logits, loss } = textToText(f.config, inputsFor(given));
    const labels = given.labels.data as Int32Array;
    await compare(f, scope, { logits, loss }, given, kase, (row) => labels[row] !== -100);
  });

  test("its configuration is written as it is read", async () => {
    using folder = await loadModelFolder(join(families, name));
    const config = t5ConfigFrom(folder.config);
    expect(t5ConfigFrom(t5ConfigToJson(config, { pad: 0, eos: 1 }))).toEqual(config);
  });
});

test("several texts packed into a row are what each is alone, padded", async () => {
  const config = { ...t5Shape({ kind: "t5", vocabulary: 40, width: 16, heads: 2, layers: 2 }), buckets: 8, maxDistance: 12 };
  const lengths = [
    [5, 4],
    [9, 3],
    [2, 6],
  ] as const;
  const random = new Random(5);
  const word = () => 3 + Math.floor(random.uniform() * 37);
  const texts = lengths.map(([source, target]) => ({
    source: Array.from({ length: source }, word),
    target: Array.from({ length: target }, word),
  }));
  const padded = (rows: number[][], width: number, pad: number) =>
    rows.flatMap((row) => [...row, ...Array(width - row.length).fill(pad)]);
  const all = (side: "source" | "target") => texts.flatMap((text) => text[side]);
  const numbers = (side: "source" | "target") => texts.flatMap((text, i) => text[side].map(() => i));
  const batches = {
    padded: {
      source: int32(
        [3, 9],
        padded(
          texts.map((t) => t.source),
          9,
          0,
        ),
      ),
      segments: int32(
        [3, 9],
        padded(
          texts.map((t) => t.source.map(() => 0)),
          9,
          -1,
        ),
      ),
      target: int32(
        [3, 6],
        padded(
          texts.map((t) => t.target),
          6,
          0,
        ),
      ),
      own: int32(
        [3, 6],
        padded(
          texts.map((t) => t.target.map(() => 0)),
          6,
          -1,
        ),
      ),
      labels: int32(
        [3, 6],
        padded(
          texts.map((t) => t.target),
          6,
          -100,
        ),
      ),
    },
    packed: {
      source: int32([1, 18], [...all("source"), 0, 0]),
      segments: int32([1, 18], [...numbers("source"), -1, -1]),
      target: int32([1, 14], [...all("target"), 0]),
      own: int32([1, 14], [...numbers("target"), -1]),
      labels: int32([1, 14], [...all("target"), -100]),
    },
  };
  const results: Float32Array[][] = [];
  for (const given of Object.values(batches)) {
    const { own, ...tokens } = inputsFor(given);
    const { scope, loss } = textToText(config, tokens, own);
    const draw = new Random(7);
    const weights = Object.fromEntries(
      scope.all.map(({ name, shape }) => {
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw.normal() * 0.3);
        return [name, { dtype: "float32", shape, data } as HostTensor];
      }),
    );
    const gradients = grad(
      loss,
      scope.all.map((spec) => spec.tensor),
    );
    const outputs = { loss, ...Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient])) };
    const found = await evaluate(await nativeEngine(), outputs, { ...given, ...weights }, { threads: 1 });
    results.push(Object.values(found).map(({ data }) => data as Float32Array));
  }
  const [first, second] = results as [Float32Array[], Float32Array[]];
  first.forEach((values, i) => {
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const off = values.reduce((most, x, at) => Math.max(most, Math.abs(x - second[i]![at]!)), 0);
    expect(off).toBeLessThan(1e-5 * largest + 1e-7);
  });
});

test("the encoder takes as many dropout masks as it says, so that the decoder's can begin behind them", () => {
  const config = t5Shape({ kind: "t5", vocabulary: 40, width: 16, heads: 2, layers: 3 });
  const tokens = input("tokens", "int32", [1, 4]);
  const { encoder } = contextsFor(tokens, tokens, tokens);
  let count = 0;
  const dropout = (x: Tensor) => {
    count++;
    return x;
  };
  t5Encoder(new Params(), config, tokens, { ...encoder, dropout });
  expect(count).toBe(t5EncoderSites(config));
});

test("a classifier of texts is Transformers'", async () => {
  const f = await fixture("t5-classify");
  const source = f.of("batch.input_ids");
  const [batch, time] = source.shape as [number, number];
  const ids = source.data as Int32Array;
  const mask = f.of("batch.attention_mask");
  const lengths = Array.from({ length: batch }, (_, i) =>
    (mask.data as Int32Array).subarray(i * time, (i + 1) * time).reduce((a, b) => a + b, 0),
  );
  const given = {
    tokens: source,
    segments: segmentsOf(mask),
    shifted: int32(
      source.shape,
      Array.from(ids, (_, i) => (i % time === 0 ? 0 : ids[i - 1]!)),
    ),
    last: int32(
      [batch],
      lengths.map((length) => length - 1),
    ),
    labels: f.of("batch.labels"),
  };
  const symbols = inputsFor(given);
  const scope = new Params();
  const contexts = contextsFor(symbols.tokens, symbols.segments, symbols.shifted);
  const logits = t5SequenceScores(scope, f.config, symbols, contexts, 3);
  const loss = div(sum(crossEntropy(logits, symbols.labels)), countedTargets(symbols.labels));
  await compare(f, scope, { logits, loss }, given, "batch", () => true);
});

test("a classifier of tokens is Transformers'", async () => {
  const f = await fixture("t5-tag");
  const mask = f.of("batch.attention_mask");
  const given = { tokens: f.of("batch.input_ids"), segments: segmentsOf(mask), labels: f.of("batch.labels") };
  const { tokens, segments, labels } = inputsFor(given);
  const scope = new Params();
  const logits = t5TokenScores(scope, f.config, tokens, contextsFor(tokens, segments, tokens).encoder, 4);
  const flat = reshape(labels, [-1]);
  const loss = div(sum(crossEntropy(reshape(logits, [-1, 4]), flat)), countedTargets(flat));
  await compare(f, scope, { logits, loss }, given, "batch", (row) => (mask.data as Int32Array)[row] === 1);
});

test("buckets of distances: one each when near, logarithmic up to the furthest, the future apart or nowhere", () => {
  const both = relativeBuckets(32, 128, true);
  const at = (distance: number) => both[distance + 128];
  expect([0, -1, -7, -8, -11, -12, -127, -128].map(at)).toEqual([0, 1, 7, 8, 8, 9, 15, 15]);
  expect([1, 7, 8, 128].map(at)).toEqual([17, 23, 24, 31]);
  const back = relativeBuckets(32, 128, false);
  expect([0, -15, -16, -128, 1, 128].map((distance) => back[distance + 128])).toEqual([0, 15, 16, 31, 0, 0]);
});

test("a configuration that slovo cannot run is refused by the field's name", () => {
  const json = t5ConfigToJson(t5Shape({ kind: "t5", vocabulary: 40, width: 16, heads: 2, layers: 2 }), { pad: 0, eos: 1 });
  expect(() => t5ConfigFrom({ ...json, feed_forward_proj: "gated-silu" })).toThrow(
    /"feed_forward_proj".*relu.*gated-gelu.*"gated-silu"/,
  );
  expect(() => t5ConfigFrom({ ...json, dense_act_fn: "relu" })).toThrow(
    'dense_act_fn "relu" contradicts feed_forward_proj "gated-gelu"',
  );
  expect(() => t5ConfigFrom({ ...json, relative_attention_num_buckets: 2 })).toThrow(InputError);
  expect(() => t5ConfigFrom({ ...json, d_model: undefined })).toThrow(/"d_model"/);
  expect(() => t5ConfigFrom({ model_type: "llama" })).toThrow("expected t5 or mt5");
});

test("both spellings of which head a model has are read", () => {
  const of = (fields: object) => {
    const json = t5ConfigToJson(t5Shape({ kind: "t5", vocabulary: 40, width: 16, heads: 2, layers: 2 }), { pad: 0, eos: 1 });
    const { tied, scaled } = t5ConfigFrom({ ...json, tie_word_embeddings: undefined, ...fields });
    return [tied, scaled];
  };
  expect(of({})).toEqual([true, true]);
  expect(of({ tie_word_embeddings: false })).toEqual([false, false]);
  expect(of({ tie_word_embeddings: true, scale_decoder_outputs: false })).toEqual([false, false]);
  expect(of({ model_type: "mt5", tie_word_embeddings: true })).toEqual([false, false]);
});
