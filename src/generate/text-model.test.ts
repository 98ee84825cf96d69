// Requests over a real small model: batches that change nothing, stop strings, streams of whole characters, aborts, bad input.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveModelFolder } from "../checkpoint/index.ts";
import { InputError } from "../errors.ts";
import { gptConfigToJson, type LlamaConfig } from "../models/index.ts";
import { Random } from "../runtime/index.ts";
import { type Tokenizer, trainByteLevelBpe } from "../tokenizer/index.ts";
import { TextContinuation } from "./text-continuation.ts";
import { loadTextModel, textModelFrom } from "./text-model.ts";
import type { GeneratedToken, GenerationEnd, GenerationOptions, TextModel } from "./types.ts";

let tokenizer: Tokenizer;
let config: LlamaConfig;
let model: TextModel;
const weights = new Map<string, { shape: number[]; data: Float32Array }>();

function weight(name: string, shape: readonly number[]): Float32Array {
  const random = new Random(11, name);
  const known = weights.get(name);
  if (known) return known.data;
  const scale = name.includes("norm") ? 1 : 0.25;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() * scale);
  weights.set(name, { shape: [...shape], data });
  return data;
}

beforeAll(async () => {
  const corpus = [
    "a cat sat on the mat, a dog ran to the door. ".repeat(20),
    "кот сидит на ковре, пёс бежит к двери. ".repeat(20),
  ];
  tokenizer = await trainByteLevelBpe(corpus, { vocabularySize: 320 });
  config = {
    kind: "llama",
    vocabulary: tokenizer.vocabularySize,
    context: 96,
    width: 32,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headWidth: 16,
    hidden: 48,
    rotaryBase: 10000,
    normEpsilon: 1e-5,
    tied: false,
    dropout: 0,
  };
  model = await textModelFrom({ config, weights: weight, tokenizer, name: "small", slots: 2, threads: 1 });
});
afterAll(() => model.close());

interface Result {
  readonly text: string;
  readonly tokens: readonly GeneratedToken[];
  readonly end: GenerationEnd;
}

async function generate(
  prompt: string | readonly number[],
  options: Partial<GenerationOptions> = {},
  { signal, from = model }: { signal?: AbortSignal; from?: TextModel } = {},
): Promise<Result> {
  let text = "";
  const tokens: GeneratedToken[] = [];
  for await (const event of from.generate(prompt, { maxTokens: 20, seed: 1, ...options }, signal)) {
    text += event.delta;
    if (event.type === "end") return { text, tokens, end: event };
    tokens.push(event);
  }
  throw new Error("ended without an end");
}

const ids = (result: Result) => result.tokens.map((token) => token.id);

test("five requests over two places give what each gives alone", async () => {
  const requests = [
    ["a cat", { maxTokens: 30, seed: 1 }],
    ["кот сидит на ковре", { maxTokens: 7, seed: 2, temperature: 0.7 }],
    ["a dog ran ".repeat(6), { maxTokens: 25, seed: 3, topP: 0.9 }],
    ["", { maxTokens: 12, seed: 4, topK: 5, repetitionPenalty: 1.3 }],
    ["the mat", { maxTokens: 16, temperature: 0 }],
  ] as const;
  const alone: Result[] = [];
  for (const [prompt, options] of requests) alone.push(await generate(prompt, options));
  const together = await Promise.all(requests.map(([prompt, options]) => generate(prompt, options)));
  together.forEach((result, i) => {
    expect(ids(result)).toEqual(ids(alone[i]!));
    expect(result.text).toBe(alone[i]!.text);
    expect(result.end).toEqual(alone[i]!.end);
  });
  expect(new Set(together.map((result) => result.text)).size).toBe(5);
});

