// Texts with different adapters share a batch, and each gets what a model with its adapter merged into the weights gives.
import { expect, test } from "vitest";
import { adapterFolder, openAdapterFixture } from "../../test/adapters.ts";
import { openFixture } from "../../test/families.ts";
import { adapterOf } from "../adapt/index.ts";
import { loraFactors } from "../adapt/lora.ts";
import { InputError } from "../errors.ts";
import { type GptConfig, gptConfigFrom } from "../models/index.ts";
import { Random } from "../runtime/index.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { lowRankAdapter, readLowRankAdapter } from "./low-rank-adapter.ts";
import { argmax } from "./sampling.ts";

const common = { vocabulary: 50, context: 64, width: 32, layers: 2, heads: 4, normEpsilon: 1e-5, dropout: 0, hidden: 40 };
const llama: GptConfig = { ...common, kind: "llama", kvHeads: 2, headWidth: 8, rotaryBase: 10000, tied: false };
const gpt2: GptConfig = { ...common, kind: "gpt2", tied: true };

type Weights = (name: string, shape: readonly number[]) => Float32Array;

/** The same name, shape and seed give the same numbers. */
const randomWeights =
  (seed: number): Weights =>
  (name, shape) => {
    const random = new Random(seed, name);
    return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() * 0.3);
  };
const base = randomWeights(3);
const prompts = [[1, 2, 3, 4], [7, 8], [9, 10, 11], [4]];

const open = (config: GptConfig, more: Partial<DecoderOptions> = {}) =>
  Decoder.create({ config, weights: base, threads: 1, slots: 4, ...more });

/** A LoRA adapter with random A and B, as it comes from a PEFT folder. */
function loraOf(
  decoder: Decoder,
  { seed, rank, targets, alpha = 3 * rank }: { seed: number; rank: number; targets: string[]; alpha?: number },
) {
  const config = { method: "lora", rank, alpha, dropout: 0, rankStabilised: false, targets, modulesToSave: [] } as const;
  const draw = randomWeights(seed);
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [path, { inputs, outputs }] of decoder.layers) {
    if (!targets.some((target) => path.endsWith(`.${target}`))) continue;
    for (const [name, shape] of [
      [`${path}.lora_A.weight`, [rank, inputs]],
      [`${path}.lora_B.weight`, [outputs, rank]],
    ] as const)
      weights.set(name, { shape: [...shape], data: draw(name, shape) });
  }
  return { config, base: "base", weights };
}
type Lora = ReturnType<typeof loraOf>;

/** The weights of the base with an adapter in them. */
function merged({ config, weights }: Lora): Weights {
  const { scaleOf } = loraFactors(config);
  return (name, shape) => {
    const data = base(name, shape);
    const path = name.replace(/\.weight$/, "");
    const [a, b] = [weights.get(`${path}.lora_A.weight`), weights.get(`${path}.lora_B.weight`)];
    if (!a || !b) return data;
    const [[rank, inputs], outputs] = [a.shape as [number, number], b.shape[0]!];
    const transposed = path.includes(".attn.") || path.includes(".h.");
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++)
        for (let k = 0; k < rank; k++)
          data[transposed ? i * outputs + o : o * inputs + i]! += scaleOf(path) * b.data[o * rank + k]! * a.data[k * inputs + i]!;
    return data;
  };
}

/** Logits of every step of greedy continuations, a list a text. */
async function continued(decoder: Decoder, texts: readonly number[][], adapters: Parameters<Decoder["extend"]>[2], steps = 4) {
  const logits: Float32Array[][] = texts.map(() => []);
  decoder.lengths.fill(0);
  let predictions = await decoder.extend(0, texts, adapters);
  for (let step = 0; ; step++) {
    const rows = texts.map((_, i) => predictions.logits.slice(i * decoder.vocabulary, (i + 1) * decoder.vocabulary));
    rows.forEach((row, i) => {
      logits[i]!.push(row);
    });
    if (step === steps) return logits;
    predictions = await decoder.decode(rows.map(argmax));
  }
}

