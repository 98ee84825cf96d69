// Prompt and prefix tuning are held to PEFT: logits, loss and gradient of adapters that it made, and what is generated with them.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { loadAdapter } from "../src/adapt/adapter-folder.ts";
import { type FittedAdapter, fitAdapter } from "../src/adapt/fitted-adapter.ts";
import { loadModelFolder, readSafetensors } from "../src/checkpoint/index.ts";
import { Decoder } from "../src/generate/index.ts";
import { cast, constant, linear } from "../src/graph/index.ts";
import { type GptConfig, gpt, gptConfigFrom, gptHead } from "../src/models/index.ts";
import { Params, sequenceContext, virtualTokenIds } from "../src/nn/index.ts";
import { evaluate, type HostTensors, nativeEngine } from "../src/runtime/index.ts";
import { frozenIn } from "../src/train/frozen-base.ts";
import { LossProgram, parametersOf } from "../src/train/loss-program.ts";
import { nextToken, type TokenBatch } from "../src/train/objectives/next-token.ts";
import { Layout } from "../src/train/parameters.ts";

const fixtures = resolve(import.meta.dirname, "fixtures/adapters");
const families = resolve(import.meta.dirname, "fixtures/families");
const names = [
  ...["gpt2-prompt", "gpt2-prefix", "llama-prompt", "llama-prefix"],
  ...["gemma3_text-prompt", "gemma3_text-prefix", "mistral-prefix"],
];

interface Expected {
  readonly base: string;
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: readonly (readonly number[])[];
}

interface Opened extends Disposable {
  readonly config: GptConfig;
  readonly fitted: FittedAdapter;
  readonly virtual: readonly number[];
  readonly expected: Expected;
  readonly tensors: HostTensors;
}

async function open(name: string): Promise<Opened> {
  const folder = join(fixtures, name);
  const expected: Expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));
  const base = await loadModelFolder(join(families, expected.base));
  const config = gptConfigFrom(base.config);
  const fitted = fitAdapter(await loadAdapter(folder), base);
  const virtual = virtualTokenIds(new Params(fitted.rules()).virtualTokens, config.vocabulary);
  using file = await readSafetensors(join(folder, "expected.safetensors"));
  const tensors = Object.fromEntries(
    Array.from(file.tensors, ([key, { dtype, shape, data }]) => [key, { dtype, shape, data: data.slice() }]),
  ) as HostTensors;
  return { config, fitted, virtual, expected, tensors, [Symbol.dispose]: () => base.close() };
}

/** The texts of a fixture, a row each behind the virtual tokens; padding is a segment of its own. */
function batchOf({ virtual, tensors }: Opened): { batch: TokenBatch; rows: number; length: number } {
  const { input_ids: ids, attention_mask: mask, labels } = tensors;
  const [rows, time] = ids!.shape as [number, number];
  const length = virtual.length + time;
  const each = (value: (row: number, at: number) => number) =>
    Int32Array.from({ length: rows * length }, (_, i) => value(Math.floor(i / length), (i % length) - virtual.length));
  const of = (tensor: HostTensors[string] | undefined, row: number, at: number) => Number(tensor!.data[row * time + at]);
  // As PEFT counts: the last virtual token says the first of the text.
  const targets = each((row, at) => (at < -1 || at + 1 >= time ? -100 : of(labels, row, at + 1)));
  const batch = {
    tokens: each((row, at) => (at < 0 ? virtual[at + virtual.length]! : of(ids, row, at))),
    targets,
    positions: each((_, at) => at + virtual.length),
    segments: each((row, at) => (at < 0 || of(mask, row, at) === 1 ? 0 : 1)),
    counted: targets.filter((target) => target !== -100).length,
    bytes: 0,
  };
  return { batch, rows, length };
}

