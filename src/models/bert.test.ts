// The BERT family against Transformers, and against itself: padding and packing change nothing.
import { expect, test } from "vitest";
import { checkParity, type FixtureBatch, openFixture } from "../../test/families.ts";
import { countedTargets, div, grad, input, linearCrossEntropy, mean, mul, reshape, sum, type Tensor } from "../graph/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { evaluate, type HostTensors, nativeEngine, Random } from "../runtime/index.ts";
import { type BertConfig, type BertKind, bert } from "./bert.ts";
import { bertConfigFrom, bertConfigToJson } from "./bert-config.ts";
import { answerLogits, maskedHead, maskedLogits, scalarValue, sequenceLogits, tokenLogits } from "./bert-heads.ts";
import { bertShape } from "./bert-shape.ts";
import { pool, poolings, sentenceEmbedding } from "./sentence-embedding.ts";
import { taskHeadFrom } from "./task.ts";
import { answerLosses } from "./task-losses.ts";

const encode = (p: Params, config: BertConfig, { tokens, typeIds, positions, segments }: FixtureBatch) => {
  const context = sequenceContext({ positions, causal: false, segments });
  return { hidden: bert(p, config, { tokens, typeIds }, context), context };
};

test.each(["bert", "distilbert", "roberta", "xlm-roberta", "modernbert"])(
  "%s guesses masked tokens as Transformers does",
  async (name) => {
    const fixture = await openFixture(name);
    const config = bertConfigFrom(fixture.config);
    await checkParity(fixture, (p, batch) => {
      const { hidden } = encode(p, config, batch);
      const logits = maskedLogits(p, config, hidden);
      // The loss goes the trainer's way, which never holds all logits.
      const { x, weight, bias } = maskedHead(p, config, reshape(hidden, [-1, config.width]));
      const targets = reshape(batch.labels!, [-1]);
      return { logits, loss: div(sum(linearCrossEntropy(x, weight, targets, bias)), countedTargets(targets)) };
    });
  },
);

const kinds = ["bert", "distilbert", "roberta", "modernbert"];

test.each([...kinds.map((kind) => `${kind}-classify`), "bert-score"])("%s judges texts as Transformers does", async (name) => {
  const fixture = await openFixture(name);
  const config = bertConfigFrom(fixture.config);
  const labels = taskHeadFrom(fixture.config).labels.length;
  await checkParity(fixture, (p, batch) => {
    const { hidden, context } = encode(p, config, batch);
    const { segments } = batch;
    if (labels > 1) return { logits: sequenceLogits(p, config, hidden, { labels, context, segments }) };
    return { logits: reshape(scalarValue(p, config, hidden, { context, segments }), [batch.tokens.shape[0]!, 1]) };
  });
});

test.each(kinds.map((kind) => `${kind}-tag`))("%s judges tokens as Transformers does", async (name) => {
  const fixture = await openFixture(name);
  const config = bertConfigFrom(fixture.config);
  const labels = taskHeadFrom(fixture.config).labels.length;
  await checkParity(fixture, (p, batch) => {
    const { hidden, context } = encode(p, config, batch);
    return { logits: tokenLogits(p, config, hidden, { labels, context }) };
  });
});

test.each(kinds.map((kind) => `${kind}-answer`))("%s finds answers as Transformers does", async (name) => {
  const fixture = await openFixture(name);
  const config = bertConfigFrom(fixture.config);
  await checkParity(fixture, (p, batch) => {
    const { hidden, context } = encode(p, config, batch);
    const logits = answerLogits(p, config, hidden, { context, segments: batch.segments });
    if (!batch.starts || !batch.ends) return { logits };
    return { logits, loss: mean(answerLosses(logits, batch.starts, batch.ends)) };
  });
});

const allKinds: BertKind[] = ["bert", "distilbert", "roberta", "xlm-roberta", "modernbert"];
const vocabulary = 40;
const small = { vocabulary, context: 64, width: 16, layers: 3, heads: 2, padding: 1 };

/** Random weights for whatever a scope was asked for, wide enough that everything counts. */
function randomWeights(p: Params): HostTensors {
  const random = new Random(1, "weights");
  const weights = p.all.map(({ name, shape }) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => 0.5 * random.normal());
    return [name, { dtype: "float32", shape, data }] as const;
  });
  return Object.fromEntries(weights);
}

