// Beam search and n-gram blocking: token for token what Transformers finds, for every kind of decoder and encoder–decoder.
import { afterAll, expect, test } from "vitest";
import { type ExpectedGeneration, openFixture } from "../../test/families.ts";
import { gptConfigFrom } from "../models/index.ts";
import { type BeamModel, type BeamSearchOptions, beamSearch } from "./beam-search.ts";
import { Decoder } from "./decoder.ts";
import { blockRepeats, repeatingTokens } from "./repeated-ngrams.ts";

const decoders = ["gpt2", "llama", "llama-rope-llama3", "mistral", "qwen2", "qwen3", "gemma3_text", "smollm3"];
const open: { release(): void }[] = [];
afterAll(() => {
  for (const model of open) model.release();
});

async function decoderOf(name: string, slots: number): Promise<Decoder> {
  const { config, weights } = await openFixture(name);
  const decoder = await Decoder.create({
    config: gptConfigFrom(config),
    weights: (name) => weights[name]!.data as Float32Array,
    slots,
    threads: 1,
  });
  open.push(decoder);
  return decoder;
}

function optionsOf({ options }: ExpectedGeneration): BeamSearchOptions {
  return {
    beams: options.num_beams,
    maxTokens: options.max_new_tokens,
    ends: [options.eos_token_id],
    lengthPenalty: options.length_penalty,
    earlyStopping: options.early_stopping,
    noRepeatNgram: options.no_repeat_ngram_size,
  };
}

async function compare(model: BeamModel, expected: ExpectedGeneration): Promise<void> {
  const found = await beamSearch(model, expected.prompts, optionsOf(expected));
  expect(found.map((texts) => texts[0]!.tokens)).toEqual(expected.tokens);
  expected.scores?.forEach((score, i) => {
    expect(found[i]![0]!.score).toBeCloseTo(score, 4);
  });
}

test.each(decoders)("%s: all prompts at once, and one after another", async (name) => {
  const { generation } = await openFixture(name);
  expect(generation.length).toBeGreaterThan(3);
  const [all, one] = await Promise.all([decoderOf(name, 12), decoderOf(name, 4)]);
  for (const expected of generation) {
    await compare(all, expected);
    await compare(one, expected);
  }
});

test("a beam that ends is not followed, and several may be given back, best first", async () => {
  const { generation } = await openFixture("llama");
  const { prompts, options } = generation[2]!;
  const decoder = await decoderOf("llama", 4);
  const ends = [options.eos_token_id];
  const [texts] = await beamSearch(decoder, [prompts[0]!], { beams: 4, maxTokens: 10, ends, texts: 4 });
  expect(texts).toHaveLength(4);
  expect(new Set(texts!.map(({ tokens }) => tokens.join())).size).toBe(4);
  for (const [i, { tokens, logprobs, score }] of texts!.entries()) {
    expect(tokens.slice(0, -1)).not.toContain(options.eos_token_id);
    expect(score).toBeCloseTo(logprobs.reduce((a, b) => a + b) / tokens.length, 10);
    expect(score).toBeLessThanOrEqual(texts![i - 1]?.score ?? 0);
  }
});

test("wide enough, the search finds the likeliest of all texts", async () => {
  const decoder = await decoderOf("qwen3", 67);
  const prompt = [5, 6, 7];
  const options = { maxTokens: 2, ends: [], lengthPenalty: 0 };
  const [found] = await beamSearch(decoder, [prompt], { ...options, beams: 67 });
  let best = { tokens: [0, 0], logprob: -Infinity };
  const first = await decoder.start([prompt]);
  const logprobs = Array.from(first.logits, (logit) => logit - first.logSums[0]!);
  const all = logprobs.map((_, token) => token);
  const { logits, logSums } = await decoder.step(
    all,
    all.map(() => 0),
  );
  for (const token of all) {
    for (const next of all) {
      const logprob = logprobs[token]! + logits[token * 67 + next]! - logSums[token]!;
      if (logprob > best.logprob) best = { tokens: [token, next], logprob };
    }
  }
  expect(found![0]!.tokens).toEqual(best.tokens);
  expect(found![0]!.score).toBeCloseTo(best.logprob, 5);
});

test.each([
  [{ beams: 5 }, "beams must be no more than the 4 texts that the model has room for at once, got 5"],
  [{ beams: 0 }, "beams must be a whole number of 1 or more, got 0"],
  [{ texts: 3 }, "texts must be from 1 to the 2 beams, got 3"],
  [{ noRepeatNgram: -1 }, "noRepeatNgram must be"],
  [{ lengthPenalty: Number.NaN }, "lengthPenalty must be a number"],
  [{ maxTokens: 0 }, "maxTokens must be"],
])("%j is refused", async (wrong, message) => {
  const decoder = await decoderOf("gpt2", 4);
  await expect(beamSearch(decoder, [[5]], { beams: 2, maxTokens: 3, ends: [], ...wrong })).rejects.toThrow(message);
});

test("a search can be ended, and stops where the model is full", async () => {
  const decoder = await decoderOf("gpt2", 4);
  const options = { beams: 2, maxTokens: 30, ends: [] };
  await expect(beamSearch(decoder, [[5]], { ...options, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
    "enough",
  );
  const long = Array.from({ length: 60 }, (_, i) => 5 + (i % 50));
  const [texts] = await beamSearch(decoder, [long], options);
  expect(texts![0]!.tokens).toHaveLength(4);
  expect(await beamSearch(decoder, [[...long, 5, 6, 7, 8]], options)).toEqual([[]]);
  await expect(beamSearch(decoder, [[...long, 5, 6, 7, 8, 9]], options)).rejects.toThrow("65 tokens, 1 more than");
});

test("the tokens that would repeat a run", () => {
  const text = [1, 2, 3, 1, 2, 4, 1, 2];
  expect([...repeatingTokens(text, 3)]).toEqual([3, 4]);
  expect([...repeatingTokens(text, 2)]).toEqual([3, 4]);
  expect([...repeatingTokens(text, 1)]).toEqual([1, 2, 3, 4]);
  expect([...repeatingTokens(text, 4)]).toEqual([]);
  expect([...repeatingTokens([1, 1], 2)]).toEqual([1]);
  expect([...repeatingTokens([1], 2)]).toEqual([]);
});

test("a vocabulary whose every token would repeat a run is not blocked", () => {
  const logits = Float32Array.of(1, 2, 3);
  expect([...blockRepeats(logits, [0, 2], 1)]).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect([...logits]).toEqual([-Infinity, 2, -Infinity]);
  expect(blockRepeats(Float32Array.of(1, 2), [0, 1], 1).size).toBe(0);
});