function expectClose(actual: Float32Array[], expected: Float32Array[], tolerance = 1e-4) {
  actual.forEach((row, step) => {
    expect(argmax(row)).toBe(argmax(expected[step]!));
    const most = Math.max(...expected[step]!.map(Math.abs));
    row.forEach((logit, i) => {
      expect(Math.abs(logit - expected[step]![i]!)).toBeLessThan(tolerance * most);
    });
  });
}

const cases: [string, GptConfig, string[], string[]][] = [
  ["llama", llama, ["q_proj", "v_proj"], ["k_proj", "down_proj"]],
  ["gpt2", gpt2, ["c_attn"], ["c_attn", "mlp.c_fc"]],
];
test.each(cases)("%s: each text of a batch gets what its own merged model gives", async (_, config, some, others) => {
  const decoder = await open(config);
  const loras = [
    loraOf(decoder, { seed: 1, rank: 2, targets: some }),
    loraOf(decoder, { seed: 2, rank: 5, targets: some }),
    loraOf(decoder, { seed: 3, rank: 3, targets: others }),
  ];
  const tables = loras.map((lora) => lowRankAdapter(lora, decoder.layers, "x"));
  for (const each of tables) await decoder.admit(each);
  // Two with one adapter and one with none, besides.
  const own = [tables[0], undefined, tables[1], tables[2]];
  const mixed = await continued(decoder, prompts, own);
  for (const [i, lora] of [loras[0], undefined, loras[1], loras[2]].entries()) {
    const alone = await open(config, { weights: lora ? merged(lora) : base, slots: 1 });
    expectClose(mixed[i]!, (await continued(alone, [prompts[i]!], []))[0]!);
    alone.release();
  }
  decoder.release();
});

test("three adapters of Python PEFT in one batch give what PEFT computes with each, and the base what Transformers does", async () => {
  const names = ["llama-lora", "llama-lora-patterns", "llama-lora-layers"];
  const fixtures = await Promise.all(names.map(openAdapterFixture));
  const plain = await openFixture("llama");
  const { base } = fixtures[0]!;
  const decoder = await Decoder.create({
    config: gptConfigFrom(base.config),
    weights: (...which) => base.weight(...which).data,
    slots: 4,
    threads: 1,
  });
  const adapters = await Promise.all(names.map((name) => readLowRankAdapter(adapterFolder(name), decoder.layers, base)));
  for (const adapter of adapters) await decoder.admit(adapter);
  const expected = [...fixtures.map(({ fixture }) => fixture), plain].map(
    ({ expected }) => expected["batch.logits"]!.data as Float32Array,
  );
  const [, time, vocabulary] = plain.expected["batch.logits"]!.shape as [number, number, number];
  const tokens = plain.expected["batch.input_ids"]!.data.subarray(0, time) as Int32Array;
  const begin = tokens.slice(0, 3);
  let { logits } = await decoder.extend(0, [begin, begin, begin, begin], adapters);
  for (let at = 2; ; at++) {
    expected.forEach((all, i) => {
      const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
      row.forEach((logit, id) => {
        expect(logit).toBeCloseTo(all[at * vocabulary + id]!, 4);
      });
    });
    if (at === time - 1) break;
    ({ logits } = await decoder.decode(Int32Array.from(expected, () => tokens[at + 1]!)));
  }
  decoder.release();
  for (const { base } of fixtures) base.close();
});

test("rows keep their adapters when they move, and an adapter that goes changes nothing for the others", async () => {
  const decoder = await open(llama);
  const [one, two] = [1, 2].map((seed) =>
    lowRankAdapter(loraOf(decoder, { seed, rank: seed + 1, targets: ["q_proj"] }), decoder.layers, "x"),
  );
  await decoder.admit(one!);
  await decoder.admit(two!);
  const expected = await continued(decoder, prompts, [one, two, undefined, two], 2);

  decoder.lengths.fill(0);
  await decoder.extend(0, prompts, [one, two, undefined, two]);
  const tokens = expected.map((steps) => argmax(steps[0]!));
  // The second text goes, and the last takes its place.
  decoder.copy(3, 1);
  let { logits } = await decoder.decode([tokens[0]!, tokens[3]!, tokens[2]!]);
  const row = (i: number) => logits.slice(i * 50, (i + 1) * 50);
  [0, 3, 2].forEach((text, i) => {
    expectClose([row(i)], [expected[text]![1]!], 1e-6);
  });
  decoder.forget(one!);
  decoder.copy(2, 0);
  ({ logits } = await decoder.decode([argmax(expected[2]![1]!), argmax(expected[3]![1]!)]));
  expectClose([row(0), row(1)], [expected[2]![2]!, expected[3]![2]!], 1e-6);
  decoder.release();
});