/** Rows of texts: their tokens one after another, and what tells them apart. */
function rowsOf(rows: readonly (readonly number[][])[], time: number): HostTensors {
  const shape = [rows.length, time];
  const tokens = new Int32Array(rows.length * time).fill(1);
  const segments = new Int32Array(rows.length * time).fill(-1);
  const positions = new BigInt64Array(rows.length * time);
  rows.forEach((texts, row) => {
    let at = row * time;
    texts.forEach((text, segment) => {
      text.forEach((token, position) => {
        tokens[at] = token;
        segments[at] = segment;
        positions[at++] = BigInt(position);
      });
    });
  });
  return {
    tokens: { dtype: "int32", shape, data: tokens },
    segments: { dtype: "int32", shape, data: segments },
    positions: { dtype: "int64", shape, data: positions },
  };
}

test.each(allKinds)("%s: a text has the same states alone, padded and packed", async (kind) => {
  const base = bertShape({ kind, ...small });
  const config = base.kind === "modernbert" ? { ...base, window: 3 } : base;
  const random = new Random(2, "texts");
  const texts = [7, 12, 4].map((length) => Array.from({ length }, () => 2 + random.integer(vocabulary - 2)));
  const statesOf = async (rows: readonly (readonly number[][])[], time: number) => {
    const p = new Params();
    const tensor = (name: string) => input(name, name === "positions" ? "int64" : "int32", ["batch", "time"]);
    const [tokens, segments, positions] = [tensor("tokens"), tensor("segments"), tensor("positions")];
    const hidden = bert(p, config, { tokens }, sequenceContext({ positions, causal: false, segments }));
    const inputs = rowsOf(rows, time);
    const { states } = await evaluate(await nativeEngine(), { states: hidden }, { ...inputs, ...randomWeights(p) });
    const real = inputs.segments!.data as Int32Array;
    const { width } = config;
    const data = states!.data as Float32Array;
    return Array.from(real.keys())
      .filter((at) => real[at]! >= 0)
      .flatMap((at) => [...data.subarray(at * width, (at + 1) * width)]);
  };
  const alone = (await Promise.all(texts.map((text) => statesOf([[text]], text.length)))).flat();
  const padded = await statesOf(
    texts.map((text) => [text]),
    15,
  );
  const packed = await statesOf([texts], 25);
  for (const found of [padded, packed]) {
    expect(found).toHaveLength(alone.length);
    expect(Math.max(...found.map((x, i) => Math.abs(x - alone[i]!)))).toBeLessThan(1e-5);
  }
  // It is no empty comparison: the same tokens in one text see each other.
  const together = await statesOf([[texts.flat()]], 25);
  expect(Math.max(...together.map((x, i) => Math.abs(x - alone[i]!)))).toBeGreaterThan(1e-3);
});

test.each(allKinds)("%s: what is written to config.json is read back", (kind) => {
  const config = bertShape({ kind, ...small, dropout: 0.1 });
  expect(bertConfigFrom(bertConfigToJson(config, { task: "masked-lm" }))).toEqual(config);
});

test.each(["bert", "distilbert", "roberta", "modernbert", "xlm-roberta"])(
  "%s: Transformers' config survives being written",
  async (name) => {
    const config = bertConfigFrom((await openFixture(name)).config);
    expect(bertConfigFrom(bertConfigToJson(config, { task: "features" }))).toEqual(config);
  },
);

test("the head is what the architecture says", async () => {
  const head = (json: object) => taskHeadFrom(json, "here");
  expect(head({ architectures: ["BertForMaskedLM"] }).task).toBe("masked-lm");
  expect(head({ architectures: ["BertForPreTraining"] }).task).toBe("masked-lm");
  expect(head({ architectures: ["BertModel"] }).task).toBe("features");
  expect(head({}).task).toBe("features");
  const { labels, problem } = head({
    architectures: ["BertForSequenceClassification"],
    id2label: { 10: "k", ...Object.fromEntries([..."abcdefghij"].map((label, i) => [i, label])) },
  });
  expect(labels.join("")).toBe("abcdefghijk");
  expect(problem).toBe("single_label_classification");
  expect(() => head({ architectures: ["BertForMultipleChoice"] })).toThrow(
    /here: the architecture must be one of .*MultipleChoice/,
  );
  expect(() => head({ architectures: ["BertForMaskedLM"], id2label: { 0: "a", 2: "b" } })).toThrow(/it has no 1/);
  expect(() => head({ architectures: ["constructor"] })).toThrow(/must be one of .* got "constructor"/);
  expect(() => head({ architectures: ["BertModel"], num_labels: 1e9 })).toThrow(/"num_labels" .* got 1000000000\./);
});