/** Logits of all places, `[rows, length, vocabulary]`. */
async function logitsOf({ config, fitted }: Opened, { batch, rows, length }: ReturnType<typeof batchOf>) {
  const p = new Params(fitted.rules());
  const each = (data: Int32Array) => constant(data, "int32", [rows, length]);
  const context = sequenceContext({
    positions: cast(each(batch.positions), "int64"),
    segments: each(batch.segments),
    prefix: p.prefix,
  });
  const logits = linear(gpt(p, config, each(batch.tokens), context), gptHead(p, config));
  const weights = Object.fromEntries(
    p.all.map(({ name, shape }) => [name, { dtype: "float32" as const, shape, data: fitted.weights(name, shape) }]),
  );
  return (await evaluate(await nativeEngine(), { logits }, weights)).logits!.data as Float32Array;
}

test.each(names)("%s: logits", async (name) => {
  using opened = await open(name);
  const given = batchOf(opened);
  const logits = await logitsOf(opened, given);
  const { logits: expected, attention_mask: mask } = opened.tensors;
  const [rows, time, vocabulary] = expected!.shape as [number, number, number];
  let off = 0;
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < time; t++) {
      if (mask!.data[row * time + t] === 0) continue;
      const at = (row * given.length + opened.virtual.length + t) * vocabulary;
      for (let i = 0; i < vocabulary; i++)
        off = Math.max(off, Math.abs(logits[at + i]! - Number(expected!.data[(row * time + t) * vocabulary + i])));
    }
  }
  expect(off).toBeLessThan(1e-5);
});

test.each(names)("%s: loss and gradient, the base frozen", async (name) => {
  using opened = await open(name);
  const { config, fitted, tensors } = opened;
  const { batch, rows, length } = batchOf(opened);
  const objective = nextToken(config, { rows, length, packed: true });
  const adaptation = {
    rules: () => fitted.rules(),
    trains: (name: string) => fitted.adapter.trains(name),
    ...frozenIn(fitted),
  };
  const specs = parametersOf(objective, adaptation);
  expect(specs.map(({ name }) => name)).toEqual(["prompt_embeddings"]);
  const layout = new Layout(specs);
  const [weights, gradients] = [layout.allocate(), layout.allocate()];
  weights.set(fitted.own("prompt_embeddings")!.data);
  const program = await LossProgram.create(objective, await nativeEngine(), { layout, weights, gradients, adaptation });
  const loss = await program.run(batch, 1 / batch.counted);
  program.release();
  expect(Math.abs(loss - Number(tensors.loss!.data[0]))).toBeLessThan(1e-5);
  const expected = tensors.gradient!.data as Float32Array;
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  expect(layout.count).toBe(expected.length);
  const off = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - gradients[i]!)), 0);
  expect(off / largest).toBeLessThan(1e-4);
});

test.each(names)("%s: what is generated, in one batch, with a cache", async (name) => {
  using opened = await open(name);
  const { config, fitted, expected } = opened;
  const { prompts, tokens } = expected;
  const decoder = await Decoder.create({
    config,
    slots: prompts.length,
    rules: fitted.rules(),
    weights: (...which) => fitted.weights(...which),
    stored: (...which) => fitted.stored(...which),
  });
  try {
    // What stands before a text is none of its tokens.
    expect(decoder.capacity).toBe(config.context - 4);
    const written: number[][] = prompts.map(() => []);
    // Twice: a row that is used again begins anew.
    for (let time = 0; time < 2; time++) {
      let { logits } = await decoder.start(prompts);
      for (let step = 0; step < tokens[0]!.length; step++) {
        const next = prompts.map((_, row) => {
          const own = logits.subarray(row * config.vocabulary, (row + 1) * config.vocabulary);
          return own.indexOf(Math.max(...own));
        });
        for (const [row, token] of next.entries()) written[row]!.push(token);
        ({ logits } = await decoder.decode(next));
      }
    }
    expect(written).toEqual(tokens.map((row) => [...row, ...row]));
  } finally {
    decoder.release();
  }
});