test("beams find a likelier text than greedy choice, wait for other requests, and let others wait", async () => {
  const beams = { maxTokens: 12, beams: 2, noRepeatNgram: 3 };
  const sum = (result: Result) => result.tokens.reduce((total, token) => total + token.logprob, 0);
  const greedy = await generate("a cat", { ...beams, beams: 1, temperature: 0 });
  const alone = await generate("a cat", beams);
  expect(alone.end).toMatchObject({ reason: "length", completionTokens: 12 });
  expect(alone.text).toBe(tokenizer.decode(ids(alone)));
  expect(sum(alone)).toBeGreaterThan(sum(greedy));
  const requests = [{ maxTokens: 30 }, beams, { maxTokens: 5 }, { ...beams, stop: [alone.text.slice(4, 7)] }];
  const [before, again, after, stopped] = await Promise.all(requests.map((options) => generate("a cat", options)));
  expect(ids(again!)).toEqual(ids(alone));
  expect(ids(before!).slice(0, 5)).toEqual(ids(after!));
  expect(ids(after!)).toEqual(ids(await generate("a cat", { maxTokens: 5 })));
  expect(stopped).toMatchObject({ end: { reason: "stop" } });
  expect(alone.text.startsWith(stopped!.text)).toBe(true);
  const aborted = new AbortController();
  const search = generate("a cat", { ...beams, maxTokens: 60 }, { signal: aborted.signal });
  aborted.abort(new Error("enough"));
  await expect(search).rejects.toThrow("enough");
  expect(ids(await generate("a cat", { maxTokens: 5 }))).toEqual(ids(after!));
});

test.each([
  [{ beams: 3 }, "beams must be no more than the 2 texts"],
  [{ beams: 1.5 }, "beams must be a whole number of 1 or more, got 1.5"],
  [{ beams: 2, alternatives: 1 }, "alternatives are not known of beams"],
  [{ beams: 2, repetitionPenalty: 1.1 }, "repetitionPenalty is not applied to beams"],
  [{ noRepeatNgram: 0.5 }, "noRepeatNgram must be a whole number"],
])("%j is refused", async (options, message) => {
  await expect(generate("a cat", options)).rejects.toThrow(message);
});

test("prompts longer than a piece are read in pieces, beside texts that are being continued", async () => {
  const long = { ...config, context: 700 };
  const from = await textModelFrom({ config: long, weights: weight, tokenizer, name: "long", slots: 3, threads: 1 });
  const prompt = Array.from({ length: 600 }, (_, i) => i % 300);
  const alone = await generate(prompt, { maxTokens: 10 }, { from });
  const [short, other, again] = await Promise.all([
    generate("a cat", { maxTokens: 40 }, { from }),
    generate("a dog", { maxTokens: 3 }, { from }),
    generate(prompt, { maxTokens: 10 }, { from }),
  ]);
  expect(ids(again)).toEqual(ids(alone));
  expect(ids(short)).toEqual(ids(await generate("a cat", { maxTokens: 40 }, { from })));
  expect(other.end.promptTokens).toBe(tokenizer.encode("a dog").length);
  await from.close();
});

