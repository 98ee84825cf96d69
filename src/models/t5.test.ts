// T5 computes what Transformers computes: logits, losses, every gradient; packed and padded texts alike.
import { expect, test } from "vitest";
import { checkParity, openFixture } from "../../test/families.ts";
import { InputError } from "../errors.ts";
import {
  cast,
  countedTargets,
  crossEntropy,
  div,
  equal,
  grad,
  input,
  linear,
  pad,
  range,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
} from "../graph/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { evaluate, type HostTensor, nativeEngine, Random } from "../runtime/index.ts";
import { relativeBuckets, type T5Config, t5Cross, t5Decoder, t5Encoder, t5EncoderSites, t5Head } from "./t5.ts";
import { t5ConfigFrom, t5ConfigToJson, t5Shape } from "./t5-config.ts";
import { t5SequenceScores, t5TokenScores } from "./t5-heads.ts";

interface Sides {
  readonly source: Tensor;
  readonly segments: Tensor;
  readonly target: Tensor;
  readonly targetSegments?: Tensor;
}

/** A context for each side; positions play no part, distances do. */
function contextsFor({ source, segments, target, targetSegments }: Sides) {
  const places = (tokens: Tensor) => reshape(range(tokens.shape[1]!, tokens), [1, tokens.shape[1]!]);
  return {
    encoder: sequenceContext({ positions: places(source), causal: false, segments }),
    decoder: sequenceContext({ positions: places(target), segments: targetSegments, sourceSegments: segments }),
  };
}

/** Logits of every token of the target. */
function textToText(p: Params, config: T5Config, sides: Sides): Tensor {
  const { encoder, decoder } = contextsFor(sides);
  const cross = t5Cross(p, config, t5Encoder(p, config, sides.source, encoder));
  return linear(t5Decoder(p, config, sides.target, cross, decoder), t5Head(p, config));
}

test.each(["t5", "t5-v1_1", "mt5"])("%s: logits, loss and gradients are Transformers'", async (name) => {
  const fixture = await openFixture(name);
  const config = t5ConfigFrom(fixture.config);
  await checkParity(fixture, (p, { tokens, segments, decoderTokens }) => ({
    logits: textToText(p, config, { source: tokens, segments, target: decoderTokens! }),
  }));
  expect(t5ConfigFrom(t5ConfigToJson(config, { pad: 0, eos: 1 }))).toEqual(config);
});

test("a classifier of texts is Transformers'", async () => {
  const fixture = await openFixture("t5-classify");
  const config = t5ConfigFrom(fixture.config);
  await checkParity(fixture, (p, { tokens, segments }) => {
    const shifted = pad(slice(tokens, 1, 0, -1), 1, 1, 0);
    const last = sub(sum(cast(equal(segments, 0), "int32"), { axes: [1] }), 1);
    const contexts = contextsFor({ source: tokens, segments, target: shifted });
    return { logits: t5SequenceScores(p, config, { tokens, shifted, last }, contexts, 3) };
  });
});

test("a classifier of tokens is Transformers'", async () => {
  const fixture = await openFixture("t5-tag");
  const config = t5ConfigFrom(fixture.config);
  await checkParity(fixture, (p, { tokens, segments }) => ({
    logits: t5TokenScores(p, config, tokens, contextsFor({ source: tokens, segments, target: tokens }).encoder, 4),
  }));
});

const int32 = (shape: readonly number[], data: ArrayLike<number>): HostTensor => ({
  dtype: "int32",
  shape,
  data: Int32Array.from(data),
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
    const symbol = (name: keyof typeof given) => input(name, "int32", given[name].shape);
    const sides = {
      source: symbol("source"),
      segments: symbol("segments"),
      target: symbol("target"),
      targetSegments: symbol("own"),
    };
    const labels = reshape(symbol("labels"), [-1]);
    const scope = new Params();
    const logits = reshape(textToText(scope, config, sides), [-1, config.vocabulary]);
    const loss = div(sum(crossEntropy(logits, labels)), countedTargets(labels));
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
  const { encoder } = contextsFor({ source: tokens, segments: tokens, target: tokens });
  let count = 0;
  const dropout = (x: Tensor) => {
    count++;
    return x;
  };
  t5Encoder(new Params(), config, tokens, { ...encoder, dropout });
  expect(count).toBe(t5EncoderSites(config));
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