test.each([
  ["a decoder", { is_decoder: true }, /is_decoder/],
  ["relative positions", { position_embedding_type: "relative_key" }, /position_embedding_type/],
  ["an unknown activation", { hidden_act: "swish" }, /hidden_act.*gelu/],
  ["heads that do not fit", { num_attention_heads: 3 }, /16 must be a multiple of the 3/],
])("%s is refused in a sentence", async (_, change, message) => {
  const { config } = await openFixture("bert");
  expect(() => bertConfigFrom({ ...config, ...change }, "x/config.json")).toThrow(message);
});

test("a decoder-only model is no encoder", () => {
  expect(() => bertConfigFrom({ model_type: "gpt2" })).toThrow(/gpt2 is not an encoder/);
});

test("one text a row, without padding, needs no segments to be pooled", async () => {
  const random = new Random(3, "states");
  const shape = [2, 5, 3];
  const states = { dtype: "float32", shape, data: new Float32Array(30).map(() => random.normal()) } as const;
  const segments = { dtype: "int32", shape: [2, 5], data: new Int32Array(10) } as const;
  const hidden = input("hidden", "float32", ["batch", "time", 3]);
  const told = input("segments", "int32", ["batch", "time"]);
  const outputs: Record<string, Tensor> = {};
  for (const pooling of poolings) {
    outputs[`${pooling} whole`] = pool(hidden, pooling);
    outputs[`${pooling} told`] = pool(hidden, pooling, told);
  }
  const found = await evaluate(await nativeEngine(), outputs, { hidden: states, segments });
  for (const pooling of poolings) {
    const [whole, told] = [found[`${pooling} whole`]!.data as Float32Array, found[`${pooling} told`]!.data as Float32Array];
    for (const [i, x] of whole.entries()) expect(x).toBeCloseTo(told[i]!, 5);
  }
});

test("gradients flow back through pooling, dense layers and normalisation", async () => {
  const random = new Random(4, "vectors");
  const numbers = (shape: readonly number[]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => random.normal());
    return { dtype: "float32", shape, data } as const;
  };
  const dense = { kind: "dense", name: "2_Dense", outputs: 4, bias: true, activation: "Tanh" } as const;
  const given = { hidden: numbers([2, 5, 3]), wanted: numbers([2, 4]) };
  const segments = { dtype: "int32", shape: [2, 5], data: Int32Array.of(0, 0, 0, 0, 0, 0, 0, 0, -1, -1) } as const;
  for (const pooling of poolings) {
    const p = new Params();
    const hidden = input("hidden", "float32", [2, 5, 3]);
    const embedded = sentenceEmbedding(
      p,
      { pooling, steps: [dense, { kind: "normalise" }] },
      hidden,
      input("segments", "int32", [2, 5]),
    );
    const loss = sum(mul(embedded, input("wanted", "float32", [2, 4])));
    const weights = { "2_Dense.linear.weight": numbers([4, 3]), "2_Dense.linear.bias": numbers([4]) };
    const inputs: HostTensors = { ...given, segments, ...weights };
    const used = pooling === "cls" ? Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== "segments")) : inputs;
    const engine = await nativeEngine();
    const [gradient] = grad(loss, [hidden]);
    const slope = (await evaluate(engine, { gradient: gradient! }, used)).gradient!.data as Float32Array;
    const direction = numbers([2, 5, 3]).data;
    const lossAt = async (step: number) => {
      const moved = given.hidden.data.map((x, i) => x + step * direction[i]!);
      const { loss: found } = await evaluate(engine, { loss }, { ...used, hidden: { ...given.hidden, data: moved } });
      return (found!.data as Float32Array)[0]!;
    };
    const measured = ((await lossAt(0.01)) - (await lossAt(-0.01))) / 0.02;
    const computed = slope.reduce((total, x, i) => total + x * direction[i]!, 0);
    expect(Math.abs(measured)).toBeGreaterThan(0.01);
    expect(computed / measured).toBeCloseTo(1, 2);
  }
});