test("the deltas are the text, and log-probabilities are the model's own", async () => {
  const { tokens, text, end } = await generate("a cat", { maxTokens: 40, alternatives: 3, temperature: 0.8, topK: 20 });
  const decoded = tokenizer.decode(tokens.map((token) => token.id));
  expect(decoded.startsWith(text)).toBe(true);
  expect(decoded.slice(text.length)).toMatch(/^\ufffd?$/);
  expect(end).toMatchObject({ reason: "length", promptTokens: tokenizer.encode("a cat").length, completionTokens: 40 });
  for (const token of tokens) {
    expect(token.text).toBe(tokenizer.tokenText(token.id));
    expect(token.alternatives).toHaveLength(3);
    expect(token.alternatives[0]!.logprob).toBeGreaterThanOrEqual(token.logprob);
    expect(token.alternatives.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeLessThanOrEqual(1 + 1e-5);
  }
  const all = await generate("a cat", { maxTokens: 1, alternatives: config.vocabulary });
  expect(all.tokens[0]!.alternatives.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 4);
});

test("a character in several tokens comes out whole, and one that is cut off not at all", async () => {
  const tokens = [...tokenizer.encode("ё€😀")];
  expect(tokens.length).toBe(2 + 3 + 4);
  const read = async (count: number) => {
    const setting = { tokenizer, ends: new Set([tokenizer.endOfText]), room: 100 };
    const continuation = new TextContinuation(Int32Array.of(1), { maxTokens: count, temperature: 0 }, setting);
    for (const token of tokens.slice(0, count)) {
      const logits = new Float32Array(config.vocabulary);
      logits[token] = 20;
      continuation.next(logits, 20);
    }
    const deltas: string[] = [];
    for await (const { delta } of continuation.events) deltas.push(delta);
    return deltas;
  };
  expect(await read(9)).toEqual(["", "ё", "", "", "€", "", "", "", "😀", ""]);
  expect(await read(7)).toEqual(["", "ё", "", "", "€", "", "", ""]);
});

test("a stop string across tokens ends the text before it, and none of it gets out", async () => {
  const { text, tokens } = await generate("a cat", { maxTokens: 30 });
  const middle = Math.floor(text.length / 2);
  const stop = text.slice(middle, middle + 6);
  const stopped = await generate("a cat", { maxTokens: 30, stop: ["never there", stop] });
  expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
  expect(stopped.end.reason).toBe("stop");
  expect(stopped.tokens.length).toBeLessThan(tokens.length);
  expect(stopped.tokens.length).toBe(stopped.end.completionTokens);
});

test("a token that ends the text is not part of it", async () => {
  const { tokens } = await generate("a cat", { temperature: 0 });
  const ends = [tokens[4]!.id];
  const before = tokens.findIndex((token) => token.id === ends[0]);
  const from = await textModelFrom({ config, weights: weight, tokenizer, name: "ending", ends, threads: 1 });
  const ended = await generate("a cat", { temperature: 0 }, { from });
  expect(ids(ended)).toEqual(tokens.slice(0, before).map((token) => token.id));
  expect(ended.end.reason).toBe("stop");
  await from.close();
});

test("a full context ends the text", async () => {
  const prompt = Array.from({ length: 90 }, () => 70);
  expect((await generate(prompt)).end).toMatchObject({ reason: "length", completionTokens: 6, promptTokens: 90 });
  expect((await generate([...prompt, ...prompt.slice(0, 6)])).end).toMatchObject({ reason: "length", completionTokens: 0 });
  expect((await generate("a", { maxTokens: 0 })).end).toMatchObject({ reason: "length", completionTokens: 0 });
});

test("an empty prompt begins after the end-of-text token", async () => {
  expect(ids(await generate(""))).toEqual(ids(await generate([tokenizer.endOfText])));
});

test("aborting frees the place, as leaving the loop does", async () => {
  const abort = new AbortController();
  const reason = new Error("enough");
  const doomed = ["a cat", "a dog"].map((prompt) => model.generate(prompt, { maxTokens: 80 }, abort.signal));
  const begun = await Promise.all(doomed.map((events) => events.next()));
  expect(begun.map(({ value }) => value.type)).toEqual(["token", "token"]);
  // Both places are taken, so this one waits.
  const waiting = generate("the mat", { maxTokens: 5 });
  abort.abort(reason);
  expect((await waiting).tokens).toHaveLength(5);
  const rest = async (events: AsyncGenerator) => {
    for await (const _ of events);
  };
  for (const events of doomed) await expect(rest(events)).rejects.toBe(reason);
  for await (const _ of model.generate("a cat", { maxTokens: 80 })) break;
  await expect(generate("a cat", {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect((await generate("the mat", { maxTokens: 5 })).tokens).toHaveLength(5);
});

test("what is wrong with a request is said in one sentence", async () => {
  const long = Array.from({ length: 97 }, () => 70);
  await expect(generate(long)).rejects.toThrow('the prompt has 97 tokens, and the model "small" takes at most 96: shorten it');
  await expect(generate([1, 5000])).rejects.toThrow(InputError);
  await expect(generate("a", { maxTokens: 1.5 })).rejects.toThrow("maxTokens must be a whole number ≥ 0, got 1.5");
  await expect(generate("a", { topP: 3 })).rejects.toThrow(InputError);
});

test("weights that are not numbers fail the request with a sentence, and the next one works", async () => {
  const live = new Map<string, Float32Array>();
  const from = await textModelFrom({
    config,
    weights: (name, shape) => {
      if (!live.has(name)) live.set(name, weight(name, shape).slice());
      return live.get(name)!;
    },
    tokenizer,
    name: "live",
    live: true,
    threads: 1,
  });
  const norm = live.get("model.norm.weight")!;
  norm.fill(Number.NaN);
  await expect(generate("a cat", {}, { from })).rejects.toThrow(/outputs are not numbers after \d+ tokens/);
  norm.set(weight("model.norm.weight", [config.width]));
  expect(ids(await generate("a cat", {}, { from }))).toEqual(ids(await generate("a cat")));
  await from.close();
});

test.each<[string, object, object | undefined, RegExp | undefined]>([
  ["a name", { eos_token_id: "x" }, undefined, /\/config\.json: the field "eos_token_id" .* 0 … \d+, .*; got "x"\.$/],
  ["a negative number", {}, { eos_token_id: -1 }, /generation_config\.json: the field "eos_token_id" .*; got -1\.$/],
  ["a fraction", {}, { eos_token_id: [0, 1.5] }, /generation_config\.json: .*; got \[0,1\.5\]\.$/],
  ["an object", { eos_token_id: {} }, { eos_token_id: null }, /\/config\.json: .*; got \{\}\.$/],
  ["a token beyond the vocabulary", {}, { eos_token_id: 1e9 }, /; got 1000000000\.$/],
  ["none", { eos_token_id: null }, { eos_token_id: null }, undefined],
  ["an empty list, beside what only other families read", { pad_token_id: -1 }, { eos_token_id: [] }, undefined],
])("the end of texts as %s", async (_, changes, generationConfig, message) => {
  const folder = await mkdtemp(join(tmpdir(), "slovo-text-model-"));
  try {
    await tokenizer.save(folder);
    const json = { ...gptConfigToJson(config, tokenizer.endOfText), ...changes };
    await saveModelFolder(folder, { config: json, generationConfig, weights });
    const opened = loadTextModel(folder, { threads: 1, slots: 1 });
    if (message) await expect(opened).rejects.toThrow(message);
    else await (await opened).close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a model that only reads is refused with what it is good for", async () => {
  const bert = join(import.meta.dirname, "../../test/fixtures/families/bert");
  await expect(loadTextModel(bert)).rejects.toThrow(
    /type bert reads texts and writes none; use slovo fill-mask, embed or classify/,
  );
});

test("a model folder loads at every precision, and a closed model says so", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slovo-text-model-"));
  try {
    await tokenizer.save(folder);
    await saveModelFolder(folder, { config: gptConfigToJson(config, tokenizer.endOfText), weights });
    for (const precision of ["f32", "int8", "int4"] as const) {
      const from = await loadTextModel(folder, { precision, threads: 1, slots: 1, capacity: 40 });
      expect(from).toMatchObject({ contextLength: 40, vocabularySize: config.vocabulary });
      const result = await generate("a cat", { temperature: 0 }, { from });
      expect(result.tokens).toHaveLength(20);
      if (precision !== "int4") expect(ids(result)).toEqual(ids(await generate("a cat", { temperature: 0 })));
      const unfinished = expect(generate("a cat", {}, { from })).rejects.toThrow("the model has been closed");
      await from.close();
      await unfinished;
      await expect(generate("a", {}, { from })).rejects.toThrow("has been closed");
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  await expect(loadTextModel("/nowhere")).rejects.toThrow(InputError);
});
