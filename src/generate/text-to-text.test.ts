// An encoder–decoder as a text model: sources end as in training, requests share batches and change nothing, folders and commands work.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { slovo } from "../../test/command-line.ts";
import { saveModelFolder } from "../checkpoint/index.ts";
import { type T5Config, t5ConfigToJson, t5Shape } from "../models/index.ts";
import { Random } from "../runtime/index.ts";
import { type Tokenizer, trainByteLevelBpe } from "../tokenizer/index.ts";
import { EncoderDecoder } from "./encoder-decoder.ts";
import { argmax } from "./sampling.ts";
import { TextContinuation } from "./text-continuation.ts";
import { loadTextModel, textModelFrom } from "./text-model.ts";
import type { GenerationEnd, GenerationOptions, TextModel } from "./types.ts";

let tokenizer: Tokenizer;
let config: T5Config;
let model: TextModel;
let folder: string;
const weights = new Map<string, { shape: number[]; data: Float32Array }>();

function weight(name: string, shape: readonly number[]): Float32Array {
  const random = new Random(23, name);
  const known = weights.get(name);
  if (known) return known.data;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() * 0.3);
  weights.set(name, { shape: [...shape], data });
  return data;
}

const start = 3;

beforeAll(async () => {
  tokenizer = await trainByteLevelBpe(["the cat sat on the mat. кот сидит на ковре. ".repeat(20)], { vocabularySize: 320 });
  config = t5Shape({ kind: "t5", vocabulary: tokenizer.vocabularySize + 4, width: 32, heads: 2, layers: 2 });
  const ends = [tokenizer.endOfText];
  model = await textModelFrom({
    config,
    weights: weight,
    tokenizer,
    name: "small",
    slots: 2,
    capacity: 40,
    start,
    ends,
    threads: 1,
  });
  folder = await mkdtemp(join(tmpdir(), "slovo-text-to-text-"));
  await tokenizer.save(folder);
  const json = t5ConfigToJson(config, { pad: 0, eos: tokenizer.endOfText, decoderStart: start });
  await saveModelFolder(folder, { config: json, weights });
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

async function generate(prompt: string | readonly number[], options: Partial<GenerationOptions> = {}, from = model) {
  let text = "";
  let end: GenerationEnd | undefined;
  const ids: number[] = [];
  for await (const event of from.generate(prompt, { maxTokens: 20, seed: 1, ...options })) {
    text += event.delta;
    if (event.type === "end") end = event;
    else ids.push(event.id);
  }
  return { text, ids, end: end! };
}

test("a source is read to its end, and the text is what the decoder writes after its first token", async () => {
  const source = [...tokenizer.encode("the cat sat"), tokenizer.endOfText];
  const decoder = await EncoderDecoder.create({ config, weights: weight, start, threads: 1 });
  const wanted: number[] = [];
  let { logits } = await decoder.extend(0, [source]);
  for (let i = 0; i < 12; i++) {
    const next = argmax(logits.subarray(0, tokenizer.vocabularySize));
    if (next === tokenizer.endOfText) break;
    wanted.push(next);
    ({ logits } = await decoder.decode([next]));
  }
  decoder.release();
  const written = await generate("the cat sat", { temperature: 0, maxTokens: 12 });
  expect(written.ids).toEqual(wanted);
  expect(written.text).toBe(tokenizer.decode(wanted).replace(/\ufffd+$/, ""));
  expect(written.end).toMatchObject({ promptTokens: source.length, completionTokens: wanted.length });
  // Whoever gives tokens gives all of them.
  expect((await generate(source, { temperature: 0, maxTokens: 12 })).ids).toEqual(wanted);
  expect((await generate(source.slice(0, -1), { temperature: 0, maxTokens: 12 })).ids).not.toEqual(wanted);
  expect(model).toMatchObject({ rewrites: true, contextLength: 40 });
});

test("requests of all kinds over two places give what each gives alone", async () => {
  const requests = [
    ["the cat sat", { maxTokens: 30, seed: 1 }],
    ["кот сидит на ковре. ".repeat(3), { maxTokens: 7, seed: 2, temperature: 0.7 }],
    ["on the mat", { maxTokens: 25, seed: 3, topP: 0.9 }],
    ["the mat sat", { maxTokens: 9, beams: 2, noRepeatNgram: 2 }],
    ["", { maxTokens: 12, seed: 4, topK: 5, repetitionPenalty: 1.3 }],
    ["the mat", { maxTokens: 16, temperature: 0, noRepeatNgram: 3 }],
  ] as const;
  const alone = [];
  for (const [prompt, options] of requests) alone.push(await generate(prompt, options));
  const together = await Promise.all(requests.map(([prompt, options]) => generate(prompt, options)));
  expect(together).toEqual(alone);
  expect(new Set(together.map((result) => result.text)).size).toBe(requests.length);
});

test("source and text have the same room, each for itself", async () => {
  const long = Array.from({ length: 40 }, (_, i) => 5 + i);
  const { ids, end } = await generate(long, { maxTokens: 100, noRepeatNgram: 1 });
  expect([ids.length, end.reason, end.promptTokens]).toEqual([39, "length", 40]);
  await expect(generate([...long, 5])).rejects.toThrow("the prompt has 41 tokens");
});

test("a source's words are not repeated by being written the first time", () => {
  const choose = (begins?: readonly number[]) => {
    const setting = { tokenizer, ends: new Set<number>(), room: 10, begins };
    const text = new TextContinuation(Int32Array.of(70), { maxTokens: 5, temperature: 0, repetitionPenalty: 10 }, setting);
    const logits = new Float32Array(config.vocabulary);
    logits.set([2, 1], 70);
    return text.next(logits, 3);
  };
  expect(choose()).toBe(71);
  expect(choose([start])).toBe(70);
});

test("a T5 folder loads at every precision, with the tokens that its configuration names", async () => {
  const wanted = await generate("the cat sat", { temperature: 0 });
  for (const precision of ["f32", "int8", "int4"] as const) {
    const from = await loadTextModel(folder, { precision, threads: 1, capacity: 40 });
    const written = await generate("the cat sat", { temperature: 0 }, from);
    expect(written.ids.length).toBeGreaterThan(0);
    if (precision === "f32") expect(written).toEqual(wanted);
    await from.close();
  }
});

test.each([
  ["x", '"x"'],
  [{}, "{}"],
  [999_999, "999999"],
])("a decoder_start_token_id of %j is refused", async (id, came) => {
  const broken = await mkdtemp(join(tmpdir(), "slovo-text-to-text-"));
  try {
    await tokenizer.save(broken);
    const json = { ...t5ConfigToJson(config, { pad: 0, eos: tokenizer.endOfText }), decoder_start_token_id: id };
    await saveModelFolder(broken, { config: json, weights });
    await expect(loadTextModel(broken, { threads: 1 })).rejects.toThrow(
      `${join(broken, "config.json")}: the field "decoder_start_token_id" must be a token of the vocabulary 0 … ${config.vocabulary - 1}, or a list of such tokens; got ${came}.`,
    );
  } finally {
    await rm(broken, { recursive: true });
  }
});

test("slovo generate writes the new text alone", async () => {
  const { text } = await generate("the cat sat", { temperature: 0 });
  const { code, out, err } = await slovo(
    "generate",
    "--model",
    folder,
    "--prompt",
    "the cat sat",
    "--temperature",
    "0",
    "--tokens",
    "20",
  );
  expect({ code, out, err }).toEqual({ code: 0, out: `${text}\n`, err: "" });
});