test("an adapter that no text has costs no bit; one whose numbers are beyond all measure harms no other text", async () => {
  const plain = await open(llama);
  const expected = await continued(plain, prompts, []);
  const decoder = await open(llama);
  const lora = loraOf(decoder, { seed: 1, rank: 4, targets: ["q_proj", "v_proj", "gate_proj"] });
  const tables = lowRankAdapter(lora, decoder.layers, "x");
  await decoder.admit(tables);
  expect(await continued(decoder, prompts, [])).toEqual(expected);
  for (const { a, b } of tables.values()) {
    a.fill(1e30);
    b.fill(3e38);
  }
  const [wild, ...others] = await continued(decoder, prompts, [tables], 1);
  expect(wild![0]!.some(Number.isNaN)).toBe(true);
  others.forEach((steps, i) => {
    expectClose(steps, expected[i + 1]!.slice(0, 2), 1e-6);
  });
  plain.release();
  decoder.release();
});

test.each(["int8", "int4"] as const)("over a base in %s", async (precision) => {
  const decoder = await open(llama, { precision });
  const lora = loraOf(decoder, { seed: 1, rank: 2, targets: ["v_proj", "o_proj"] });
  const tables = lowRankAdapter(lora, decoder.layers, "x");
  await decoder.admit(tables);
  // The same adapter as a rule of the scope, which is how it is trained.
  const alone = await open(llama, {
    precision,
    slots: 1,
    rules: [adapterOf(lora.config).rules()],
    weights: (name, shape) => lora.weights.get(name)?.data ?? base(name, shape),
  });
  const mixed = await continued(decoder, prompts, [undefined, tables]);
  expectClose(mixed[1]!, (await continued(alone, [prompts[1]!], []))[0]!, 1e-3);
  decoder.release();
  alone.release();
});

test("what is no plain LoRA for these layers is refused in a sentence", async () => {
  const decoder = await open(llama);
  const good = loraOf(decoder, { seed: 1, rank: 2, targets: ["q_proj"] });
  const refusal = (change: object, layers = decoder.layers) => {
    try {
      lowRankAdapter({ ...good, ...change }, layers, "folder");
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message;
    }
    throw new Error("not refused");
  };
  const config = (change: object) => ({ config: { ...good.config, ...change } });
  expect(refusal(config({ decomposed: true }))).toMatch(/^folder: only LoRA .* its method is DoRA: .*slovo merge/);
  expect(refusal(config({ modulesToSave: ["norm"] }))).toMatch(/whole modules of its own \(norm\)/);
  expect(refusal(config({ bias: "all" }))).toMatch(/"bias" is "all"/);
  const prompt = { method: "prompt", virtualTokens: 4 };
  expect(refusal({ config: prompt })).toMatch(/its method is "prompt": use it by itself/);
  const other = await open({ ...llama, width: 16 });
  expect(refusal({}, other.layers)).toMatch(
    /another model \(base\): A and B of ".*q_proj" must be \[2, 16\] and \[\d+, 2\] for it, and are \[2, 32\]/,
  );
  expect(refusal({}, new Map())).toMatch(/it changes the layer ".*q_proj", which this one does not have/);
  const [name, weight] = [...good.weights][0]!;
  expect(refusal({ weights: new Map([[name, weight]]) })).toMatch(/lora_B.weight" is missing/);
  const wild = new Map([...good.weights].map(([name, weight]) => [name, { ...weight, data: weight.data.map(() => 3e38) }]));
  expect(refusal({ weights: wild })).toMatch(/beyond what float32 holds/);
  expect(refusal({ weights: new Map([...good.weights, ["x.lora_embedding_A", weight]]) })).toMatch(/lora_embedding_A/);
  other.release();
  decoder.release();
});
